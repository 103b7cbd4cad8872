"""Tickets as people list and read them: whole rows, whole threads. The rules never ask here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from maild.core.effects import Role
from maild.core.mail import Attachment
from maild.store.db import Row, Tx
from maild.store.times import from_micros, maybe_from


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket with everything that is known of it. The first of `participants` (addresses) is the customer."""

    number: int
    subject: str
    status: str
    category: str
    topic: str
    created_at: datetime
    solved_at: datetime | None
    reopen_until: datetime | None
    confirmed_at: datetime | None
    follow_up_of: int | None
    merged_into: int | None
    assignee: str | None
    priority: str
    fields: Mapping[str, str]
    tags: tuple[str, ...]
    participants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One entry of a thread: `text` is all of it, `reply` the new words."""

    id: int
    at: datetime
    author: str
    role: Role
    is_note: bool
    text: str
    reply: str
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of a ticket's history."""

    at: datetime
    event: str
    who: str
    via: str
    reason: str


def ticket_rows(tx: Tx, *, status: str | None = None, number: int | None = None) -> list[TicketRow]:
    """Tickets in the order of their numbers; only of one status, or only one ticket, if asked."""
    found = tx.all(
        "SELECT number, subject, status, category, topic, created_at, solved_at, reopen_until, confirmed_at,"
        " follow_up_of, merged_into, assignee, priority, fields, tags FROM tickets"
        " WHERE (CAST(? AS TEXT) IS NULL OR status = ?) AND (CAST(? AS BIGINT) IS NULL OR number = ?)"
        " ORDER BY number",
        status, status, number, number,
    )  # fmt: skip
    people = _participants(tx, number)
    return [_ticket(row, tuple(people.get(row[0], ()))) for row in found]


def ticket_row(tx: Tx, number: int) -> TicketRow | None:
    """One ticket, or None."""
    return next(iter(ticket_rows(tx, number=number)), None)


def _participants(tx: Tx, number: int | None) -> dict[int, list[str]]:
    rows = tx.all(
        "SELECT ticket, address FROM participants WHERE CAST(? AS BIGINT) IS NULL OR ticket = ?"
        " ORDER BY ticket, position",
        number, number,
    )  # fmt: skip
    people: dict[int, list[str]] = {}
    for ticket, address in rows:
        people.setdefault(ticket, []).append(address)
    return people


def _ticket(row: Row, participants: tuple[str, ...]) -> TicketRow:
    return TicketRow(
        number=row[0],
        subject=row[1],
        status=row[2],
        category=row[3],
        topic=row[4],
        created_at=from_micros(row[5]),
        solved_at=maybe_from(row[6]),
        reopen_until=maybe_from(row[7]),
        confirmed_at=maybe_from(row[8]),
        follow_up_of=row[9],
        merged_into=row[10],
        assignee=row[11],
        priority=row[12],
        fields=json.loads(row[13]),
        tags=tuple(json.loads(row[14])),
        participants=participants,
    )


def messages_of(tx: Tx, number: int) -> list[MessageRow]:
    """The thread of a ticket, oldest first, internal notes included."""
    rows = tx.all(
        "SELECT id, at, author, role, is_note, text, reply, attachments FROM messages WHERE ticket = ? ORDER BY id",
        number,
    )
    return [
        MessageRow(
            id=row[0],
            at=from_micros(row[1]),
            author=row[2],
            role=Role(row[3]),
            is_note=bool(row[4]),
            text=row[5],
            reply=row[6],
            attachments=tuple(Attachment(**file) for file in json.loads(row[7])),
        )
        for row in rows
    ]


def events_of(tx: Tx, number: int) -> list[EventRow]:
    """The history of a ticket, oldest first."""
    rows = tx.all("SELECT at, event, who, via, reason FROM events WHERE ticket = ? ORDER BY id", number)
    return [EventRow(from_micros(row[0]), *row[1:]) for row in rows]


def has_letter(tx: Tx, letter: int) -> bool:
    """Is there such a row in the outbox?"""
    return tx.one("SELECT 1 FROM outbox WHERE id = ?", letter) is not None
