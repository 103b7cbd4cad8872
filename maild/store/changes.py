"""What support's orders change about a ticket, written down: one function for each."""

import json
from datetime import datetime

from maild.core.changes import Assigned, Change, Joined, Merged, Moved, Muted, Prioritised, Snoozed, Tagged
from maild.store import filings, mine, muted, proposals
from maild.store.db import Tx
from maild.store.times import to_micros

_MESSAGE = "mail, at, author, author_name, role, is_note, text, reply, attachments, trust, message_id"


def make(tx: Tx, ticket: int, change: Change, now: datetime) -> None:
    """Carry out one change of a ticket."""
    if isinstance(change, Moved | Assigned | Prioritised):
        filings.ticket_changed(tx, ticket)
    match change:
        case Moved():
            tx.run("UPDATE tickets SET category = ?, topic = ? WHERE number = ?", change.category, change.topic, ticket)
        case Assigned():
            tx.run("UPDATE tickets SET assignee = ? WHERE number = ?", change.agent or None, ticket)
        case Prioritised():
            tx.run("UPDATE tickets SET priority = ? WHERE number = ?", change.priority, ticket)
        case Tagged():
            _tag(tx, ticket, change)
        case Joined():
            _join(tx, ticket, change)
        case Merged():
            _merge(tx, ticket, change.into)
        case Snoozed():
            _snooze(tx, ticket, change, now)
        case Muted():
            muted.add(tx, change.address, now)


def _tag(tx: Tx, ticket: int, change: Tagged) -> None:
    row = tx.one("SELECT tags FROM tickets WHERE number = ?", ticket)
    tags = dict.fromkeys([*(json.loads(row[0]) if row else ()), *change.added])
    kept = [tag for tag in tags if tag not in change.removed]
    tx.run("UPDATE tickets SET tags = ? WHERE number = ?", json.dumps(kept, ensure_ascii=False), ticket)


def _join(tx: Tx, ticket: int, change: Joined) -> None:
    tx.run(
        "INSERT INTO participants (ticket, address, name, position, created_at, is_incoming)"
        " SELECT t.number, CAST(? AS TEXT), CAST(? AS TEXT), (SELECT COALESCE(MAX(p.position), -1) + 1"
        " FROM participants p WHERE p.ticket = t.number), t.created_at, t.is_incoming"
        " FROM tickets t WHERE t.number = ? ON CONFLICT (ticket, address) DO NOTHING",
        change.person.address, change.person.name, ticket,
    )  # fmt: skip
    proposals.settle(tx, ticket, change.person.address)


def _merge(tx: Tx, ticket: int, into: int) -> None:
    """The messages are copied: both tickets can be read, and a reference to one finds the first bearer of its name."""
    tx.run("UPDATE tickets SET merged_into = ? WHERE number = ?", into, ticket)
    tx.run(
        f"INSERT INTO messages (ticket, {_MESSAGE}) SELECT CAST(? AS BIGINT), {_MESSAGE} FROM messages"
        " WHERE ticket = ? ORDER BY id",
        into, ticket,
    )  # fmt: skip
    tx.run(
        "INSERT INTO participants (ticket, address, name, position, created_at, is_incoming)"
        " SELECT t.number, p.address, p.name,"
        " p.position + (SELECT COALESCE(MAX(position), -1) + 1 FROM participants WHERE ticket = t.number),"
        " t.created_at, t.is_incoming FROM participants p, tickets t WHERE p.ticket = ? AND t.number = ?"
        " ON CONFLICT (ticket, address) DO NOTHING",
        ticket, into,
    )  # fmt: skip
    mine.mark_copied(tx, into)


def _snooze(tx: Tx, ticket: int, change: Snoozed, now: datetime) -> None:
    tx.run(
        "INSERT INTO snoozes (ticket, until, since, who) VALUES (?, ?, ?, ?) ON CONFLICT (ticket)"
        " DO UPDATE SET until = excluded.until, since = excluded.since, who = excluded.who",
        ticket, to_micros(change.until), to_micros(now), change.who,
    )  # fmt: skip
