"""Tickets that support put off: whose time has come, and whether anything has happened since."""

from dataclasses import dataclass
from datetime import datetime

from maild.store.db import Tx
from maild.store.times import to_micros


@dataclass(frozen=True, slots=True)
class Due:
    """A ticket to remind of. `is_overtaken`: its customer has written meanwhile, so support has been told anyway."""

    ticket: int
    who: str
    is_overtaken: bool


def due(tx: Tx, now: datetime, limit: int) -> list[Due]:
    """The reminders whose time has come, oldest first."""
    rows = tx.all(
        "SELECT s.ticket, s.who, EXISTS (SELECT 1 FROM messages m WHERE m.ticket = s.ticket AND m.role = 'customer'"
        f" AND m.at > s.since) FROM snoozes s WHERE s.until <= ? ORDER BY s.until LIMIT ?{tx.skip_locked}",
        to_micros(now), limit,
    )  # fmt: skip
    return [Due(row[0], row[1], bool(row[2])) for row in rows]


def remove(tx: Tx, ticket: int) -> None:
    """Nobody has to be reminded any more."""
    tx.run("DELETE FROM snoozes WHERE ticket = ?", ticket)
