"""What time does: closes the tickets whose 48 hours are over, clears away what has run out."""

import logging
from datetime import datetime

from maild.core.deadlines import decide_close
from maild.desk.act import NONCE_AGE
from maild.desk.apply import apply
from maild.desk.desk import Desk
from maild.store import nonces, tickets
from maild.store.db import Tx

log = logging.getLogger(__name__)

_BATCH = 100  # tickets of one transaction


async def close_due(desk: Desk) -> int:
    """Close every ticket whose deadline is reached, oldest first, in batches; how many. Each closes exactly once."""
    closed = 0
    while batch := await desk.store.run(_close_batch, desk, desk.now()):
        closed += batch
        desk.wake.letters.set()
    return closed


def _close_batch(tx: Tx, desk: Desk, now: datetime) -> int:
    numbers = tickets.due_to_close(tx, now, _BATCH)
    for number in numbers:
        found = tickets.facts_of_ticket(tx, number)
        if found is not None:
            apply(tx, desk, decide_close(*found, desk.policy, now), now)
            log.info("ticket %d: closed", number)
    return len(numbers)


async def forget_nonces(desk: Desk) -> int:
    """Remove page nonces that no page can use any more; how many."""
    return await desk.store.run(nonces.forget, desk.now() - NONCE_AGE)
