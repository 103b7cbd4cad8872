"""Folders of a shared mailbox: where a ticket's letters lie, and what it means to move one of them (SPEC section 8).

Knows nothing of IMAP. Folders are named as in the configuration.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.core.effects import Decision, Effect, Event, Reason, Record, Way
from maild.core.facts import Facts, TicketFacts
from maild.core.obey import Giver, changed, obstacle, order_effects
from maild.core.orders import Move, Order, Spam
from maild.core.policy import Policy, Queue
from maild.core.rights import Actor, Right, Standing, rights_of
from maild.core.speech import Speech, decide_speech
from maild.core.ticket import Happening, Status
from maild.core.tokens import Purpose

VIA = "imap"
_IN_WORK = (Status.INCOMPLETE, Status.NEW, Status.OPEN)
_CUSTOMERS_TURN = (Happening.AGENT_SOLVES, Happening.AGENT_WAITS)  # nothing is left for support to do


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for who moves a letter into a folder. `is_refused`: that folder is not for him to fill."""

    orders: tuple[Order, ...] = ()
    happening: Happening | None = None
    is_refused: bool = False


def folders_of(queue: Queue, policy: Policy) -> tuple[str, ...]:
    """All folders in which letters about tickets can lie, each once."""
    own = (category.folder for category in policy.categories if category.folder)
    return tuple(dict.fromkeys((queue.new, queue.pending, queue.solved, queue.closed, queue.spam, *own)))


def folder_of(status: Status, category: str, queue: Queue, policy: Policy, *, is_spam: bool = False) -> str:
    """The folder of a ticket. `is_spam`: it was closed as spam."""
    match status:
        case Status.PENDING:
            return queue.pending
        case Status.SOLVED:
            return queue.solved
        case Status.CLOSED:
            return queue.spam if is_spam else queue.closed
    return policy.category(category).folder or queue.new


def wanted_by(folder: str, ticket: TicketFacts, queue: Queue, policy: Policy, *, is_spam: bool = False) -> Wanted:
    """What a move of one of the ticket's letters into that folder means; nothing if the ticket lies there anyway."""
    if folder == folder_of(ticket.status, ticket.category, queue, policy, is_spam=is_spam):
        return Wanted()
    if folder == queue.spam:
        return Wanted(orders=(Spam(),))
    if folder == queue.solved:
        return Wanted(happening=Happening.AGENT_SOLVES)
    if folder == queue.pending:
        return Wanted(happening=Happening.AGENT_WAITS)
    return _into_work(folder, ticket, queue, policy)


def _into_work(folder: str, ticket: TicketFacts, queue: Queue, policy: Policy) -> Wanted:
    """A category's folder hands the ticket over; a ticket that was answered or solved is opened by it as well."""
    keys = [category.key for category in policy.categories if category.folder == folder]
    if not keys and folder != queue.new:
        return Wanted(is_refused=True)
    is_open = ticket.status in _IN_WORK
    if not keys:
        return Wanted(happening=Happening.AGENT_OPENS)
    orders = () if ticket.category in keys else (Move(keys[0], ""),)
    return Wanted(orders, None if is_open else Happening.AGENT_OPENS)


@dataclass(frozen=True, slots=True)
class Dragged:
    """A letter of a ticket that lies in another folder now. `who` moved it there is only known as his mailbox.

    `purpose` is what the letter may be used for; `seen_at` judges deadlines.
    """

    folder: str
    who: str
    purpose: Purpose
    seen_at: datetime
    now: datetime
    is_spam: bool = False


def decide_move(dragged: Dragged, ticket: TicketFacts, facts: Facts, queue: Queue, policy: Policy) -> Decision | None:
    """What becomes of the ticket; None if the move is refused and the letter has to go back. `facts` say when its
    customers `spoke`.

    Whoever can move a letter of ours has the mailbox it was sent to, as one who answers it by mail.
    """
    wanted = wanted_by(dragged.folder, ticket, queue, policy, is_spam=dragged.is_spam)
    actor = Actor(dragged.who, Standing.CONFIRMED, dragged.purpose)
    if wanted.is_refused or Right.COMMAND not in rights_of(actor, ticket.category, ticket, policy):
        return None
    if wanted.happening in _CUSTOMERS_TURN and _is_overtaken(dragged, ticket, facts):
        return None
    asks = wanted.happening is None
    giver = Giver(actor, via=VIA, way=Way.MOVE, moment=dragged.seen_at, now=dragged.now, asks=asks)
    if any(obstacle(order, giver, ticket, facts, policy) for order in wanted.orders):
        return None
    effects: list[Effect] = [*order_effects(wanted.orders, giver, ticket, facts, policy)]
    if wanted.happening:
        spoken = _happened(wanted.happening, giver, changed(ticket, wanted.orders, policy, giver.moment), facts, policy)
        if spoken is None:
            return None
        effects += spoken
    return Decision(Reason.AGENT_COMMANDED, tuple(effects), ticket.number)


def _is_overtaken(dragged: Dragged, ticket: TicketFacts, facts: Facts) -> bool:
    """Has a customer written since the letter was moved? Whoever moved it has not read that."""
    spoke = facts.spoke.get(ticket.number)
    return spoke is not None and spoke[1] > dragged.seen_at


def _happened(
    happening: Happening, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy
) -> Sequence[Effect] | None:
    speech = Speech(
        who=giver.who,
        via=giver.via,
        way=giver.way,
        moment=giver.moment,
        now=giver.now,
        answer=None,
        note=None,
        happening=happening,
    )
    decision = decide_speech(speech, ticket, facts, policy)
    return None if decision is None else [*_named(happening, giver, ticket), *decision.effects]


def _named(happening: Happening, giver: Giver, ticket: TicketFacts) -> Iterator[Effect]:
    """A ticket that waits for its customer counts as answered; of one that was solved "reopened" says enough."""
    if happening is Happening.AGENT_WAITS and ticket.status in _IN_WORK:
        yield Record(ticket.number, Event.AGENT_ANSWERED, giver.who, giver.via, giver.way)


def keywords_of(assignee: str, priority: str) -> frozenset[str]:
    """The IMAP keywords of a ticket's letters: whose it is, how urgent unless that is normal (RFC 3501 §9, atom)."""
    found = {f"assigned-{_atom(assignee)}"} if assignee else set()
    return frozenset(found | ({f"priority-{priority}"} if priority != "normal" else set()))


def is_keyword_of_ours(flag: str) -> bool:
    """Did `keywords_of` make this flag? Servers may return it in other case."""
    return flag.lower().startswith(("assigned-", "priority-"))


def _atom(text: str) -> str:
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "@.-_+") else "_" for sign in text)


def on_server(folder: str, delimiter: str, prefix: str = "") -> str:
    """The name of a configured folder on a server: `/` divides levels, whatever divides them there."""
    if folder.upper() == "INBOX":
        return "INBOX"
    return prefix + (folder.replace("/", delimiter) if delimiter else folder)
