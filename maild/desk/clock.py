"""What time does: reminds, counts silence as solved, closes after the 48 hours, clears away what has run out."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from maild.core.deadlines import decide_auto_solve, decide_close, decide_remind, decide_wake, is_reminder_of_use
from maild.core.effects import Decision
from maild.core.facts import Facts, TicketFacts
from maild.core.policy import Policy
from maild.desk.act import NONCE_AGE
from maild.desk.apply import apply
from maild.desk.desk import Desk
from maild.store import deadlines, drafts, mailboxes, mend, nonces, rates, sessions, snoozes, tickets
from maild.store.db import Tx

log = logging.getLogger(__name__)

_BATCH = 100  # tickets of one transaction

Find = Callable[[Tx, datetime, int], list[int]]
Decide = Callable[[TicketFacts, Facts, Policy, datetime], Decision]


async def close_due(desk: Desk) -> int:
    """Close every ticket whose deadline is reached; how many. Each closes exactly once."""
    return await _sweep(desk, "closed", _in_swept_time(desk, deadlines.due_to_close), decide_close)


async def auto_solve_due(desk: Desk) -> int:
    """Count every answered ticket as solved whose customer has been silent for `desk.auto_solve_after`; how many."""
    find = _in_swept_time(desk, deadlines.due_to_auto_solve)
    return await _sweep(desk, "solved, for its customer is silent", find, decide_auto_solve)


def _in_swept_time(desk: Desk, find: Find) -> Find:
    """The same, but only for deadlines that no mail can have kept which still lies unseen in a mailbox on a server."""
    names = [mailbox.name for mailbox in desk.policy.mailboxes if mailbox.is_intake]

    def find_seen(tx: Tx, now: datetime, limit: int) -> list[int]:
        sweeps = mailboxes.last_sweeps(tx, names).values()
        seen = [sweep for sweep in sweeps if sweep is not None]
        return find(tx, min([now, *seen]), limit) if len(seen) == len(names) else []

    return find_seen


async def remind_due(desk: Desk) -> int:
    """Remind the customers of every solved ticket that its deadline is near, once in each round; how many."""
    if not is_reminder_of_use(desk.policy):
        return 0

    def find(tx: Tx, now: datetime, limit: int) -> list[int]:
        return deadlines.due_to_remind(tx, now, desk.policy.remind_before, limit)

    return await _sweep(desk, "reminded", find, decide_remind)


async def _sweep(desk: Desk, done: str, find: Find, decide: Decide) -> int:
    """Every ticket that `find` names, oldest first, a batch to a transaction; `done` is for the log.

    Raises Stuck for one that cannot be handled, when all others have been.
    """
    count, stuck = 0, dict[int, Stuck]()
    while True:
        try:
            batch = await desk.store.run(_batch, desk, desk.now(), done, find, decide, frozenset(stuck))
        except Stuck as error:
            stuck[error.number] = error
            continue
        if not batch:
            break
        count += batch
        desk.wake.letters.set()
    for trouble in stuck.values():
        raise trouble
    return count


class Stuck(RuntimeError):
    """A ticket whose rows make no sense: it is passed over, so that it does not stop the others."""

    def __init__(self, number: int, cause: Exception) -> None:
        super().__init__(f"ticket {number}: {type(cause).__name__}")
        self.number = number


def _batch(tx: Tx, desk: Desk, now: datetime, done: str, find: Find, decide: Decide, stuck: frozenset[int]) -> int:
    numbers = [number for number in find(tx, now, _BATCH + len(stuck)) if number not in stuck]
    for number in numbers:
        try:
            found = tickets.facts_of_ticket(tx, number)
            if found is not None:
                apply(tx, desk, decide(*found, desk.policy, now), now)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise Stuck(number, error) from error
        log.info("ticket %d: %s", number, done)
    return len(numbers)


async def wake_due(desk: Desk) -> int:
    """Remind support of every ticket it put off whose time has come; how many."""
    woken = 0
    while batch := await desk.store.run(_wake_batch, desk, desk.now()):
        woken += batch
        desk.wake.letters.set()
    return woken


def _wake_batch(tx: Tx, desk: Desk, now: datetime) -> int:
    found = snoozes.due(tx, now, _BATCH)
    for due in found:
        snoozes.remove(tx, due.ticket)
        ticket = tickets.tickets_by_number(tx, [due.ticket]).get(due.ticket)
        if ticket is not None and not due.is_overtaken:
            apply(tx, desk, decide_wake(ticket, due.who, desk.policy, now), now)
            log.info("ticket %d: support is reminded", due.ticket)
    return len(found)


async def forget_nonces(desk: Desk) -> int:
    """Remove page nonces that no page can use any more; how many. With them sessions and counts whose time is over."""
    return await desk.store.run(_forget, desk.now())


def _forget(tx: Tx, now: datetime) -> int:
    rates.forget(tx, now - rates.RATES_AGE)
    sessions.forget(tx, now)
    drafts.forget(tx, now - drafts.DRAFT_AGE)
    return nonces.forget(tx, now - NONCE_AGE)


async def mend_moments(desk: Desk, delays: Sequence[timedelta]) -> int:
    """What a clock that was set back has put off for hours waits no longer than it should; see `store/mend.py`."""
    mended = await desk.store.run(mend.mend_moments, desk.now(), delays)
    if mended:
        log.warning("the clock was set back: %d leases and attempts are brought forward", mended)
        desk.wake.mail.set()
        desk.wake.letters.set()
    return mended
