"""Forward and reverse paths as MAIL and RCPT write them (RFC 5321 §4.1.2), and which of them are served here.

Strings in, strings out: the mail grammar with its comments and folding has no place in an envelope.
"""

import re

from maild.core.policy import Policy
from maild.core.route import category_for

NULL = "<>"  # the null reverse-path, as aiosmtpd writes it

# Visible characters and quoted strings. Octets that are no UTF-8 arrive as lone surrogates: not an address.
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f\ud800-\udfff]|\\[\x20-\x7e])*"'
_PATH = re.compile(rf'<((?:[^<>"\\\s\x00-\x1f\x7f\ud800-\udfff]|{_QUOTED})*)>([\x20-\x7e]*)')
_BARE = re.compile(r'([^<>"\\\s\x00-\x1f\x7f\ud800-\udfff]+@[^<>"\\\s\x00-\x1f\x7f\ud800-\udfff]+)( [\x20-\x7e]*)?')
_NEEDLESSLY_QUOTED = re.compile(r'"([^"\\@\s]+)"@([^@]+)')


def split_path(argument: str) -> tuple[str, str] | None:
    """`<a@b> SIZE=3` → (`a@b`, `SIZE=3`), a null path → `<>`; None if it is no path.

    A source route stays in front of its mailbox. Missing angle brackets are forgiven: too many scripts forget them.
    """
    match = _PATH.fullmatch(argument.strip()) or _BARE.fullmatch(argument.strip())
    if match is None:
        return None
    return match[1] or NULL, (match[2] or "").strip()


def without_route(path: str) -> str:
    """`@a,@b:c@d` → `c@d` (RFC 5321 appendix C: a route in the reverse path is ignored)."""
    return path.partition(":")[2] or path if path.startswith("@") else path


def asks_to_relay(path: str) -> bool:
    """Must we pass this mail on: `@here:user@there`, `user%there@here`, `there!user@here`, `"user@there"@here`?"""
    local = path.rpartition("@")[0]
    return path.startswith("@") or any(sign in local for sign in "%!@")


def served_address(path: str, policy: Policy) -> str | None:
    """The address of ours that a forward path means, or None if there is no such address."""
    if path.lower() == "postmaster":  # needs no domain (RFC 5321 §4.5.1)
        ours = (policy.general_address, *(category.address for category in policy.categories))
        return next((address for address in ours if address.startswith("postmaster@")), None)
    address = _NEEDLESSLY_QUOTED.sub(r"\1@\2", path)
    return address if category_for(address, policy) else None
