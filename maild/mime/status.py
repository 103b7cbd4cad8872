"""Enhanced status codes (RFC 3463): read from what a server said, or deduced from its words."""

import re

from maild.mime.alternatives import any_of

_ENHANCED = re.compile(r"(?<![\d.])([245]\.[0-7]\.\d{1,3})(?!\.?\d)")
_REPLY_CODE = re.compile(r"(?<![\d.:/-])([245])[0-5]\d(?=[ \-:;,.)\]]|$)(?![.:/-]\d)", re.MULTILINE)
# What servers say, by the detail it stands for. The first that fits counts, so the narrow ones stand above.
_DEDUCED = tuple(
    (any_of(words), detail)
    for words, detail in (
        (
            r"""
            quota
            (?:mail)?box (?:is |size )?(?:full|exceed|limit)
            (?:over|insufficient|exceed\w*)[^\n]{0,20}(?:storage|disk|space)
            too much mail
            out of (?:disk )?space
            переполнен
            превы(?:шен|сил)\w* (?:квот|лимит|размер ящика)
            voll\b
            """,
            "2.2",
        ),
        (
            r"""
            (?:message|mail|size)[^\n]{0,30}(?:too (?:big|large)|exceeds|larger)
            too large
            max(?:imum)? (?:message )?size
            слишком больш
            превышает [^\n]{0,30}размер
            """,
            "3.4",
        ),
        (
            r"""
            (?:account|mailbox|user|recipient|address|ящик)[^\n]{0,30}(?:disabled|inactive|terminated|suspended|deactivated\
                |expired|blocked|заблокирован|отключ[её]н|неактив)
            no longer (?:active|on server|valid)
            temporarily disabled
            """,
            "2.1",
        ),
        (
            r"""
            (?:unknown|unresolvable|unrouteable) (?:host|domain|mail domain)
            host(?:name)? (?:or domain name )?(?:unknown|not found)
            (?:domain|host)[^\n:]{0,40}(?:not found|does not exist|unknown|no(?:t)? valid|could not be found)
            name service error
            no (?:mx|route)
            nxdomain
            couldn't find any host
            all relevant mx records
            домен[^\n]{0,30}не (?:существует|найден)
            """,
            "1.2",
        ),
        (
            r"""
            user[^\n]{0,80}(?:unknown|not found|not exist|not known|not local|not listed|doesn't|does not|invalid|isn't)
            unknown (?:or illegal )?(?:user|recipient|local|address|mailbox|account|alias)
            unrouteable address
            no (?:such|mailbox|account|valid recipient)
            not (?:our customer|a valid mailbox|a known user|a registered)
            (?:recipient|mailbox|address|account|addressee|alias)[^\n]{0,80}(?:not (?:found|exist|known|listed|valid\
                |recogni[sz]ed|available)|does(?:n't| not) exist|unknown|invalid|rejected|unavailable|illegal\
                |undeliverable|doesn't have)
            (?:invalid|bad|illegal)[^\n]{0,20}(?:recipient|mailbox|address|user)
            not listed in
            couldn't be found
            (?:не существует|не найден|неизвестн\w+ (?:пользовател|получател|адрес)|нет такого|не знайдено|не існує)
            unbekannt
            inconnu
            desconocid
            inesistente
            nieznany
            """,
            "1.1",
        ),
        (
            r"""
            too many hops
            mail loop
            routing loop
            loops? back
            hop count
            loop detected
            зациклив
            """,
            "4.6",
        ),
        (
            r"""
            relay(?:ing)?[^\n]{0,30}(?:denied|not permitted|prohibited|not allowed|access)
            not permitted to relay
            we do not relay
            """,
            "7.1",
        ),
        (
            r"""
            spam
            blacklist
            block(?:ed|list)
            black list
            polic(?:y|ies)
            access denied
            not accepting mail
            not authori[sz]ed
            rejected due
            reputation
            dmarc
            spf\b
            dkim
            virus
            prohibited
            banned
            forbidden
            greylist
            not allowed
            спам
            запрещ
            отклонен[ао] (?:политик|сервер)
            """,
            "7.1",
        ),
        (
            r"""
            (?:connection|network|operation|session|smtp)[^\n]{0,40}(?:tim(?:ed|e) ?out|refused|unreachable|lost|reset)
            no answer
            timed? ?out
            could not connect
            not responding
            unreachable
            """,
            "4.1",
        ),
        (
            r"""
            (?:too long|expired|retry time|retries|giving up|timeout exceeded|queue)[^\n]{0,60}
            """,
            "4.7",
        ),
    )
)


def code_in(text: str) -> str:
    """The first enhanced status code that stands in the text, "" if none does."""
    match = _ENHANCED.search(text)
    return match[1] if match else ""


def has_code(text: str) -> bool:
    """Does an enhanced status code or an SMTP reply code of a failure stand in the text?"""
    if _ENHANCED.search(text):
        return True
    return any(match[1] != "2" for match in _REPLY_CODE.finditer(text))


def status_in(text: str, *, is_delay: bool = False) -> str:
    """The status a text speaks of: its code, else one deduced from its words and SMTP reply, else "".

    The first digit is that of the SMTP reply code (RFC 5321 §4.2.1); without one, 4 for a delay, 5 for a failure.
    """
    code = code_in(text)
    if code:
        return code
    reply = _REPLY_CODE.search(text)
    kind = reply[1] if reply and reply[1] != "2" else "4" if is_delay else "5"
    for words, detail in _DEDUCED:
        if words.search(text):
            return f"{kind}.{detail}"
    return f"{kind}.0.0" if reply and reply[1] != "2" else ""


def action_of(status: str) -> str:
    """The action that the first digit of a status stands for (RFC 3463 §3.1), "" without one."""
    return {"2": "delivered", "4": "delayed", "5": "failed"}.get(status[:1], "")
