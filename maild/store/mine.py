"""The tickets of one person, newest first. Every query here is filtered by that person."""

from dataclasses import dataclass
from datetime import datetime

from maild.core.requests import Scope
from maild.store.db import Tx
from maild.store.times import from_micros

_LIMIT = 50  # tickets of one letter

# The tabs of SPEC section 2: what he opened; everything; what support opened towards him; what customers opened.
_SCOPES = {
    Scope.MINE: " AND p.position = 0 AND t.is_incoming = FALSE",
    Scope.ALL: "",
    Scope.INCOMING: " AND t.is_incoming = TRUE",
    Scope.OUTGOING: " AND t.is_incoming = FALSE",
}


@dataclass(frozen=True, slots=True)
class OwnTicket:
    """One line of the list. `is_unread`: support has written since this person last did."""

    number: int
    subject: str
    status: str
    category: str
    created_at: datetime
    is_incoming: bool
    is_unread: bool


def tickets_of(tx: Tx, person: str, scope: Scope) -> list[OwnTicket]:
    """The newest tickets that this address has a part in."""
    rows = tx.all(
        "SELECT t.number, t.subject, t.status, t.category, t.created_at, t.is_incoming,"
        " EXISTS (SELECT 1 FROM messages a WHERE a.ticket = t.number AND a.role = 'agent' AND a.is_note = FALSE"
        " AND a.id > COALESCE((SELECT MAX(m.id) FROM messages m WHERE m.ticket = t.number AND m.author = ?), 0))"
        f" FROM participants p JOIN tickets t ON t.number = p.ticket WHERE p.address = ?{_SCOPES[scope]}"
        " ORDER BY t.created_at DESC, t.number DESC LIMIT ?",
        person, person, _LIMIT,
    )  # fmt: skip
    return [
        OwnTicket(
            number=row[0],
            subject=row[1],
            status=row[2],
            category=row[3],
            created_at=from_micros(row[4]),
            is_incoming=bool(row[5]),
            is_unread=bool(row[6]),
        )
        for row in rows
    ]
