"""What became of a letter: taken by the relay, put off, or given up, which the team is told."""

from datetime import datetime

from maild.core.effects import Decision, Event, Reason, Record
from maild.core.letter import Letter
from maild.core.retry import GIVE_UP
from maild.core.rounds import reopened_by_failure
from maild.core.sends import failure_letters
from maild.desk.apply import apply
from maild.desk.desk import Desk
from maild.store import filings, outbox, tickets
from maild.store.db import Tx


async def delivered(desk: Desk, letter: outbox.Letter, reply: str) -> None:
    """The relay answered 2yz after the dot."""
    await desk.store.run(_delivered, desk, letter, reply)


def _delivered(tx: Tx, desk: Desk, letter: outbox.Letter, reply: str) -> None:
    outbox.sent(tx, letter.id, reply, desk.now())
    is_answer = letter.letter in (Letter.ANSWER, Letter.SOLVED) and letter.message is not None
    if is_answer and letter.ticket and desk.policy.queues:
        _want_copies(tx, desk, letter, letter.ticket)


def _want_copies(tx: Tx, desk: Desk, letter: outbox.Letter, ticket: int) -> None:
    """A relayed answer goes into Sent of the mailboxes where its team works, once, whoever else gets it."""
    found = tickets.tickets_by_number(tx, [ticket]).get(ticket)
    team = desk.policy.category(found.category).team if found else ()
    for queue in (desk.policy.queue(address) for address in team):
        if queue and letter.message is not None:
            filings.want_copy(tx, queue.name, letter.message, letter.id)


async def is_pointless(desk: Desk, letter: outbox.Letter) -> bool:
    """Is it a reminder of a deadline that has passed meanwhile? Then it is given up: it would only confuse."""
    until = letter.context.get("reopen_until")
    if letter.letter != Letter.REMINDER or until is None or desk.now() < datetime.fromisoformat(until):
        return False
    return await desk.store.run(outbox.drop, letter.id, "not sent: the deadline it reminds of has passed")


async def postponed(
    desk: Desk, letter: outbox.Letter, reply: str, next_attempt_at: datetime, *, is_unseen: bool = False
) -> None:
    """It did not go out this time. `is_unseen`: nobody has seen a byte of it at any attempt.

    Such a letter that names a deadline is written anew next time: that moment may be over by then.
    """
    await desk.store.run(_postpone, letter, reply, next_attempt_at, is_unseen and "reopen_until" in letter.context)


def _postpone(tx: Tx, letter: outbox.Letter, reply: str, next_attempt_at: datetime, may_change: bool) -> None:
    outbox.later(tx, letter.id, reply, next_attempt_at)
    if may_change:
        outbox.thaw(tx, letter.id)


async def gave_up(desk: Desk, letter: outbox.Letter, reply: str, *, is_unseen: bool = False) -> None:
    """It will not go out any more: an event on the ticket and a letter to its team.

    If nobody has seen a byte of it, it is written anew should a person try it again: settings may be other ones then.
    """
    await desk.store.run(_give_up, desk, letter, reply, is_unseen)
    desk.wake.letters.set()


def _give_up(tx: Tx, desk: Desk, letter: outbox.Letter, reply: str, is_unseen: bool) -> None:
    if not outbox.failed(tx, letter.id, reply):
        return  # said twice, or dropped by a person meanwhile
    if is_unseen:
        outbox.thaw(tx, letter.id)
    ticket = tickets.tickets_by_number(tx, [letter.ticket]).get(letter.ticket) if letter.ticket else None
    if ticket is None:
        return
    now = desk.now()
    entry = Record(ticket.number, Event.DELIVERY_FAILED, letter.to_address, "smtp", reply)
    tickets.record(tx, ticket.number, entry, reply, now)
    sends = failure_letters(
        desk.policy,
        ticket.category,
        ticket.number,
        letter=Letter(letter.letter),
        to=letter.to_address,
        subject=outbox.subject_of(tx, letter.id),
        reason=reply,
    )
    reopened = reopened_by_failure(ticket, Letter(letter.letter), letter.to_address, desk.policy, now, via="smtp")
    apply(tx, desk, Decision(Reason.BOUNCE_RECORDED, (*sends, *reopened), ticket.number), now)


async def give_up_unfiled(desk: Desk) -> int:
    """Letters whose mailbox has not been reached for five days are given up as any others; how many."""
    count = 0
    for queue in desk.policy.queues:
        old = await desk.store.read(outbox.waiting_since, queue.address, desk.now() - GIVE_UP)
        for letter in old:
            await gave_up(desk, letter, f"not filed: mailbox {queue.name} cannot be reached")
        count += len(old)
    return count
