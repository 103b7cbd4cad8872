"""What a letter is written from: the ticket, the words it carries, the thread below them, the references."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.core.effects import Role
from maild.core.mail import Attachment, Mailbox
from maild.store import deliveries, ledger
from maild.store.db import Row, Tx
from maild.store.deliveries import LetterState
from maild.store.outbox import Letter
from maild.store.times import from_micros

_THREAD = 10  # earlier messages repeated in a letter: the newest
_REFERENCES = 20  # RFC 5322 sets no limit; header lines and old programs do


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the thread."""

    id: int
    mail: int | None
    at: datetime
    author: Mailbox
    role: Role
    is_note: bool
    reply: str
    attachments: tuple[Attachment, ...]
    message_id: str

    @property
    def new_files(self) -> tuple[Attachment, ...]:
        """Its attachments without the logos that came before."""
        return tuple(file for file in self.attachments if not file.is_repeated)


@dataclass(frozen=True, slots=True)
class TicketRef:
    """Another ticket of the same customer."""

    number: int
    subject: str
    status: str


@dataclass(frozen=True, slots=True)
class Material:
    """`earlier` is newest first; `references` oldest first, the last is what the letter answers.

    `answers`, for support only: what has become of the newest answer to each person.
    """

    number: int
    subject: str
    category: str
    topic: str
    status: str
    fields: Mapping[str, str]
    customer: Mailbox
    message: Entry | None
    raw: bytes | None
    earlier: tuple[Entry, ...]
    references: tuple[str, ...]
    others: tuple[TicketRef, ...]
    answers: tuple[LetterState, ...]


_ENTRY = "id, mail, at, author_name, author, role, is_note, reply, attachments, message_id"


def material_for(tx: Tx, letter: Letter, *, with_notes: bool) -> Material:
    """Everything one letter about a ticket needs. `with_notes`: it goes to support, who may read internal notes."""
    ticket = tx.one(
        "SELECT number, subject, category, topic, status, fields FROM tickets WHERE number = ?", letter.ticket
    )
    if ticket is None:
        raise LookupError(f"letter {letter.id} is about no ticket")
    message = _entry(tx, letter.message) if letter.message is not None else None
    customer = _customer(tx, ticket[0])
    return Material(
        number=ticket[0],
        subject=ticket[1],
        category=ticket[2],
        topic=ticket[3],
        status=ticket[4],
        fields=json.loads(ticket[5]),
        customer=customer,
        message=message,
        raw=ledger.raw(tx, message.mail) if message and message.mail and message.attachments else None,
        earlier=_earlier(tx, letter, with_notes=with_notes),
        references=_references(tx, letter, with_notes=with_notes),
        others=_others(tx, customer.address, ticket[0]) if with_notes else (),
        answers=tuple(deliveries.last_answers(tx, ticket[0], letter.id)) if with_notes else (),
    )


def _entry(tx: Tx, message: int) -> Entry:
    row = tx.one(f"SELECT {_ENTRY} FROM messages WHERE id = ?", message)
    if row is None:
        raise LookupError(f"no message {message}")
    return _read(row)


def _read(row: Row) -> Entry:
    return Entry(
        id=row[0],
        mail=row[1],
        at=from_micros(row[2]),
        author=Mailbox(row[3], row[4]),
        role=Role(row[5]),
        is_note=bool(row[6]),
        reply=row[7],
        attachments=tuple(Attachment(**file) for file in json.loads(row[8])),
        message_id=row[9],
    )


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One attachment of a message; `mail` is the ledger row that it can be cut from."""

    ticket: int
    is_note: bool
    mail: int
    attachment: Attachment


def file_of(tx: Tx, message: int, part: int) -> StoredFile | None:
    """The attachment of a message with that part number, or None."""
    row = tx.one("SELECT ticket, is_note, mail, attachments FROM messages WHERE id = ?", message)
    if row is None or row[2] is None:
        return None
    found = (Attachment(**file) for file in json.loads(row[3]))
    attachment = next((file for file in found if file.part == part), None)
    return StoredFile(row[0], bool(row[1]), row[2], attachment) if attachment else None


def _customer(tx: Tx, number: int) -> Mailbox:
    row = tx.one("SELECT name, address FROM participants WHERE ticket = ? ORDER BY position LIMIT 1", number)
    return Mailbox(row[0], row[1]) if row else Mailbox("", "")


def _earlier(tx: Tx, letter: Letter, *, with_notes: bool) -> tuple[Entry, ...]:
    """What was said before the letter's message; before the letter itself if it carries none."""
    rows = tx.all(
        f"SELECT {_ENTRY} FROM messages WHERE ticket = ? AND id < ? AND (is_note = FALSE OR ?)"
        " ORDER BY id DESC LIMIT ?",
        letter.ticket, letter.message or _last_before(tx, letter) + 1, with_notes, _THREAD,
    )  # fmt: skip
    return tuple(_read(row) for row in rows)


def _last_before(tx: Tx, letter: Letter) -> int:
    row = tx.one("SELECT MAX(id) FROM messages WHERE ticket = ?", letter.ticket)
    return int(row[0]) if row and row[0] is not None else 0


def _references(tx: Tx, letter: Letter, *, with_notes: bool) -> tuple[str, ...]:
    """The Message-IDs of the ticket that this person can have seen, in order of time."""
    said: Sequence[Row] = tx.all(
        "SELECT id, message_id, role FROM messages WHERE ticket = ? AND message_id <> '' AND id <= ?"
        " AND (? OR role = 'customer') ORDER BY id",
        letter.ticket, letter.message or _last_before(tx, letter), with_notes,
    )  # fmt: skip
    written = tx.all(
        "SELECT message_id, COALESCE(message, (SELECT MAX(b.message) FROM outbox b WHERE b.ticket = o.ticket"
        " AND b.id < o.id), 0) FROM outbox o WHERE ticket = ? AND to_address = ? AND id < ? ORDER BY id",
        letter.ticket, letter.to_address, letter.id,
    )  # fmt: skip
    # A letter of ours stands behind the message it carried, a reminder behind the last one of all that was written
    # about before; what the letter answers comes last.
    ordered = sorted([(row[0], 0, row[1]) for row in said] + [(row[1], 1, row[0]) for row in written])
    found = list(dict.fromkeys(entry[2] for entry in ordered))
    return tuple(found[:1] + found[1:][-(_REFERENCES - 1) :])


def _others(tx: Tx, customer: str, number: int) -> tuple[TicketRef, ...]:
    rows = tx.all(
        "SELECT t.number, t.subject, t.status FROM participants p JOIN tickets t ON t.number = p.ticket"
        " WHERE p.address = ? AND p.position = 0 AND t.number <> ? AND t.status IN ('incomplete', 'new', 'open',"
        " 'pending') ORDER BY t.number DESC LIMIT 10",
        customer, number,
    )  # fmt: skip
    return tuple(TicketRef(*row) for row in rows)
