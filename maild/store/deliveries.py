"""What has become of each letter of a ticket on its way to its recipient."""

from dataclasses import dataclass
from datetime import datetime

from maild.core.reports import Delivery, delivery_of
from maild.store.db import Row, Tx
from maild.store.times import from_micros, maybe_from, to_micros

_RECENT = 50  # answers among which the last one to each person is looked for


@dataclass(frozen=True, slots=True)
class LetterState:
    """One letter to one person. `status` (RFC 3463) was reported, `reply` is the relay's last; both may be ""."""

    id: int
    at: datetime
    letter: str
    to: str
    message_id: str
    state: Delivery
    status: str
    reply: str
    changed_at: datetime | None


_SELECT = (
    "SELECT o.id, o.created_at, o.letter, o.to_address, o.message_id, o.state, o.attempts, COALESCE(d.state, ''),"
    " COALESCE(d.status, ''), COALESCE(o.last_reply, ''), COALESCE(d.at, o.sent_at)"
    " FROM outbox o LEFT JOIN delivery_reports d ON d.letter = o.id WHERE o.ticket = ?"
)


def report(tx: Tx, letter: int, state: Delivery, status: str, now: datetime) -> None:
    """A mail system has reported delayed, delivered or bounced. A bounce is the last word."""
    tx.run(
        "INSERT INTO delivery_reports (letter, state, status, at) VALUES (?, ?, ?, ?) ON CONFLICT (letter) DO UPDATE"
        " SET state = excluded.state, status = excluded.status, at = excluded.at"
        " WHERE delivery_reports.state = 'delayed' OR excluded.state = 'bounced'",
        letter, state.value, status, to_micros(now),
    )  # fmt: skip


def of_ticket(tx: Tx, number: int) -> list[LetterState]:
    """Every letter of a ticket, oldest first."""
    return [_state(row) for row in tx.all(f"{_SELECT} ORDER BY o.id", number)]


def last_answers(tx: Tx, number: int, before: int) -> list[LetterState]:
    """The newest answer to each person, of the letters before that one."""
    rows = tx.all(
        f"{_SELECT} AND o.letter IN ('answer', 'solved') AND o.id < ? ORDER BY o.id DESC LIMIT {_RECENT}",
        number, before,
    )  # fmt: skip
    newest = {row[3]: row for row in reversed(rows)}
    return [_state(row) for row in sorted(newest.values())]


def _state(row: Row) -> LetterState:
    return LetterState(
        id=row[0],
        at=from_micros(row[1]),
        letter=row[2],
        to=row[3],
        message_id=row[4],
        state=delivery_of(row[5], row[6], row[7]),
        status=row[8],
        reply=row[9],
        changed_at=maybe_from(row[10]),
    )
