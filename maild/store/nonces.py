"""Page nonces that have acted: a form works once."""

from datetime import datetime

from maild.store.db import Tx
from maild.store.times import to_micros


def use(tx: Tx, nonce: str, now: datetime) -> bool:
    """Use a nonce up; False if it has been used before."""
    return (
        tx.run("INSERT INTO nonces (nonce, at) VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING", nonce, to_micros(now)) > 0
    )


def is_used(tx: Tx, nonce: str) -> bool:
    """Has it acted?"""
    return tx.one("SELECT 1 FROM nonces WHERE nonce = ?", nonce) is not None


def forget(tx: Tx, before: datetime) -> int:
    """Remove nonces too old to be accepted anyway; how many."""
    return tx.run("DELETE FROM nonces WHERE at < ?", to_micros(before))
