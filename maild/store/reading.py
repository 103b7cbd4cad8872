"""A thread as its customer reads it, a page at a time: no internal notes, none of support's own business."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.core.effects import Event, Role
from maild.core.mail import Attachment, Mailbox
from maild.core.reports import Delivery, delivery_of
from maild.store.db import Row, Tx
from maild.store.times import from_micros, to_micros

CUT = 16_000  # characters of a message that a page of the thread can show
_EVENTS = 40  # of one page

# What concerns whoever asked; the rest of the history is support's.
TOLD = (
    Event.OPENED, Event.COMPLETED, Event.SOLVED, Event.CONFIRMED, Event.REOPENED, Event.CLOSED, Event.FOLLOW_UP,
    Event.MOVED, Event.MERGED, Event.CC_JOINED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One message. `reply` and `text` are the beginnings of the new words and of everything, with their whole lengths.

    What support quotes is no part of it: below an agent's words stand letters to support, with notes and verdicts.
    `delivery` is what became of the letter that brought it to the reader, None if there was none.
    """

    id: int
    at: datetime
    author: Mailbox
    role: Role
    reply: str
    reply_length: int
    text: str
    text_length: int
    attachments: tuple[Attachment, ...]
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the history. `number` is the other ticket that it is about, 0 for none."""

    at: datetime
    event: str
    who: str
    number: int


_WHOLE = "CASE WHEN role = 'agent' THEN reply ELSE text END"

_SAID = (
    "SELECT id, at, author, author_name, role, SUBSTR(reply, 1, ?), LENGTH(reply),"
    f" SUBSTR({_WHOLE}, 1, ?), LENGTH({_WHOLE}), attachments FROM messages WHERE ticket = ? AND is_note = FALSE"
)


def messages_before(tx: Tx, number: int, person: str, before: int | None, limit: int) -> list[Said]:
    """The newest messages of a ticket, or those before one of them; newest first. `person` is who reads."""
    where, values = (" AND id < ?", (before,)) if before else ("", ())
    rows = tx.all(f"{_SAID}{where} ORDER BY id DESC LIMIT ?", CUT, CUT, number, *values, limit)
    states = _deliveries(tx, number, person, [row[0] for row in rows])
    return [_said(row, states.get(row[0])) for row in rows]


def message(tx: Tx, number: int, identifier: int) -> Said | None:
    """One message; None if the ticket has no such one."""
    row = tx.one(f"{_SAID} AND id = ?", CUT, CUT, number, identifier)
    return None if row is None else _said(row, None)


def whole(tx: Tx, said: Said) -> str:
    """Everything that stands in a message, however long."""
    row = tx.one(f"SELECT {_WHOLE} FROM messages WHERE id = ?", said.id)
    return str(row[0]) if row else ""


def _said(row: Row, delivery: Delivery | None) -> Said:
    return Said(
        id=row[0],
        at=from_micros(row[1]),
        author=Mailbox(row[3], row[2]),
        role=Role(row[4]),
        reply=row[5],
        reply_length=row[6],
        text=row[7],
        text_length=row[8],
        attachments=tuple(Attachment(**file) for file in json.loads(row[9])),
        delivery=delivery,
    )


def _deliveries(tx: Tx, number: int, person: str, messages: Sequence[int]) -> dict[int, Delivery]:
    """By message, what became of the last letter with it to that person."""
    if not messages:
        return {}
    rows = tx.all(
        "SELECT o.message, o.state, o.attempts, COALESCE(d.state, '') FROM outbox o"
        " LEFT JOIN delivery_reports d ON d.letter = o.id WHERE o.ticket = ? AND o.to_address = ?"
        f" AND o.letter IN ('answer', 'solved') AND o.message IN ({', '.join('?' * len(messages))}) ORDER BY o.id",
        number, person, *messages,
    )  # fmt: skip
    return {row[0]: delivery_of(row[1], row[2], row[3]) for row in rows}


def happened_between(tx: Tx, number: int, since: datetime | None, until: datetime | None) -> list[Happened]:
    """What a customer is told of the history in that time, newest first."""
    rows = tx.all(
        "SELECT at, event, who, reason FROM events WHERE ticket = ? AND at >= ? AND at < ?"
        f" AND event IN ({', '.join('?' * len(TOLD))}) ORDER BY id DESC LIMIT ?",
        number, to_micros(since) if since else 0, to_micros(until) if until else 2**62,
        *(event.value for event in TOLD), _EVENTS,
    )  # fmt: skip
    return [Happened(from_micros(row[0]), row[1], row[2], _number_in(row[3])) for row in rows]


def _number_in(reason: str) -> int:
    digits = reason.removeprefix("#")
    return int(digits) if digits != reason and digits.isascii() and digits.isdigit() else 0


def follow_ups(tx: Tx, number: int) -> list[int]:
    """The tickets that continue this one."""
    rows = tx.all("SELECT number FROM tickets WHERE follow_up_of = ? ORDER BY number LIMIT 20", number)
    return [int(row[0]) for row in rows]


@dataclass(frozen=True, slots=True)
class Head:
    """What a page says of a ticket above its thread, besides what the rules know of it."""

    created_at: datetime
    is_incoming: bool
    follow_up_of: int


def head_of(tx: Tx, number: int) -> Head:
    """Of a ticket that is there; LookupError for another."""
    row = tx.one("SELECT created_at, is_incoming, follow_up_of FROM tickets WHERE number = ?", number)
    if row is None:
        raise LookupError(f"no ticket {number}")
    return Head(from_micros(row[0]), bool(row[1]), int(row[2] or 0))


def newest_message(tx: Tx, number: int) -> int:
    """The id of the newest message that a customer can read, 0 without one."""
    row = tx.one("SELECT MAX(id) FROM messages WHERE ticket = ? AND is_note = FALSE", number)
    return int(row[0] or 0) if row else 0


def is_unseen(tx: Tx, number: int, person: str, message: int) -> bool:
    """Has he a part in the ticket, and not read that far yet?"""
    row = tx.one("SELECT 1 FROM participants WHERE ticket = ? AND address = ? AND seen < ?", number, person, message)
    return row is not None
