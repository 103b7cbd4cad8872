"""Addresses that sent spam: they get no automatic letters for a while."""

from datetime import datetime, timedelta

from maild.store.db import Tx
from maild.store.times import to_micros

LASTS = timedelta(days=30)


def add(tx: Tx, address: str, now: datetime) -> None:
    """From now on nothing is written there by itself."""
    tx.run(
        "INSERT INTO muted (address, at) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET at = excluded.at",
        address, to_micros(now),
    )  # fmt: skip


def remove(tx: Tx, address: str) -> None:
    """It was no spam."""
    tx.run("DELETE FROM muted WHERE address = ?", address)


def has(tx: Tx, address: str, now: datetime) -> bool:
    """Has spam come from there of late?"""
    return tx.one("SELECT 1 FROM muted WHERE address = ? AND at > ?", address, to_micros(now - LASTS)) is not None
