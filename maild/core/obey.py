"""What an order does to a ticket: whether it can be obeyed, and its effects. The same for mail and command line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatch

from maild.core.cards import problems_context
from maild.core.changes import Assigned, Joined, Merged, Moved, Muted, Prioritised, Snoozed, Tagged
from maild.core.effects import Effect, Event, Record, Send, SetFields, SetStatus, Way
from maild.core.facts import Facts, TicketFacts
from maild.core.forms import Card, carried_over
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.orders import Assign, Invite, Merge, Move, Order, Prioritise, Snooze, Spam, Tag, Towards, Trouble
from maild.core.policy import Policy
from maild.core.rights import Actor, Right, rights_of
from maild.core.robots import may_be_asked
from maild.core.rounds import status_effects
from maild.core.sends import support_language
from maild.core.ticket import Happening, Outcome, Status, Verdict, advance
from maild.core.tokens import Purpose


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives orders, and how: `via` and `way` are for the history, `now` is the moment.

    `asks`: if the order leaves required fields missing, the customer is asked for them.
    """

    actor: Actor
    via: str
    way: Way
    moment: datetime
    now: datetime
    asks: bool = True

    @property
    def who(self) -> str:
        """The name events use."""
        return self.actor.address


def closes(orders: Iterable[Order]) -> bool:
    """Does one of them close the ticket for good?"""
    return any(isinstance(order, Spam | Merge) for order in orders)


def obstacle(
    order: Order, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy, after: TicketFacts | None = None
) -> Trouble | None:
    """Why this order cannot be obeyed now, or None. `after` is the ticket once the orders beside it are carried out."""
    if Right.COMMAND not in rights_of(giver.actor, ticket.category, ticket, policy):
        return Trouble.NOT_YOURS
    if not _can_close(ticket, giver.moment):
        return Trouble.CLOSED  # closed is final
    return _own_obstacle(order, giver, ticket, facts, policy, after or ticket)


def _own_obstacle(
    order: Order, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy, after: TicketFacts
) -> Trouble | None:
    match order:
        case Towards():
            return Trouble.NEEDS_NEW_MAIL
        case Assign():
            return None if policy.is_agent_of(order.address, after.category) else Trouble.NOT_SUPPORT
        case Merge():
            return _merge_obstacle(order, giver, ticket, facts, policy)
        case Invite():
            return _invite_obstacle(order, ticket, policy)
    return None


def _can_close(ticket: TicketFacts, moment: datetime) -> bool:
    return advance(ticket.status, ticket.reopen_until, Happening.AGENT_CLOSES, moment).verdict is Verdict.DONE


def _merge_obstacle(order: Merge, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> Trouble | None:
    target = facts.ticket(order.number)
    if target is None or target.number == ticket.number:
        return Trouble.NO_TICKET
    if Right.COMMAND not in rights_of(giver.actor, target.category, target, policy):
        return Trouble.NOT_YOURS
    return None if _can_close(target, giver.moment) else Trouble.CLOSED


def _invite_obstacle(order: Invite, ticket: TicketFacts, policy: Policy) -> Trouble | None:
    if order.addresses is None:
        return None if ticket.proposed else Trouble.NOBODY_PROPOSED
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


@singledispatch
def _effects(order: Order, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    raise TypeError(f"no such order: {order}")


@_effects.register
def _(order: Assign, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    number = ticket.number
    effects: list[Effect] = [
        Assigned(number, order.address),
        _record(giver, number, Event.ASSIGNED, order.address),
    ]
    if order.address != giver.who:
        effects += _handed(policy, number, [order.address], giver, "assigned")
    return effects


@_effects.register
def _(order: Move, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    number = ticket.number
    if (order.category, order.topic) == (ticket.category, ticket.topic):
        return []
    place = f"{order.category}/{order.topic}" if order.topic else order.category
    effects: list[Effect] = [
        Moved(number, order.category, order.topic),
        _record(giver, number, Event.MOVED, place),
    ]
    effects += _other_card(order, giver, ticket, policy)
    if ticket.assignee and not policy.is_agent_of(ticket.assignee, order.category):
        effects += [Assigned(number, ""), _record(giver, number, Event.ASSIGNED, "")]
    if order.category != ticket.category:
        knows = {giver.who, *policy.category(ticket.category).team}
        team = [address for address in policy.category(order.category).team if address not in knows]
        effects += _handed(policy, number, team, giver, "moved", problems_context(_card_after(order, ticket, policy)))
    return effects


def _card_after(order: Move, ticket: TicketFacts, policy: Policy) -> Card:
    return carried_over(policy.category(order.category).topic(order.topic), ticket.fields)


def _moved(order: Move, ticket: TicketFacts, policy: Policy, moment: datetime) -> Outcome:
    """Another topic may want other fields (SPEC section 2, sentence 1.3)."""
    is_complete = _card_after(order, ticket, policy).is_complete
    return advance(ticket.status, ticket.reopen_until, Happening.MOVED, moment, is_complete=is_complete)


def _other_card(order: Move, giver: Giver, ticket: TicketFacts, policy: Policy) -> list[Effect]:
    card, outcome = _card_after(order, ticket, policy), _moved(order, ticket, policy, giver.moment)
    effects: list[Effect] = [SetFields(ticket.number, card.values)] if card.values != ticket.fields else []
    effects += status_effects(
        ticket.number, ticket.status, outcome, policy, giver.now, who=giver.who, via=giver.via, way=giver.way
    )
    person = ticket.customer
    if outcome.status is Status.INCOMPLETE and giver.asks and may_be_asked(person.address, policy):
        effects.append(
            Send(
                letter=Letter.MISSING_FIELDS,
                ticket=ticket.number,
                to=person,
                purpose=Purpose.CUSTOMER,
                language=ticket.language,
                context={**problems_context(card, with_values=False), "how": "moved"},
            )
        )
    return effects


@_effects.register
def _(order: Merge, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    target = facts.ticket(order.number)
    if target is None:
        return []
    return [
        *_closed(ticket.number, giver),
        _record(giver, ticket.number, Event.MERGED, f"#{target.number}"),
        _record(giver, target.number, Event.MERGED, f"#{ticket.number}"),
        Merged(ticket.number, target.number),
    ]


@_effects.register
def _(order: Tag, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    words = " ".join([f"+{tag}" for tag in order.added] + [f"-{tag}" for tag in order.removed])
    entry = _record(giver, ticket.number, Event.TAGGED, words)
    return [Tagged(ticket.number, order.added, order.removed), entry]


@_effects.register
def _(order: Prioritise, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    entry = _record(giver, ticket.number, Event.PRIORITISED, order.priority)
    return [Prioritised(ticket.number, order.priority), entry]


@_effects.register
def _(order: Invite, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    effects: list[Effect] = []
    for joined in _invited(order, ticket):
        effects += [joined, _record(giver, ticket.number, Event.CC_JOINED, joined.person.address)]
    return effects


@_effects.register
def _(order: Snooze, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    until = giver.now + order.time
    entry = _record(giver, ticket.number, Event.SNOOZED, until.isoformat(timespec="seconds"))
    return [Snoozed(ticket.number, until, giver.who), entry]


@_effects.register
def _(order: Spam, giver: Giver, ticket: TicketFacts, facts: Facts, policy: Policy) -> list[Effect]:
    muted = [Muted(person.address, giver.who) for person in ticket.participants[:1] if person.address]
    return [*muted, _record(giver, ticket.number, Event.SPAM, giver.way), *_closed(ticket.number, giver)]


def _record(giver: Giver, ticket: int, event: Event, reason: str) -> Record:
    return Record(ticket, event, giver.who, giver.via, reason)


def _closed(number: int, giver: Giver) -> list[Effect]:
    """Closed at once and for good: no round is left that somebody could reopen."""
    return [SetStatus(number, Status.CLOSED, is_final=True), _record(giver, number, Event.CLOSED, giver.way)]


def _handed(
    policy: Policy, number: int, people: Iterable[str], giver: Giver, how: str, more: Mapping[str, object] | None = None
) -> list[Send]:
    """A letter to those whose business it is now: it carries the customer's words, so that it can be answered."""
    return [
        Send(
            letter=Letter.HANDED_OVER,
            ticket=number,
            to=Mailbox("", address),
            purpose=Purpose.AGENT,
            language=support_language(policy, address),
            context={"by": giver.who, "how": how, **(more or {})},
        )
        for address in people
    ]


def _invited(order: Invite, ticket: TicketFacts) -> list[Joined]:
    """Those who are not in it yet; with the names under which they were proposed."""
    proposed = {person.address: person for person in ticket.proposed}
    addresses = tuple(proposed) if order.addresses is None else order.addresses
    people = (proposed.get(address, Mailbox("", address)) for address in dict.fromkeys(addresses))
    return [Joined(ticket.number, person) for person in people if ticket.participant(person.address) is None]


def changed(ticket: TicketFacts, orders: Iterable[Order], policy: Policy, moment: datetime) -> TicketFacts:
    """The ticket as it will be once these orders have been carried out, as far as words to its people depend on it."""
    for order in orders:
        match order:
            case Move() if (order.category, order.topic) != (ticket.category, ticket.topic):
                ticket = replace(
                    ticket,
                    category=order.category,
                    topic=order.topic,
                    status=_moved(order, ticket, policy, moment).status,
                    fields=_card_after(order, ticket, policy).values,
                )
            case Assign():
                ticket = replace(ticket, assignee=order.address)
            case Invite():
                people = (effect.person for effect in _invited(order, ticket))
                ticket = replace(ticket, participants=(*ticket.participants, *people))
    return ticket
