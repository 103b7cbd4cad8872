"""What support's orders change about a ticket, as effects: `store.changes` writes them down."""

from dataclasses import dataclass
from datetime import datetime

from maild.core.mail import Mailbox


@dataclass(frozen=True, slots=True)
class Moved:
    """To another category; `topic` is "" for none."""

    ticket: int
    category: str
    topic: str


@dataclass(frozen=True, slots=True)
class Merged:
    """Closed for good, and every later mail goes into the other ticket, which gets its messages and people."""

    ticket: int
    into: int


@dataclass(frozen=True, slots=True)
class Assigned:
    """Somebody's own; "" for nobody's."""

    ticket: int
    agent: str


@dataclass(frozen=True, slots=True)
class Tagged:
    """Labels put on and taken off."""

    ticket: int
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prioritised:
    """low, normal or high."""

    ticket: int
    priority: str


@dataclass(frozen=True, slots=True)
class Joined:
    """One more participant."""

    ticket: int
    person: Mailbox


@dataclass(frozen=True, slots=True)
class Snoozed:
    """Support shall be reminded at that moment."""

    ticket: int
    until: datetime
    who: str


@dataclass(frozen=True, slots=True)
class Muted:
    """That address gets no automatic mail any more."""

    address: str
    who: str


Change = Moved | Merged | Assigned | Tagged | Prioritised | Joined | Snoozed | Muted
