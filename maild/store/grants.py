"""Who may read and write whose tickets: an owner lets a guest into his account. Looked at anew for every question."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.store.db import Tx
from maild.store.times import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class Grant:
    """The guest has access to the owner's account, never the other way."""

    owner: str
    guest: str
    at: datetime


def give(tx: Tx, owner: str, guest: str, now: datetime) -> bool:
    """Let the guest in; False if he was."""
    added = tx.run(
        "INSERT INTO grants (owner, guest, at) VALUES (?, ?, ?) ON CONFLICT (owner, guest) DO NOTHING",
        owner, guest, to_micros(now),
    )  # fmt: skip
    return added > 0


def take(tx: Tx, owner: str, guest: str) -> bool:
    """Let him in no more; False if he was not."""
    return tx.run("DELETE FROM grants WHERE owner = ? AND guest = ?", owner, guest) > 0


def given_by(tx: Tx, owner: str) -> list[Grant]:
    """The guests of an account, in the order in which they came."""
    return [
        _grant(row) for row in tx.all("SELECT owner, guest, at FROM grants WHERE owner = ? ORDER BY at, guest", owner)
    ]


def given_to(tx: Tx, guest: str) -> list[Grant]:
    """The accounts that somebody may use besides his own."""
    return [
        _grant(row) for row in tx.all("SELECT owner, guest, at FROM grants WHERE guest = ? ORDER BY at, owner", guest)
    ]


def rows(tx: Tx) -> list[Grant]:
    """All of them."""
    return [_grant(row) for row in tx.all("SELECT owner, guest, at FROM grants ORDER BY owner, at, guest")]


def guests_of(tx: Tx, numbers: Sequence[int]) -> dict[int, list[str]]:
    """By ticket, who is a guest of its customer."""
    marks = ", ".join("?" * len(numbers))
    found: dict[int, list[str]] = {}
    for number, guest in tx.all(
        "SELECT p.ticket, g.guest FROM participants p JOIN grants g ON g.owner = p.address"
        f" WHERE p.ticket IN ({marks}) AND p.position = 0",
        *numbers,
    ):
        found.setdefault(number, []).append(guest)
    return found


def _grant(row: tuple[object, ...]) -> Grant:
    return Grant(str(row[0]), str(row[1]), from_micros(int(str(row[2]))))
