"""What the database knows of itself: a name for this desk, the fingerprint of its key, the routing of its nodes."""

import secrets

from maild.store.db import Tx


def setting(tx: Tx, key: str) -> str | None:
    """A value, or None."""
    row = tx.one("SELECT value FROM settings WHERE key = ?", key)
    return str(row[0]) if row else None


def keep(tx: Tx, key: str, value: str) -> str:
    """The value that stands: the first one ever given wins."""
    tx.run("INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", key, value)
    kept = setting(tx, key)
    return value if kept is None else kept


def put(tx: Tx, key: str, value: str) -> None:
    """Give a setting another value."""
    tx.run(
        "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key, value,
    )  # fmt: skip


def instance_id(tx: Tx) -> str:
    """A random name of this desk, made once: the loop mark in every letter."""
    return keep(tx, "instance", secrets.token_hex(8))
