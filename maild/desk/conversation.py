"""The page of a ticket: what its customer or his guest reads of it, and that he has read it."""

import logging
from dataclasses import dataclass, replace

from maild.core.clicks import possible
from maild.core.errors import BadLink, StoreBusy
from maild.core.facts import TicketFacts
from maild.core.policy import Policy
from maild.core.scrub import without_tokens
from maild.core.ticket import Status, is_past_deadline
from maild.core.tokens import Action, Claim
from maild.desk.desk import Desk
from maild.desk.portal import own_ticket
from maild.store import mine, reading
from maild.store.db import Tx
from maild.store.reading import Happened, Head, Said

log = logging.getLogger(__name__)

_PAGE = 10  # messages
PIECE = 8_000  # characters of a long message on a page of its own


@dataclass(frozen=True, slots=True)
class Conversation:
    """A page of a thread, newest first. `is_newest`: no later page; `is_all`: no earlier one.

    `is_past`: closed for good, or its deadline is over and the job has not come by yet. `may_confirm` and
    `may_continue`: the two buttons would change something.
    """

    ticket: TicketFacts
    head: Head
    said: tuple[Said, ...]
    happened: tuple[Happened, ...]
    follow_ups: tuple[int, ...]
    is_newest: bool
    is_all: bool
    is_past: bool
    may_confirm: bool
    may_continue: bool


async def look_at_ticket(
    desk: Desk, number: int, person: str, before: int | None = None, *, reads: bool = True
) -> Conversation:
    """A page of the thread, from the newest message or before one of them. If he `reads` it, his own mark moves.

    Raises BadLink, in the same words, for a ticket that is not his and for one that is not there.
    """
    view, unseen = await desk.store.read(_look, desk, number, person, before)
    if unseen and reads:
        try:
            await desk.store.run(mine.mark_seen, view.ticket.number, person, unseen)
        except StoreBusy as error:
            log.warning("a mark of what was read is lost: %s", error)  # what can be read shall be read all the same
    return view


def _look(tx: Tx, desk: Desk, number: int, person: str, before: int | None) -> tuple[Conversation, int]:
    ticket, _ = own_ticket(tx, desk, number, person)
    found = reading.messages_before(tx, ticket.number, person, before, _PAGE + 1)
    said, is_all = [_scrubbed(one, desk.policy) for one in found[:_PAGE]], len(found) <= _PAGE
    now = desk.now()
    may_confirm, may_continue = (
        possible(Claim(ticket.number, person, action), ticket, now).may_act
        for action in (Action.SOLVED, Action.CONTINUE)
    )
    conversation = Conversation(
        ticket=ticket,
        head=reading.head_of(tx, ticket.number),
        said=tuple(said),
        happened=_happened(tx, ticket.number, said, before, is_all=is_all),
        follow_ups=tuple(reading.follow_ups(tx, ticket.number)),
        is_newest=before is None,
        is_all=is_all,
        is_past=ticket.status is Status.CLOSED or is_past_deadline(ticket.status, ticket.reopen_until, now),
        may_confirm=may_confirm,
        may_continue=may_continue,
    )
    return conversation, _unseen(tx, ticket.number, person) if before is None else 0


def _scrubbed(said: Said, policy: Policy) -> Said:
    """The message without what lets others act for whoever quoted it. Of a beginning, the rest keeps its length."""
    reply, text = without_tokens(said.reply, policy), without_tokens(said.text, policy)
    return replace(
        said,
        reply=reply,
        reply_length=said.reply_length - len(said.reply) + len(reply),
        text=text,
        text_length=said.text_length - len(said.text) + len(text),
    )


def _happened(tx: Tx, number: int, said: list[Said], before: int | None, *, is_all: bool) -> tuple[Happened, ...]:
    """The history between the messages of this page."""
    later = reading.message(tx, number, before) if before else None
    since = None if is_all or not said else said[-1].at
    return tuple(reading.happened_between(tx, number, since, later.at if later else None))


def _unseen(tx: Tx, number: int, person: str) -> int:
    """The message up to which he has read now, 0 if that is no news."""
    newest = reading.newest_message(tx, number)
    return newest if reading.is_unseen(tx, number, person, newest) else 0


@dataclass(frozen=True, slots=True)
class WholeMessage:
    """A message that is too long for the thread: a piece of it, and where the next one begins (None: it ends here)."""

    ticket: TicketFacts
    said: Said
    piece: str
    next_start: int | None


async def look_at_message(desk: Desk, number: int, person: str, message: int, start: int) -> WholeMessage:
    """A piece of one message. Raises BadLink as `look_at_ticket`."""
    return await desk.store.read(_look_at_message, desk, number, person, message, start)


def _look_at_message(tx: Tx, desk: Desk, number: int, person: str, message: int, start: int) -> WholeMessage:
    ticket, _ = own_ticket(tx, desk, number, person)
    said = reading.message(tx, ticket.number, message)
    if said is None:
        raise BadLink("no such page")
    text = without_tokens(reading.whole(tx, said), desk.policy)  # before it is cut: half a token is none
    end = start + PIECE
    return WholeMessage(ticket, _scrubbed(said, desk.policy), text[start:end], end if end < len(text) else None)
