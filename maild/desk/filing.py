"""Letters that are filed in support's mailbox: what was seen there, what a move means, what ought to lie where.

The mailbox is read and written by `mailbox.team`; here is what it is told and asked, one transaction each. Nothing here
knows IMAP: a folder is a name, a place in it a pair of numbers.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from maild.core.effects import Event, Record
from maild.core.folders import VIA, Dragged, decide_move, folder_of, folders_of, keywords_of
from maild.core.policy import Queue
from maild.core.tokens import Purpose
from maild.desk.apply import apply
from maild.desk.desk import Desk
from maild.store import answers, filings, outbox, tickets
from maild.store.db import Tx
from maild.store.filings import Filing, Mark, TicketState

log = logging.getLogger(__name__)

_DELETED = "a letter was taken out of the folders"


@dataclass(frozen=True, slots=True)
class Seen:
    """A folder that was looked through. `new` are UIDs not seen before, with their Message-IDs or what stands in.

    `present` are all UIDs in it, None if nothing can have left it. `uidnext`: below it nothing new will appear.
    """

    folder: str
    uidvalidity: int
    uidnext: int
    new: tuple[tuple[int, str], ...]
    present: frozenset[int] | None


async def observe(desk: Desk, queue: Queue, seen: Sequence[Seen]) -> None:
    """Write down what was seen in folders that have changed, looked through one after the other."""
    await desk.store.run(_observe, desk, queue, seen)


def _observe(tx: Tx, desk: Desk, queue: Queue, seen: Sequence[Seen]) -> None:
    now = desk.now()
    for folder in seen:
        _miss(tx, queue, folder, now)
    for folder in seen:
        for uid, message_id in folder.new:
            _appear(tx, desk, queue, folder, uid, message_id, now)
        filings.set_mark(tx, queue.name, folder.folder, Mark(folder.uidvalidity, folder.uidnext))


def _miss(tx: Tx, queue: Queue, seen: Seen, now: datetime) -> None:
    """Letters that lie there no longer, or no longer where they were moved to."""
    if seen.present is None:
        return
    for filing in filings.in_folder(tx, queue.name, seen.folder):
        if filing.folder == seen.folder and filing.uid and not _is_there(seen, filing.uidvalidity, filing.uid):
            filings.missing(tx, filing.id, now)
        if filing.to_folder == seen.folder and not _is_there(seen, filing.to_uidvalidity, filing.to_uid):
            filings.move_undone(tx, filing.id)


def _is_there(seen: Seen, uidvalidity: int | None, uid: int | None) -> bool:
    return seen.present is None or (uidvalidity == seen.uidvalidity and uid in seen.present)


def _appear(tx: Tx, desk: Desk, queue: Queue, seen: Seen, uid: int, message_id: str, now: datetime) -> None:
    """A message that was not there before: one that we have put there, or one that somebody has moved."""
    known = filings.of_message(tx, queue.name, message_id) if message_id else []
    for filing in sorted(known, key=lambda one: one.uid > 0):  # first those whose place is not known
        if (filing.to_folder, filing.to_uidvalidity, filing.to_uid) == (seen.folder, seen.uidvalidity, uid):
            return  # seen before
        is_here = filing.folder == seen.folder
        if is_here and filing.uid and _is_there(seen, filing.uidvalidity, filing.uid):
            return  # a second copy beside it
        is_ours = filing.moving_to == seen.folder  # a ticket that has changed since takes it elsewhere
        if is_here or is_ours or filing.ticket is None or _belongs(tx, desk, queue, filing.ticket, seen.folder):
            filings.lies(tx, filing.id, seen.folder, seen.uidvalidity, uid)  # moved back in time: nothing happened
        else:
            filings.moved(tx, filing.id, seen.folder, seen.uidvalidity, uid, now, now + queue.move_delay)
        return


async def turned_up(desk: Desk, queue: Queue, folder: str, uidvalidity: int, uid: int, filing: Filing) -> None:
    """A letter that was missing lies there."""
    seen = Seen(folder, uidvalidity, 0, (), None)
    await desk.store.run(lambda tx: _appear(tx, desk, queue, seen, uid, filing.message_id, desk.now()))


def _belongs(tx: Tx, desk: Desk, queue: Queue, ticket: int, folder: str) -> bool:
    state = filings.states(tx, [ticket]).get(ticket)
    return state is not None and folder == _folder(state, desk, queue)


def _folder(state: TicketState, desk: Desk, queue: Queue) -> str:
    return folder_of(state.status, state.category, queue, desk.policy, is_spam=state.is_spam)


def _keywords(state: TicketState) -> frozenset[str]:
    return keywords_of(state.assignee, state.priority)


async def obey(desk: Desk, filing: Filing, queue: Queue) -> None:
    """Somebody has moved a letter of a ticket to another folder and left it there: that is a command.

    A refused one is taken back by the next `misplaced`.
    """
    await desk.store.run(_obey, desk, filing.id, queue)
    desk.wake.letters.set()


def _obey(tx: Tx, desk: Desk, number: int, queue: Queue) -> None:
    filing = filings.load(tx, number)
    if filing is None or filing.to_folder is None or filing.seen_at is None or filing.ticket is None:
        return
    filings.lies(tx, number, filing.to_folder, filing.to_uidvalidity or 0, filing.to_uid or 0)
    filings.unsettle_one(tx, number)
    found = tickets.facts_of_ticket(tx, filing.ticket)
    state = filings.states(tx, [filing.ticket]).get(filing.ticket)
    if found is None or state is None:
        return
    facts = replace(found[1], spoke=answers.customers_spoke(tx, [filing.ticket]))
    ticket, now = facts.tickets[filing.ticket], desk.now()
    dragged = Dragged(filing.to_folder, queue.address, filing.purpose, filing.seen_at, now, state.is_spam)
    decision = decide_move(dragged, ticket, facts, queue, desk.policy)
    if decision is not None:
        apply(tx, desk, decision, now)
    log.info("ticket %d: move in %s %s", ticket.number, queue.name, "obeyed" if decision else "refused")


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A letter to be looked at, where it belongs, and the keywords it ought to have."""

    filing: Filing
    folder: str
    keywords: frozenset[str]


async def misplaced(desk: Desk, queue: Queue, limit: int) -> list[Misplaced]:
    """Letters whose ticket has changed since they were put where they lie."""
    return await desk.store.read(_misplaced, desk, queue, limit)


def _misplaced(tx: Tx, desk: Desk, queue: Queue, limit: int) -> list[Misplaced]:
    found = filings.unsettled(tx, queue.name, limit)
    states = filings.states(tx, [filing.ticket for filing in found if filing.ticket])
    return [
        Misplaced(filing, _folder(state, desk, queue), _keywords(state))
        for filing in found
        if filing.ticket and (state := states.get(filing.ticket))
    ]


async def about_to_move(desk: Desk, present: Sequence[Misplaced], folder: str) -> None:
    """These are about to be moved there: cut off in between, nobody takes that for a person's move."""
    await desk.store.run(filings.moving, [letter.filing.id for letter in present], folder)


async def not_moved(desk: Desk, group: Sequence[Misplaced]) -> None:
    """The server would not move these: whoever does it later is a person."""
    await desk.store.run(filings.moving, [letter.filing.id for letter in group], None)


async def put_right(desk: Desk, queue: Queue, present: Sequence[Misplaced], *, gone: Sequence[Misplaced]) -> None:
    """Those that were there lie where they belong now; the others have to be seen again first."""
    await desk.store.run(_put_right, desk, queue, present, gone)


def _put_right(tx: Tx, desk: Desk, queue: Queue, present: Sequence[Misplaced], gone: Sequence[Misplaced]) -> None:
    """A ticket that has changed since they were looked at leaves its letters to be looked at once more."""
    for letter in present:
        if letter.folder != letter.filing.folder:
            filings.lies(tx, letter.filing.id, letter.folder)
    states = filings.states(tx, [letter.filing.ticket for letter in present if letter.filing.ticket])
    for letter in present:
        state = states.get(letter.filing.ticket or 0)
        if state and (letter.folder, letter.keywords) == (_folder(state, desk, queue), _keywords(state)):
            filings.settled(tx, letter.filing.id)
    for letter in gone:
        filings.missing(tx, letter.filing.id, desk.now())


async def note_deleted(desk: Desk, queue: Queue, searched: Sequence[Filing]) -> None:
    """Those of the letters that have not turned up were deleted: that changes nothing, but is told."""
    await desk.store.run(_note_deleted, desk, queue, searched)


def _note_deleted(tx: Tx, desk: Desk, queue: Queue, searched: Sequence[Filing]) -> None:
    found = [filings.load(tx, filing.id) for filing in searched]
    lost = [one for one in found if one and one.missing_since and not one.due_at and one.state == "filed"]
    for filing in lost:
        filings.gone(tx, filing.id)
    for number in dict.fromkeys(filing.ticket for filing in lost if filing.ticket):
        entry = Record(number, Event.DROPPED, queue.address, VIA, _DELETED)
        tickets.record(tx, number, entry, _DELETED, desk.now())
        log.info("ticket %d: a letter was deleted in %s", number, queue.name)


async def place_for(desk: Desk, queue: Queue, letter: outbox.Letter) -> tuple[Filing, frozenset[str], bool]:
    """Where a letter is to be filed, with which keywords, and whether that was begun before."""
    return await desk.store.run(_place_for, desk, queue, letter.ticket, letter.message_id, letter.purpose)


def _place_for(
    tx: Tx, desk: Desk, queue: Queue, ticket: int | None, message_id: str, purpose: Purpose
) -> tuple[Filing, frozenset[str], bool]:
    state = filings.states(tx, [ticket]).get(ticket) if ticket else None
    folder = _folder(state, desk, queue) if state else queue.new
    known = filings.of_message(tx, queue.name, message_id)
    filing = known[0] if known else filings.begin(tx, queue.name, ticket, message_id, purpose, folder)
    return filing, _keywords(state) if state else frozenset(), bool(known)


async def filed(desk: Desk, filing: Filing, letter: outbox.Letter) -> None:
    """A letter lies in its folder: that is what sending means for it."""
    await desk.store.run(_filed, desk, filing, letter)


def _filed(tx: Tx, desk: Desk, filing: Filing, letter: outbox.Letter) -> None:
    if filing.state == "begun":
        filings.appended(tx, filing.id)
    outbox.sent(tx, letter.id, f"filed in {filing.folder}", desk.now())


@dataclass(frozen=True, slots=True)
class Shelved:
    """A customer's mail in the inbox of the desk, and the folder of its ticket. `message_id` may be "" at first."""

    uid: int
    ticket: int
    message_id: str
    folder: str


async def to_be_shelved(desk: Desk, queue: Queue, keys: Mapping[str, int]) -> tuple[list[Shelved], set[int]]:
    """Of the messages in the inbox, by the keys they have in the ledger: those to put into their tickets' folders, and
    those of which that may still be said (not taken yet, not understood, held). The others stay where they are, so
    does a second copy of what lies in a folder already."""
    return await desk.store.read(_to_be_shelved, desk, queue, keys)


def _to_be_shelved(tx: Tx, desk: Desk, queue: Queue, keys: Mapping[str, int]) -> tuple[list[Shelved], set[int]]:
    found = filings.originals(tx, list(keys))
    states = filings.states(tx, [one.ticket for one in found.values() if one.ticket])
    ready: list[Shelved] = []
    waiting = set(keys.values()) - {keys[key] for key in found}
    for key, one in sorted(found.items(), key=lambda item: keys[item[0]]):
        is_copy = any(one.message_id and one.message_id == other.message_id for other in ready)
        if one.state != "done":
            waiting.add(keys[key])
        elif one.ticket and one.ticket in states and not is_copy and not _is_shelved(tx, queue, one.message_id):
            ready.append(Shelved(keys[key], one.ticket, one.message_id, _folder(states[one.ticket], desk, queue)))
    return ready, waiting


def _is_shelved(tx: Tx, queue: Queue, message_id: str) -> bool:
    """Does it lie in a folder, as far as is known? One that is missing may have been brought back to the inbox."""
    known = filings.of_message(tx, queue.name, message_id) if message_id else []
    return any(one.state == "filed" and one.missing_since is None for one in known)


async def shelve(desk: Desk, queue: Queue, uidvalidity: int, originals: Sequence[Shelved]) -> None:
    """These are about to lie in their folders, where exactly is seen then; or the inbox is their folder already."""
    await desk.store.run(_shelve, queue, uidvalidity, originals)


def _shelve(tx: Tx, queue: Queue, uidvalidity: int, originals: Sequence[Shelved]) -> None:
    for one in originals:
        if one.message_id and not filings.of_message(tx, queue.name, one.message_id):
            begun = filings.begin(tx, queue.name, one.ticket, one.message_id, Purpose.AGENT, one.folder)
            if one.folder == queue.inbox:
                filings.lies(tx, begun.id, one.folder, uidvalidity, one.uid)


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do in a mailbox, beside looking at it."""

    has_letters: bool
    moves: list[Filing]
    has_misplaced: bool
    copies: list[int]


async def work_in(desk: Desk, queue: Queue) -> Work:
    """What the database knows of."""
    return await desk.store.read(_work_in, desk, queue)


def _work_in(tx: Tx, desk: Desk, queue: Queue) -> Work:
    now = desk.now()
    return Work(
        has_letters=outbox.has_filed(tx, now, queue.address),
        moves=filings.due(tx, queue.name, now),
        has_misplaced=bool(filings.unsettled(tx, queue.name, 1)),
        copies=filings.wanted_copies(tx, queue.name),
    )


async def take_up(desk: Desk, queue: Queue) -> None:
    """Begin with a mailbox: folders may be called otherwise than last time, or belong to other categories."""
    await desk.store.run(filings.unsettle, queue.name, folders_of(queue, desk.policy))
