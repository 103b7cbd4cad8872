"""What became of mails that somebody has just put in."""

from collections.abc import Sequence

from maild.store.db import Tx


def newest(tx: Tx) -> int:
    """The id of the newest mail, 0 if none has come in."""
    found = tx.one("SELECT COALESCE(MAX(id), 0) FROM mails")
    return int(found[0]) if found else 0


def are_waiting(tx: Tx, mails: Sequence[int]) -> bool:
    """Is any of these mails (a few hundred at most) still to be understood?"""
    return any(state == "spooled" for state, _ in fates(tx, mails))


def fates(tx: Tx, mails: Sequence[int]) -> list[tuple[str, int | None]]:
    """State and ticket of each of these mails (a few hundred at most), in no order."""
    if not mails:
        return []
    marks = ", ".join("?" * len(mails))
    return [(row[0], row[1]) for row in tx.all(f"SELECT state, ticket FROM mails WHERE id IN ({marks})", *mails)]
