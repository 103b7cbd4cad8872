"""What became of one attempt to hand over a letter, and what every way out has to offer."""

import re
from dataclasses import dataclass
from typing import Protocol

_MAX_REPLY = 300  # characters
_NOT_TEXT = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Delivered:
    """The relay has taken it."""

    reply: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not this time. `is_relay_down`: the relay serves nobody at the moment; it is not about this letter."""

    reply: str
    is_relay_down: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """The relay does not want this letter, now or ever. `is_unseen`: it was not even offered the letter's bytes."""

    reply: str
    is_unseen: bool = False


Outcome = Delivered | Later | Never


class Transport(Protocol):
    """A way out. One worker uses it at a time, for one letter after the other."""

    async def deliver(self, mail_from: str, rcpt_to: str, data: bytes) -> Outcome:
        """Hand over a letter (lines end with CRLF) to one recipient. `mail_from` "" is the null sender."""

    async def close(self) -> None:
        """Hang up. The next `deliver` connects anew."""


def one_line(text: str) -> str:
    """A reply of the far end as logs and lists can bear it: one line, short, characters only."""
    printable = text.encode("utf-8", "replace").decode()
    return _NOT_TEXT.sub(" ", printable).strip()[:_MAX_REPLY]
