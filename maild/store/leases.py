"""Who holds a mailbox or a job. A lease runs out by itself, so that a dead node gives it back."""

from datetime import datetime, timedelta

from maild.store.db import Tx
from maild.store.times import to_micros


def take(tx: Tx, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
    """Get or renew a lease; False while somebody else holds it."""
    until = to_micros(now + duration)
    return (
        tx.run(
            "INSERT INTO leases (name, holder, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET holder = excluded.holder, until = excluded.until"
            " WHERE leases.holder = excluded.holder OR leases.until <= ?",
            name, holder, until, to_micros(now),
        ) > 0
    )  # fmt: skip


def free(tx: Tx, kind: str) -> None:
    """Take back all leases whose names begin with `kind:`, whoever holds them: there is nobody else."""
    tx.run("DELETE FROM leases WHERE name LIKE ?", f"{kind}:%")


def give_back(tx: Tx, name: str, holder: str) -> None:
    """Let go of a lease before it runs out."""
    tx.run("DELETE FROM leases WHERE name = ? AND holder = ?", name, holder)
