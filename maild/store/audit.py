"""The audit list: acts of people that belong to no ticket. The database itself sees to it that it can only grow."""

from dataclasses import dataclass
from datetime import datetime

from maild.store.db import Tx
from maild.store.times import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act. `what` is what it was done to: `mail 17`, an address."""

    id: int
    at: datetime
    act: str
    who: str
    via: str
    what: str
    reason: str


def add(tx: Tx, now: datetime, *, act: str, who: str, via: str, what: str, reason: str = "") -> None:
    """Write an act down. `who` is an address, `maild`, or `cli:USER@host`."""
    tx.run(
        "INSERT INTO audit (at, act, who, via, what, reason) VALUES (?, ?, ?, ?, ?, ?)",
        to_micros(now), act, who, via, what, reason,
    )  # fmt: skip


def rows(tx: Tx) -> list[AuditRow]:
    """All of it, oldest first."""
    found = tx.all("SELECT id, at, act, who, via, what, reason FROM audit ORDER BY id")
    return [AuditRow(row[0], from_micros(row[1]), *row[2:]) for row in found]
