"""Name and password out of the talk that AUTH begins: PLAIN (RFC 4616) and LOGIN (which is written down nowhere)."""

from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable

MECHANISMS = ("PLAIN", "LOGIN")

Ask = Callable[[str], Awaitable[bytes]]  # a challenge in base64 → the client's line


class BadLogin(Exception):
    """The talk went wrong; the text is the reply."""


async def credentials(argument: str, ask: Ask) -> tuple[str, str]:
    """Name and password that a client gives after `AUTH argument`. Raises BadLogin."""
    mechanism, _, initial = argument.partition(" ")
    match mechanism.upper():
        case "PLAIN":
            return _plain(_decoded(initial.encode("utf-8", "replace") if initial else await ask("")))
        case "LOGIN":
            name = initial.encode("utf-8", "replace") if initial else await ask(_challenge("Username:"))
            return _text(_decoded(name)), _text(_decoded(await ask(_challenge("Password:"))))
        case _:
            raise BadLogin("504 5.5.4 unknown mechanism")


def _challenge(words: str) -> str:
    return b64encode(words.encode()).decode()


def _decoded(line: bytes) -> bytes:
    """What base64 says; `*` gives up, `=` is nothing at all (RFC 4954 §4)."""
    if line == b"*":
        raise BadLogin("501 5.7.0 given up")
    try:
        return b"" if line == b"=" else b64decode(line, validate=True)
    except ValueError:
        raise BadLogin("501 5.5.2 this is not base64") from None


def _plain(message: bytes) -> tuple[str, str]:
    parts = message.split(b"\0")
    if len(parts) != 3:
        raise BadLogin("501 5.5.2 this is not NUL-separated")
    acts_as, name, password = map(_text, parts)
    if acts_as not in ("", name):
        raise BadLogin("535 5.7.8 nobody acts as somebody else here")
    return name, password


def _text(octets: bytes) -> str:
    """Octets that are no UTF-8 belong to a password that is wrong."""
    return octets.decode("utf-8", "surrogateescape")
