"""Who is signed in to the portal. Of a session only its hash is kept: whoever reads the database can enter nowhere."""

from datetime import datetime

from maild.store.db import Tx
from maild.store.times import to_micros


def begin(tx: Tx, session: str, address: str, now: datetime, until: datetime) -> None:
    """A session of that (normalised) address; `session` is a hash."""
    tx.run(
        "INSERT INTO sessions (id, address, at, until) VALUES (?, ?, ?, ?)",
        session, address, to_micros(now), to_micros(until),
    )  # fmt: skip


def person_of(tx: Tx, session: str, now: datetime) -> str | None:
    """Whose session this is; None if it is over, or was never there."""
    row = tx.one("SELECT address FROM sessions WHERE id = ? AND until > ?", session, to_micros(now))
    return str(row[0]) if row else None


def end(tx: Tx, session: str) -> None:
    """This browser is signed out."""
    tx.run("DELETE FROM sessions WHERE id = ?", session)


def end_all(tx: Tx, address: str) -> int:
    """Every browser of that person is signed out; how many."""
    return tx.run("DELETE FROM sessions WHERE address = ?", address)


def forget(tx: Tx, before: datetime) -> int:
    """Remove sessions that were over before that moment; how many."""
    return tx.run("DELETE FROM sessions WHERE until < ?", to_micros(before))
