"""What may happen only so often: each time is a row. Shared by all nodes."""

from datetime import datetime, timedelta

from maild.store.db import Tx
from maild.store.times import to_micros

RATES_AGE = timedelta(days=1)  # nobody counts further back


def add(tx: Tx, key: str, now: datetime) -> None:
    """It happened once more."""
    tx.run("INSERT INTO rates (key, at) VALUES (?, ?)", key, to_micros(now))


def count(tx: Tx, key: str, since: datetime) -> int:
    """How often it happened after that moment."""
    row = tx.one("SELECT COUNT(*) FROM rates WHERE key = ? AND at > ?", key, to_micros(since))
    return int(row[0]) if row else 0


def take_back(tx: Tx, key: str, others: str) -> None:
    """What was counted under `key` does not count after all, nor what was counted with it under `others`."""
    tx.run("DELETE FROM rates WHERE key = ? AND at IN (SELECT at FROM rates WHERE key = ?)", others, key)
    tx.run("DELETE FROM rates WHERE key = ?", key)


def forget(tx: Tx, before: datetime) -> int:
    """Remove what nobody counts any more; how many."""
    return tx.run("DELETE FROM rates WHERE at < ?", to_micros(before))
