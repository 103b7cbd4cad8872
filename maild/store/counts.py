"""How much there is of everything, for health and metrics. Every query is answered from an index."""

from dataclasses import dataclass
from datetime import datetime

from maild.store import ledger, outbox
from maild.store.db import Tx
from maild.store.times import maybe_from


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is under way: mails and letters by state, and since when the oldest of each waits."""

    mails: dict[str, int]
    letters: dict[str, int]
    oldest_mail: datetime | None
    oldest_letter: datetime | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything there is: arrivals by door, mails by (state, reason), letters and tickets by state."""

    arrivals: dict[str, int]
    mails: dict[tuple[str, str], int]
    letters: dict[str, int]
    tickets: dict[str, int]


def waiting(tx: Tx) -> Waiting:
    """What is under way at this moment."""
    mail = tx.one("SELECT received_at FROM mails WHERE state = 'spooled' ORDER BY id LIMIT 1")
    letter = tx.one("SELECT MIN(created_at) FROM outbox WHERE state = 'queued'")
    return Waiting(
        mails=ledger.depth(tx),
        letters=outbox.depth(tx),
        oldest_mail=maybe_from(mail[0]) if mail else None,
        oldest_letter=maybe_from(letter[0]) if letter else None,
    )


def totals(tx: Tx) -> Totals:
    """All counts; the indexes they are read from are small, but grow with the desk: once per scrape, not per mail."""
    fates = tx.all("SELECT state, reason, COUNT(*) FROM mails GROUP BY state, reason")
    return Totals(
        arrivals=_counted(tx, "SELECT door, COUNT(*) FROM arrivals GROUP BY door"),
        mails={(row[0], row[1]): int(row[2]) for row in fates},
        letters=_counted(tx, "SELECT state, COUNT(*) FROM outbox GROUP BY state"),
        tickets=_counted(tx, "SELECT status, COUNT(*) FROM tickets GROUP BY status"),
    )


def _counted(tx: Tx, sql: str) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in tx.all(sql)}
