"""Bounces in free form: who could not be reached, and why, from the words that mail servers write for people.

Lines of known shapes are read first, then flufl.bounce looks (guarded: it crashes on some mails), then any address
counts that is neither the sender's nor the reporter's, and at last the To field of the returned mail.
"""

import re
from collections.abc import Iterator

from maild.core.mail import BouncedRecipient
from maild.mime import report, status
from maild.mime.alternatives import any_of
from maild.mime.returned import Returned

_ADDR = r"(?:\"[^\"\n]{1,62}\"|[^\s<>()\[\]:;,\"'@|«»（）]{1,64})@(?:[\w-]{1,63}\.){1,10}[\w-]{2,63}"
_ADDRESS = re.compile(_ADDR)
# The lines on which mail servers name who was not reached; `a` is the address.
_SHAPES = tuple(
    re.compile(shape.replace("ADDRESS", f"(?P<a>{_ADDR})"), re.IGNORECASE | re.MULTILINE)
    for shape in (
        r"^[ \t>*|·•-]{0,40}(?:smtp:|mailto:)?[<(\"']?ADDRESS[>)\"']?[ \t]*"
        r"(?:[:;,.…–—-]|\(|$|\b(?:on|am|le|el|il|op|w dniu)\b|unknown|\d)",
        r"\brcpt to:[ \t]*<?ADDRESS",
        r"^[ \t>*|-]{0,12}(?:to|(?:failed |original |final )?recipients?|(?:e-?mail |rcpt )?address(?:ee)?|user"
        r"|delivered to|получател[ьи]|адрес(?:ат)?|кому|empf[äa]nger|destinataire|destinat[aá]rio|宛先)"
        r"(?: address| address\(es\)|\(s\))?[ \t]*[:=][ \t]*<?(?:smtp:|rfc822;[ \t]?)?ADDRESS",
        r"\b[45]\d\d[ -][^\n]{0,60}?<ADDRESS>",
        r"(?:deliver\w*|reach\w*|sent|send|addressed|message|mail|доставл?\w*|zugestellt|remis|entregad[oa])[^\n.!?]{0,60}?"
        r" (?:to|for|get to|reach|адресату|получателю|по адресу|на адрес|для|an|à|al?)[: \t]+[\"'<(]{0,2}ADDRESS",
        r"(?:user|recipient|receiver|address|account|mailbox|ящик|адрес|пользовател\w+|收件人)"
        r"[ \t]*:?[ \t]*[\"'<(（]{0,2}ADDRESS",
    )
)
_NOT_FAILED = any_of(
    r"""
    postmaster
    mailer-daemon
    (?:abuse|support)@
    help ?desk
    contact
    message-id
    \bfrom\b
    sender
    reply-to
    return-path
    http
    question
    отправител
    обратитесь
    вопрос
    от кого
    """
)
_SAID = 32 * 1024  # characters of words that are searched
_NEAR = 700  # characters after an address in which its reason stands


def named_in(words: str, not_these: frozenset[str]) -> list[str]:
    """Addresses on lines of the shapes in which mail servers name who was not reached, in their order."""
    said = words[:_SAID]
    found = sorted((match.start("a"), match["a"]) for shape in _SHAPES for match in shape.finditer(said))
    return _each_once((address for place, address in found if not _is_aside(said, place)), not_these)


def mentioned_in(words: str, not_these: frozenset[str]) -> list[str]:
    """Any addresses in lines that do not speak of senders or of whom to ask."""
    said = words[:_SAID]
    found = (match[0] for match in _ADDRESS.finditer(said) if not _is_aside(said, match.start()))
    return _each_once(found, not_these)


def failed_recipients(
    raw: bytes, returned: Returned, named: list[str], not_these: frozenset[str], *, is_delay: bool
) -> tuple[BouncedRecipient, ...]:
    """Who was not reached, with the reason that stands nearest. `named` are known already, [] if nobody is."""
    action = "delayed" if is_delay else "failed"
    if named:
        late: list[str] = []
    else:
        late, named = report.scan(raw)
        late = [one for one in late if one.lower() not in not_these]
        named = [one for one in named if one.lower() not in not_these]
    if not named and not late:
        named = mentioned_in(returned.words, not_these)[:1] or _sole(returned.to)
    everybody = [*named, *late]
    return tuple(
        BouncedRecipient(
            one, _reason_for(one, everybody, returned.words, is_delay=is_delay), "delayed" if one in late else action
        )
        for one in everybody
    )


def addresses_in(value: str) -> list[str]:
    """The addresses in a field such as X-Failed-Recipients."""
    return _each_once((match[0] for match in _ADDRESS.finditer(value[:_SAID])), frozenset())


def _each_once(found: Iterator[str], not_these: frozenset[str]) -> list[str]:
    kept: dict[str, str] = {}
    for one in found:
        address = one.rstrip(".-")
        if address.lower() not in not_these:
            kept.setdefault(address.lower(), address)
    return list(kept.values())


def _is_aside(said: str, place: int) -> bool:
    """Does the line up to that place, or the address itself, speak of somebody else than the one not reached?"""
    line = said[max(said.rfind("\n", 0, place) + 1, place - 200) : place]
    return _NOT_FAILED.search(line) is not None or said[place : place + 14].lower().startswith(
        ("postmaster@", "mailer-daemon@")
    )


def _sole(to: str) -> list[str]:
    """The address of a To field that holds exactly one."""
    found = addresses_in(to)
    return found if len(found) == 1 else []


def _reason_for(address: str, everybody: list[str], words: str, *, is_delay: bool) -> str:
    """The status in the words that follow an address, up to the next one; else the first in all of them."""
    place = words.find(address)
    if place >= 0:
        end = min(place + _NEAR, len(words))
        others = [words.find(one, place + len(address), end) for one in everybody if one != address]
        end = min([end, *(other for other in others if other > 0)])
        line = words.rfind("\n", 0, place) + 1
        found = status.status_in(words[line:end].replace(address, " "), is_delay=is_delay)
        if found:
            return found
    return status.status_in(words[:_SAID], is_delay=is_delay)
