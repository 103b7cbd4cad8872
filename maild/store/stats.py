"""Numbers about the whole desk, for `maild stats`: tickets, how long they wait, how soon they are answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.store.db import Tx
from maild.store.times import from_micros, maybe_from, to_micros


@dataclass(frozen=True, slots=True)
class Answering:
    """When a ticket was opened, and when somebody of support first wrote to its customer."""

    opened_at: datetime
    answered_at: datetime | None


def tickets_by(tx: Tx, since: datetime) -> list[tuple[str, str, int]]:
    """How many tickets opened since then are in each category and status."""
    rows = tx.all(
        "SELECT category, status, COUNT(*) FROM tickets WHERE created_at >= ? GROUP BY category, status"
        " ORDER BY category, status",
        to_micros(since),
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


def waiting_since(tx: Tx, since: datetime) -> list[datetime]:
    """When the tickets were opened that support has to do something about, oldest first."""
    rows = tx.all(
        "SELECT created_at FROM tickets WHERE created_at >= ? AND status IN ('incomplete', 'new', 'open')"
        " ORDER BY created_at",
        to_micros(since),
    )
    return [from_micros(row[0]) for row in rows]


def first_answers(tx: Tx, since: datetime) -> Sequence[Answering]:
    """Of each ticket that a customer opened since then."""
    rows = tx.all(
        "SELECT t.created_at, (SELECT MIN(m.at) FROM messages m WHERE m.ticket = t.number AND m.role = 'agent'"
        " AND m.is_note = FALSE) FROM tickets t WHERE t.created_at >= ? AND t.is_incoming = FALSE ORDER BY t.number",
        to_micros(since),
    )
    return [Answering(from_micros(row[0]), maybe_from(row[1])) for row in rows]


def mails_by_state(tx: Tx, since: datetime) -> dict[str, int]:
    """How many mails received since then are in each state."""
    rows = tx.all("SELECT state, COUNT(*) FROM mails WHERE received_at >= ? GROUP BY state", to_micros(since))
    return {row[0]: int(row[1]) for row in rows}


def mails_by_door(tx: Tx, since: datetime) -> dict[str, int]:
    """How many deliveries came through each door since then."""
    rows = tx.all("SELECT door, COUNT(*) FROM arrivals WHERE received_at >= ? GROUP BY door", to_micros(since))
    return {row[0]: int(row[1]) for row in rows}


def letters_by_state(tx: Tx, since: datetime) -> dict[str, int]:
    """How many letters written since then are in each state."""
    rows = tx.all("SELECT state, COUNT(*) FROM outbox WHERE created_at >= ? GROUP BY state", to_micros(since))
    return {row[0]: int(row[1]) for row in rows}
