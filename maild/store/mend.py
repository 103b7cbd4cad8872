"""After a clock was set back: moments that lie further ahead than anybody can have meant. They would wait for hours.

Told by the rows alone, so it does not matter which node's clock it was, or whether that node still lives.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from maild.store import ledger, outbox
from maild.store.db import Tx
from maild.store.times import to_micros

_SLACK = timedelta(minutes=1)  # clocks of nodes differ, and a transaction takes a moment


def mend_moments(tx: Tx, now: datetime, delays: Sequence[timedelta]) -> int:
    """Bring leases and next attempts that are too far ahead to where they would be had they been set now; how many.

    `delays[n]` is the longest that a letter waits after n failed attempts; the last one is for all further ones.
    A lease whose holder lives is renewed by him long before it ends.
    """
    return _mend_leases(tx, now) + sum(
        _mend_attempts(tx, now, attempts, delay, "=" if attempts < len(delays) - 1 else ">=")
        for attempts, delay in enumerate(delays)
    )


def _mend_leases(tx: Tx, now: datetime) -> int:
    mended = 0
    for table, lease in (("mails", ledger.LEASE), ("outbox", outbox.LEASE)):
        state = "spooled" if table == "mails" else "queued"
        mended += tx.run(
            f"UPDATE {table} SET leased_until = ? WHERE state = ? AND leased_until > ?",
            to_micros(now + lease), state, to_micros(now + lease + _SLACK),
        )  # fmt: skip
    return mended


def _mend_attempts(tx: Tx, now: datetime, attempts: int, delay: timedelta, which: str) -> int:
    return tx.run(
        f"UPDATE outbox SET next_attempt_at = ? WHERE state = 'queued' AND attempts {which} ? AND next_attempt_at > ?",
        to_micros(now + delay), attempts, to_micros(now + delay + _SLACK),
    )  # fmt: skip
