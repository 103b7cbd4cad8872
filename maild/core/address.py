"""Addresses: compare them, take them apart (RFC 5321 §2.3.11, §4.1.2; RFC 6531; RFC 5233 for +detail)."""

import re
import unicodedata

import idna

# What we are willing to write a letter to: a dot-atom (with UTF-8, RFC 6531 §3.3) or a quoted string at a domain of
# letters, digits and hyphens. A quoted one may hold single blanks and what has to be quoted, but no second address and
# nothing that a reader could take for the end of this one. Address literals are read, never written to. Said by what is
# not allowed: a class that names all of Unicode takes forty times as long to compile.
_NOWHERE = r"\x00-\x20\x7f-\xa0\u2028\u2029"
_ATEXT = rf'[^{_NOWHERE}"(),.:;<>@\[\\\]]'
_ALNUM = rf"[^{_NOWHERE}\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]"
_INSIDE = rf"[^{_NOWHERE}\x21-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]"
_LABEL = rf"{_ALNUM}(?:{_INSIDE}{{0,61}}{_ALNUM})?"
_DOT_ATOM = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_QTEXT = rf'[^{_NOWHERE}"<>@\\]'
_QUOTED = rf'"{_QTEXT}+(?: {_QTEXT}+)*"'
_MAILBOX = re.compile(rf"(?:{_DOT_ATOM}|{_QUOTED})@{_LABEL}(?:\.{_LABEL})*")
_NEEDLESSLY_QUOTED = re.compile(rf'"({_DOT_ATOM})"')
_ESCAPED = re.compile(r"\\(.)")
# Nobody sees them, so they make two mailboxes look like one. A blank of ASCII stands in quotes.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
_MAX_LOCAL, _MAX_ADDRESS = 64, 254  # octets, RFC 5321 §4.5.3.1


def normalise(address: str) -> str:
    """The form addresses are compared and stored in: lower case, domain in ASCII (IDNA) without a final dot.

    Local parts are case-sensitive by RFC 5321 §2.4, but no mail system in use keeps two people apart by case. Quotes
    that nothing needs are left out: `"anna"@d.example` is anna's (RFC 5321 §4.1.2).
    """
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return _lower(address.strip())
    return f"{_lower(_unquoted(local))}@{ascii_domain(domain)}"


def _unquoted(local: str) -> str:
    if not local.startswith('"'):
        return local
    bare = _ESCAPED.sub(r"\1", local)
    match = _NEEDLESSLY_QUOTED.fullmatch(bare)
    return match[1] if match else local


def _lower(text: str) -> str:
    """Lower case that makes no ASCII letter of another one: the Kelvin sign (U+212A) is not a k."""
    if text.isascii():
        return text.lower()
    return "".join(one if one.lower().isascii() and not one.isascii() else one.lower() for one in text)


def ascii_domain(domain: str) -> str:
    """A domain name in lower-case ASCII (RFC 5890, UTS 46); one that IDNA refuses is only lower-cased.

    By IDNA 2008: the older one of Python takes faß.de for fass.de, which is another owner's.
    """
    domain = domain.rstrip(".")
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except UnicodeError:  # as idna.IDNAError is
        return _lower(domain)


def is_mailbox(address: str) -> bool:
    """May a letter be sent there: a plain mailbox within the length limits of RFC 5321 §4.5.3.1."""
    local = address.rpartition("@")[0]
    return (
        len(local.encode()) <= _MAX_LOCAL
        and len(address.encode()) <= _MAX_ADDRESS
        and _MAILBOX.fullmatch(address) is not None
        and (address.isascii() or not any(unicodedata.category(one) in _UNSEEN for one in address if one != " "))
    )


def domain_of(address: str) -> str:
    """The domain in ASCII, "" if there is none."""
    _, at, domain = address.rpartition("@")
    return ascii_domain(domain) if at else ""


def split_detail(address: str) -> tuple[str, str]:
    """`billing+refund@desk.example` → (`billing@desk.example`, `refund`), normalised; detail is "" if there is none."""
    local, at, domain = normalise(address).rpartition("@")
    user, plus, detail = local.partition("+")
    if not (at and plus and user):
        return normalise(address), ""
    return f"{user}@{domain}", detail


def with_detail(address: str, detail: str) -> str:
    """`billing@desk.example` and `t7.abc` → `billing+t7.abc@desk.example`."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{detail}@{domain}"
