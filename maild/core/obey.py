"""What an order does to a ticket: whether it can be obeyed at all, and its effects. The same for mail and command line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.core.changes import Assigned, Joined, Merged, Moved, Muted, Prioritised, Snoozed, Tagged
from maild.core.effects import OPENED, Effect, Event, Record, Send, SetStatus, Way
from maild.core.facts import Facts, TicketFacts
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.orders import Assign, Invite, Merge, Move, Order, Prioritise, Snooze, Spam, Tag, Towards, Trouble
from maild.core.policy import Policy
from maild.core.rights import Actor, Right, rights_of
from maild.core.sends import support_language, to_team
from maild.core.ticket import Happening, Status, Verdict, advance
from maild.core.tokens import Purpose


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives orders, and how: `via` and `way` are for the history, `now` is the moment."""

    actor: Actor
    via: str
    way: Way
    moment: datetime
    now: datetime

    @property
    def who(self) -> str:
        """The name events use."""
        return self.actor.address


def closes(orders: Iterable[Order]) -> bool:
    """Does one of them close the ticket for good?"""
    return any(isinstance(order, Spam | Merge) for order in orders)


def obstacle(order: Order, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> Trouble | None:
    """Why this order cannot be obeyed now, or None."""
    if Right.COMMAND not in rights_of(giver.actor, ticket.category, ticket, policy):
        return Trouble.NOT_YOURS
    match order:
        case Towards():
            return Trouble.NEEDS_NEW_MAIL
        case Assign():
            return None if policy.is_agent_of(order.address, ticket.category) else Trouble.NOT_SUPPORT
        case Merge():
            return _merge_obstacle(order, giver, ticket, facts, policy)
        case Invite():
            return _invite_obstacle(order, ticket, facts, policy)
    return Trouble.CLOSED if closes([order]) and not _can_close(ticket, giver.moment) else None


def _can_close(ticket: TicketFacts, moment: datetime) -> bool:
    return advance(ticket.status, ticket.reopen_until, Happening.AGENT_CLOSES, moment).verdict is Verdict.DONE


def _merge_obstacle(
    order: Merge, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy
) -> Trouble | None:
    target = facts.ticket(order.number)
    if target is None or target.number == ticket.number:
        return Trouble.NO_TICKET
    if Right.COMMAND not in rights_of(giver.actor, target.category, target, policy):
        return Trouble.NOT_YOURS
    is_open = _can_close(ticket, giver.moment) and _can_close(target, giver.moment)
    return None if is_open else Trouble.CLOSED


def _invite_obstacle(order: Invite, ticket: TicketFacts, facts: Facts, policy: Policy) -> Trouble | None:
    if order.addresses is None:
        return None if facts.proposed.get(ticket.number) else Trouble.NOBODY_PROPOSED
    is_ours = any(policy.is_desk_address(one) or policy.is_support(one) for one in order.addresses)
    return Trouble.DESK_ADDRESS if is_ours else None


def order_effects(
    orders: Sequence[Order], giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy
) -> tuple[Effect, ...]:
    """What the orders do, in their sequence; those that close the ticket come last. Ask `obstacle` before."""
    effects: list[Effect] = []
    for order in sorted(orders, key=lambda one: closes([one])):
        effects += _effects(order, giver, ticket, facts, policy)
    return tuple(effects)


def _effects(order: Order, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    number = ticket.number
    match order:
        case Assign():
            return [Assigned(number, order.address), *_handed(order.address, giver, ticket, policy, Event.ASSIGNED)]
        case Move():
            return _moved(order, giver, ticket, policy)
        case Merge():
            return _merged(number, facts.ticket(order.number), giver)
        case Tag():
            words = [f"+{tag}" for tag in order.added] + [f"-{tag}" for tag in order.removed]
            return [Tagged(number, order.added, order.removed), _record(giver, number, Event.TAGGED, " ".join(words))]
        case Prioritise():
            entry = _record(giver, number, Event.PRIORITISED, order.priority)
            return [Prioritised(number, order.priority), entry]
        case Invite():
            return _joined(order, giver, ticket, facts)
        case Snooze():
            until = giver.now + order.time
            entry = _record(giver, number, Event.SNOOZED, until.isoformat(timespec="seconds"))
            return [Snoozed(number, until, giver.who), entry]
        case Spam():
            muted = [Muted(person.address, giver.who) for person in ticket.participants[:1] if person.address]
            return [*muted, _record(giver, number, Event.SPAM, giver.way), *_closed(number, giver)]
    return []


def _record(giver: Giver, ticket: int, event: Event, reason: str) -> Record:
    return Record(ticket, event, giver.who, giver.via, reason)


def _closed(number: int, giver: Giver) -> list[Effect]:
    """Closed at once and for good: no round is left that somebody could reopen."""
    return [SetStatus(number, Status.CLOSED, is_final=True), _record(giver, number, Event.CLOSED, giver.way)]


def _handed(to: str, giver: Giver, ticket: TicketFacts, policy: Policy, event: Event) -> list[Effect]:
    """The history, and a letter to whose business it is now: it carries the customer's words, so it can be answered."""
    entry = _record(giver, ticket.number, event, to)
    if to == giver.who or not to:
        return [entry]
    letter = Send(
        letter=Letter.HANDED_OVER,
        ticket=ticket.number,
        to=Mailbox("", to),
        purpose=Purpose.AGENT,
        language=support_language(policy, to),
        context={"by": giver.who, "how": "assigned"},
    )
    return [entry, letter]


def _moved(order: Move, giver: Giver, ticket: TicketFacts, policy: Policy) -> list[Effect]:
    place = f"{order.category}/{order.topic}" if order.topic else order.category
    if (order.category, order.topic) == (ticket.category, ticket.topic):
        return []
    effects: list[Effect] = [
        Moved(ticket.number, order.category, order.topic),
        _record(giver, ticket.number, Event.MOVED, place),
    ]
    if ticket.assignee and not policy.is_agent_of(ticket.assignee, order.category):
        effects += [Assigned(ticket.number, ""), _record(giver, ticket.number, Event.ASSIGNED, "")]
    if order.category != ticket.category:
        context: dict[str, object] = {"by": giver.who, "how": "moved"}
        told = {giver.who, *policy.category(ticket.category).team}
        effects += to_team(
            policy, order.category, Letter.HANDED_OVER, ticket.number, has_message=False, context=context, but=told
        )
    return effects


def _merged(number: int, target: TicketFacts | None, giver: Giver) -> list[Effect]:
    if target is None:
        return []
    return [
        *_closed(number, giver),
        _record(giver, number, Event.MERGED, f"#{target.number}"),
        _record(giver, target.number, Event.MERGED, f"#{number}"),
        Merged(number, target.number),
    ]


def _joined(order: Invite, giver: Giver, ticket: TicketFacts, facts: Facts) -> list[Effect]:
    proposed = {person.address: person for person in facts.proposed.get(ticket.number, ())}
    people = proposed.values() if order.addresses is None else [
        proposed.get(address, Mailbox("", address)) for address in order.addresses
    ]  # fmt: skip
    effects: list[Effect] = []
    for person in people:
        if ticket.number == OPENED or ticket.participant(person.address) is None:
            effects.append(Joined(ticket.number, person))
            effects.append(_record(giver, ticket.number, Event.CC_JOINED, person.address))
    return effects
