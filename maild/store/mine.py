"""The tickets of one person, newest first. Every query here is filtered by that person, and costs the same however many
tickets there are.
"""

from dataclasses import dataclass
from datetime import datetime

from maild.core.requests import Scope
from maild.store.db import Row, Tx
from maild.store.times import from_micros, to_micros

_LIMIT = 50  # tickets of one letter
_ACCOUNTS = 200  # others' accounts in one list

# The tabs of SPEC section 2: what he opened; everything; what support opened towards him; what customers opened.
_SCOPES = {
    Scope.MINE: " AND position = 0 AND is_incoming = FALSE",
    Scope.ALL: "",
    Scope.INCOMING: " AND is_incoming = TRUE",
    Scope.OUTGOING: " AND is_incoming = FALSE",
}


@dataclass(frozen=True, slots=True)
class OwnTicket:
    """One line of the list. `is_unread`: support has written since this person last did, or looked."""

    number: int
    subject: str
    status: str
    category: str
    created_at: datetime
    is_incoming: bool
    is_unread: bool

    @property
    def place(self) -> "Place":
        """Where it stands in the list."""
        return self.created_at, self.number


Place = tuple[datetime, int]


def tickets_of(
    tx: Tx, person: str, scope: Scope, *, before: Place | None = None, limit: int = _LIMIT
) -> list[OwnTicket]:
    """The newest tickets that this address may read, of those that stand behind a place in the list.

    They are those it has a part in and, but for `Scope.MINE`, those of the accounts it was given access to.
    """
    found = _places(tx, person, _SCOPES[scope], before, limit)
    if scope is not Scope.MINE:
        for owner in accounts_of(tx, person):
            found |= _places(tx, owner, f" AND position = 0{_SCOPES[scope]}", before, limit)
    return shown(tx, person, [number for _, number in sorted(found, reverse=True)[:limit]])


def accounts_of(tx: Tx, guest: str) -> list[str]:
    """The people whose accounts this one was given access to, the first of them first."""
    rows = tx.all("SELECT owner FROM grants WHERE guest = ? ORDER BY at, owner LIMIT ?", guest, _ACCOUNTS)
    return [str(row[0]) for row in rows]


def _places(tx: Tx, address: str, where: str, before: Place | None, limit: int) -> set[tuple[int, int]]:
    after = " AND (created_at, ticket) < (?, ?)" if before else ""
    values = (to_micros(before[0]), before[1]) if before else ()
    rows = tx.all(
        f"SELECT created_at, ticket FROM participants WHERE address = ?{where}{after}"
        " ORDER BY created_at DESC, ticket DESC LIMIT ?",
        address, *values, limit,
    )  # fmt: skip
    return {(int(row[0]), int(row[1])) for row in rows}


def shown(tx: Tx, person: str, numbers: list[int]) -> list[OwnTicket]:
    """These tickets as this person sees them, in this order."""
    if not numbers:
        return []
    rows = tx.all(
        "SELECT t.number, t.subject, t.status, t.category, t.created_at, t.is_incoming, COALESCE(p.answered > p.seen,"
        " FALSE) FROM tickets t LEFT JOIN participants p ON p.ticket = t.number AND p.address = ?"
        f" WHERE t.number IN ({', '.join('?' * len(numbers))})",
        person, *numbers,
    )  # fmt: skip
    found = {row[0]: _ticket(row) for row in rows}
    return [found[number] for number in numbers]


def _ticket(row: Row) -> OwnTicket:
    return OwnTicket(
        number=row[0],
        subject=row[1],
        status=row[2],
        category=row[3],
        created_at=from_micros(row[4]),
        is_incoming=bool(row[5]),
        is_unread=bool(row[6]),
    )


def may_read(tx: Tx, number: int, person: str) -> bool:
    """Has this person a part in that ticket, or is he a guest of its customer? One question, whatever the answer."""
    row = tx.one(
        "SELECT 1 FROM participants p WHERE p.ticket = ? AND (p.address = ? OR (p.position = 0 AND EXISTS"
        " (SELECT 1 FROM grants g WHERE g.owner = p.address AND g.guest = ?)))",
        number, person, person,
    )  # fmt: skip
    return row is not None


def unread_answers(tx: Tx, person: str, limit: int) -> int:
    """How many answers this person has not read, of those sent to him; counted up to `limit`."""
    row = tx.one(
        "SELECT COUNT(*) FROM (SELECT m.id FROM (SELECT ticket, seen FROM participants WHERE address = ?"
        " AND answered > seen LIMIT ?) AS unread_in JOIN messages m ON m.ticket = unread_in.ticket"
        " AND m.id > unread_in.seen WHERE m.role = 'agent' AND m.is_note = FALSE LIMIT ?) AS unread",
        person, limit, limit,
    )  # fmt: skip
    return int(row[0]) if row else 0


def mark_seen(tx: Tx, number: int, person: str, message: int) -> None:
    """He has read, or written, the thread up to that message."""
    tx.run(
        "UPDATE participants SET seen = ? WHERE ticket = ? AND address = ? AND seen < ?",
        message, number, person, message,
    )  # fmt: skip


def mark_answered(tx: Tx, number: int, message: int) -> None:
    """Support has written to all who take part."""
    tx.run("UPDATE participants SET answered = ? WHERE ticket = ?", message, number)


def mark_old(tx: Tx, number: int, mail: int) -> None:
    """That mail is one of earlier days: its words are no news to those who have nothing else to read."""
    tx.run(
        "UPDATE participants SET seen = answered WHERE ticket = ? AND answered > seen AND NOT EXISTS (SELECT 1"
        " FROM messages m WHERE m.ticket = participants.ticket AND m.id > participants.seen AND m.role = 'agent'"
        " AND m.is_note = FALSE AND COALESCE(m.mail, 0) <> ?)",
        number, mail,
    )  # fmt: skip


def mark_copied(tx: Tx, number: int) -> None:
    """Messages were copied into the ticket: nobody has to read them again."""
    tx.run(
        "UPDATE participants SET seen = (SELECT MAX(m.id) FROM messages m WHERE m.ticket = participants.ticket)"
        " WHERE ticket = ? AND answered <= seen AND EXISTS (SELECT 1 FROM messages m WHERE m.ticket = ?)",
        number, number,
    )  # fmt: skip
