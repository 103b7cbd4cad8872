"""Tickets whose time has come, oldest first. Every deadline is a moment in the ticket's row, so downtime loses none.

Left alone (SPEC section 7) is a ticket whose last letter to the customer has not gone out yet, or for which a mail
that was received in time is held; and every ticket while any such mail is not yet understood.
"""

from datetime import datetime, timedelta

from maild.store.db import Tx
from maild.store.times import to_micros


def due_to_close(tx: Tx, now: datetime, limit: int) -> list[int]:
    """Solved tickets whose reopening deadline is reached."""
    rows = tx.all(
        f"SELECT t.number FROM tickets t WHERE t.status = 'solved' AND t.reopen_until <= ?{_settled('reopen_until')}"
        f" AND {_nothing_queued('solved')} ORDER BY t.reopen_until LIMIT ?{tx.skip_locked}",
        to_micros(now), limit,
    )  # fmt: skip
    return [int(row[0]) for row in rows]


def due_to_auto_solve(tx: Tx, now: datetime, limit: int) -> list[int]:
    """Pending tickets whose customer has been silent for long enough."""
    rows = tx.all(
        f"SELECT t.number FROM tickets t WHERE t.status = 'pending' AND t.auto_solve_at <= ?{_settled('auto_solve_at')}"
        f" AND {_nothing_queued('answer')} ORDER BY t.auto_solve_at LIMIT ?{tx.skip_locked}",
        to_micros(now), limit,
    )  # fmt: skip
    return [int(row[0]) for row in rows]


def due_to_remind(tx: Tx, now: datetime, before: timedelta, limit: int) -> list[int]:
    """Solved tickets that nobody has confirmed, with their deadline nearer than `before` and still ahead."""
    rows = tx.all(
        "SELECT t.number FROM tickets t WHERE t.status = 'solved' AND t.reopen_until > ? AND t.reopen_until <= ?"
        f" AND t.reminded_at IS NULL AND t.confirmed_at IS NULL AND {_nothing_queued('solved')}"
        f" ORDER BY t.reopen_until LIMIT ?{tx.skip_locked}",
        to_micros(now), to_micros(now + before), limit,
    )  # fmt: skip
    return [int(row[0]) for row in rows]


def _settled(moment: str) -> str:
    return (
        f" AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.state = 'spooled' AND m.received_at < t.{moment})"
        " AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.ticket = t.number AND m.state = 'held'"
        f" AND m.received_at < t.{moment})"
    )


def _nothing_queued(letter: str) -> str:
    return (
        f"NOT EXISTS (SELECT 1 FROM outbox o WHERE o.ticket = t.number AND o.letter = '{letter}'"
        " AND o.state = 'queued')"
    )
