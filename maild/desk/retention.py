"""`[retention]`: what has been kept for as long as the admin wants is deleted, a batch to a transaction."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from maild.desk.desk import Desk
from maild.store import audit, retention
from maild.store.db import Tx

log = logging.getLogger(__name__)

_BATCH = 100
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

Find = Callable[[Tx, datetime, datetime, int], retention.Due]
Delete = Callable[[Tx, Sequence[int]], None]


async def retain(desk: Desk) -> int:
    """Delete what `[retention]` does not keep any longer; how many mails and tickets that was.

    Any number of nodes may do it at the same time: each finds what the others have left. The audit list names it all.
    """
    rules = desk.policy.retention
    return (
        await _sweep(desk, rules.closed, "tickets", retention.closed_due, retention.delete_tickets)
        + await _sweep(desk, rules.raw, "raw mails", retention.raw_due, retention.delete_raw)
        + await _sweep(desk, rules.holds, "dropped mails", retention.dropped_due, retention.delete_raw)
    )


async def _sweep(desk: Desk, kept: timedelta, what: str, find: Find, delete: Delete) -> int:
    """Delete what is older than that, oldest first. 0 keeps it for ever."""
    if not kept:
        return 0
    until = desk.now() - kept
    count, since = 0, _BEGINNING
    while True:
        await desk.rush.pass_by()
        due = await desk.store.run(_batch, desk, what, find, delete, since, until)
        if not due:
            return count
        count, since = count + len(due), due[-1][1]


def _batch(
    tx: Tx, desk: Desk, what: str, find: Find, delete: Delete, since: datetime, until: datetime
) -> retention.Due:
    due = find(tx, since, until, _BATCH)
    if due:
        numbers = [number for number, _ in due]
        delete(tx, numbers)
        listed = ", ".join(map(str, sorted(numbers)))
        audit.add(tx, desk.now(), act=f"{what} deleted", who="maild", via="job", what=listed, reason="retention")
        log.info("retention: %d %s deleted", len(due), what)
    return due
