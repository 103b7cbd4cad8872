"""XFORWARD: a trusted relay names the client it speaks for (an extension of Postfix, in its XFORWARD_README)."""

import re
from ipaddress import ip_address

ANNOUNCED = "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"
_KNOWN = frozenset(ANNOUNCED.split()[1:])
_UNKNOWN = ("[UNAVAILABLE]", "[TEMPUNAVAIL]")
_HEX = re.compile(r"\+([0-9A-F]{2})")


def forwarded_peer(argument: str) -> str | None:
    """The address in `ADDR=192.0.2.1 NAME=…`; "" for a client without one, None if only other things are told.

    Raises ValueError for anything that is not in the language of XFORWARD.
    """
    peer = None
    for pair in argument.split():
        name, equals, value = pair.partition("=")
        if name.upper() not in _KNOWN or not equals:
            raise ValueError(f"no such attribute: {name}")
        if name.upper() == "ADDR":
            peer = _address(value)
    return peer


def _address(value: str) -> str:
    text = _HEX.sub(lambda match: chr(int(match[1], 16)), value)  # xtext, RFC 3461 §4
    if text.upper() in _UNKNOWN:
        return ""
    return str(ip_address(text[5:] if text.upper().startswith("IPV6:") else text))
