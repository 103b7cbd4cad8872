"""Addresses that do not exist, as a bounce of ours has said: no letters to them until somebody writes from there."""

from datetime import datetime

from maild.store.db import Tx
from maild.store.times import from_micros, to_micros


def add(tx: Tx, address: str, now: datetime) -> None:
    """Nobody lives there."""
    tx.run(
        "INSERT INTO unreachable (address, at) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET at = excluded.at",
        address, to_micros(now),
    )  # fmt: skip


def remove(tx: Tx, address: str) -> None:
    """Somebody has written from there."""
    tx.run("DELETE FROM unreachable WHERE address = ?", address)


def has(tx: Tx, address: str) -> bool:
    """Would a letter there come back?"""
    return since(tx, address) is not None


def since(tx: Tx, address: str) -> datetime | None:
    """When a letter there came back; None if letters arrive, as far as is known."""
    row = tx.one("SELECT at FROM unreachable WHERE address = ?", address)
    return from_micros(row[0]) if row else None
