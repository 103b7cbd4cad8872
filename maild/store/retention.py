"""What is kept no longer: raw bytes of mails, dropped mails, closed tickets. The rows of mails stay, with their fate.

Each `…_due` names the oldest first, from a moment on that the caller has come to; what it passes over is kept.
"""

from collections.abc import Sequence
from datetime import datetime

from maild.store.db import Tx
from maild.store.times import from_micros, to_micros

_NOTHING = b""
_OF_TICKETS = ("messages", "events", "participants", "cc_proposals", "snoozes", "filings", "outbox")
_OF_LETTERS = ("delivery_reports", "sent_copies")

Due = list[tuple[int, datetime]]


def raw_due(tx: Tx, since: datetime, until: datetime, limit: int) -> Due:
    """Mails received in that time whose bytes nobody needs: settled, not dropped, and of no ticket that goes on.

    Attachments are cut out of the raw mail, so it stays while a ticket with it is not closed, or has letters to write.
    """
    rows = tx.all(
        "SELECT m.id, m.received_at FROM mails m WHERE length(m.octets) > 0 AND m.received_at >= ?"
        " AND m.received_at < ? AND m.state NOT IN ('spooled', 'held')"
        " AND NOT EXISTS (SELECT 1 FROM dropped d WHERE d.mail = m.id)"
        " AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.number = m.ticket AND t.status <> 'closed')"
        " AND NOT EXISTS (SELECT 1 FROM messages s JOIN tickets t ON t.number = s.ticket"
        " WHERE s.mail = m.id AND t.status <> 'closed')"
        " AND NOT EXISTS (SELECT 1 FROM messages s JOIN outbox o ON o.ticket = s.ticket"
        " WHERE s.mail = m.id AND o.state = 'queued')"
        f" ORDER BY m.received_at LIMIT ?{tx.skip_locked}",
        to_micros(since), to_micros(until), limit,
    )  # fmt: skip
    return _moments(rows)


def dropped_due(tx: Tx, since: datetime, until: datetime, limit: int) -> Due:
    """Held mails that were dropped in that time, and have not come back since."""
    rows = tx.all(
        "SELECT d.mail, d.at FROM dropped d WHERE d.at >= ? AND d.at < ?"
        " AND EXISTS (SELECT 1 FROM mails m WHERE m.id = d.mail AND m.state = 'done')"
        f" ORDER BY d.at LIMIT ?{tx.skip_locked}",
        to_micros(since), to_micros(until), limit,
    )  # fmt: skip
    return _moments(rows)


def closed_due(tx: Tx, since: datetime, until: datetime, limit: int) -> Due:
    """Tickets closed in that time that nothing waits for: no letter, no held mail, no ticket they were merged into."""
    rows = tx.all(
        "SELECT t.number, t.closed_at FROM tickets t WHERE t.status = 'closed' AND t.closed_at >= ? AND t.closed_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM tickets n WHERE n.number = t.merged_into)"
        " AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.ticket = t.number AND m.state <> 'done')"
        " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.ticket = t.number AND o.state = 'queued')"
        f" ORDER BY t.closed_at LIMIT ?{tx.skip_locked}",
        to_micros(since), to_micros(until), limit,
    )  # fmt: skip
    return _moments(rows)


def _moments(rows: Sequence[tuple[int, int]]) -> Due:
    return [(int(number), from_micros(moment)) for number, moment in rows]


def delete_raw(tx: Tx, mails: Sequence[int]) -> None:
    """The bytes of these mails are gone; that they came, and what became of them, stays."""
    tx.run(f"UPDATE mails SET octets = ? WHERE state = 'done' AND id IN ({_marks(mails)})", _NOTHING, *mails)
    tx.run(f"DELETE FROM dropped WHERE mail IN ({_marks(mails)})", *mails)


def delete_tickets(tx: Tx, numbers: Sequence[int]) -> None:
    """These tickets are gone with everything that was said in them; their numbers are not used again."""
    marks = _marks(numbers)
    for table in _OF_LETTERS:
        tx.run(f"DELETE FROM {table} WHERE letter IN (SELECT id FROM outbox WHERE ticket IN ({marks}))", *numbers)
    for table in _OF_TICKETS:
        tx.run(f"DELETE FROM {table} WHERE ticket IN ({marks})", *numbers)
    tx.run(f"DELETE FROM tickets WHERE number IN ({marks})", *numbers)
    for number in numbers:
        tx.drop_words(number)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
