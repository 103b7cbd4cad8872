"""A customer types on a page of ours, which he reached by a link of his: words for the thread, fields of the card.

What follows is what a mail of his would bring about; the link proves who he is.
"""

from datetime import datetime

from maild.core.cards import filled_in, problems_context
from maild.core.effects import OPENED, AddMessage, Decision, Effect, Event, Reason, Record, Role, Send, Way
from maild.core.facts import Facts, TicketFacts
from maild.core.forms import Card, read_card
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.policy import Policy, Topic
from maild.core.rounds import status_effects
from maild.core.sends import to_team
from maild.core.speech import follow_up_effects
from maild.core.ticket import Happening, Status, Verdict, advance
from maild.core.tokens import Purpose
from maild.core.trust import Trust

MAX_WORDS = 64 * 1024  # octets in UTF-8


def decide_words(
    person: Mailbox, words: str, ticket: TicketFacts, facts: Facts, policy: Policy, now: datetime
) -> Decision:
    """His words join the ticket, or open a follow-up to one that is closed by now."""
    card = read_card(topic_of(ticket, policy), ticket.fields, words, words)
    return _said(person, words, card, ticket, facts, policy, now)


def decide_fields(
    person: Mailbox, card: Card, ticket: TicketFacts, facts: Facts, policy: Policy, now: datetime
) -> Decision:
    """He has filled in the form of an incomplete ticket: the lines he could have written by mail join it."""
    language = _language(person, ticket, facts, policy)
    return _said(person, _lines(card, ticket, policy, language), card, ticket, facts, policy, now)


def topic_of(ticket: TicketFacts, policy: Policy) -> Topic | None:
    """The topic whose card this ticket has, None if it has none (any more)."""
    return policy.category(ticket.category).topic(ticket.topic)


def _said(
    person: Mailbox, words: str, card: Card, ticket: TicketFacts, facts: Facts, policy: Policy, now: datetime
) -> Decision:
    # As for a click: what another node's faster clock has written down as closed is closed.
    until = None if ticket.status is Status.CLOSED else ticket.reopen_until
    outcome = advance(ticket.status, until, Happening.CUSTOMER_WRITES, now, is_complete=card.is_complete)
    if outcome.verdict is Verdict.FOLLOW_UP:
        return _follow_up(person, words, ticket, facts, policy, now)
    who = person.address
    letter = Letter.REOPENED if outcome.reopens else Letter.NEW_MESSAGE
    context = {"verdict": _verdict(policy), **problems_context(card)}
    effects: list[Effect] = [
        _message(person, words, ticket.number, now),
        Record(ticket.number, Event.CUSTOMER_WROTE, who, "http", Way.LINK),
        *filled_in(ticket, card),
        *status_effects(ticket.number, ticket.status, outcome, policy, now, who=who, via="http", way=Way.LINK),
        *to_team(policy, ticket.category, letter, ticket.number, also=ticket.assignee, context=context),
    ]
    if ticket.status is Status.INCOMPLETE and outcome.status is Status.NEW:
        effects.append(_told(Letter.ACKNOWLEDGEMENT, ticket.number, person, ticket, facts, policy, {}))
    return Decision(Reason.CLICKED, tuple(effects), ticket.number)


def _follow_up(
    person: Mailbox, words: str, ticket: TicketFacts, facts: Facts, policy: Policy, now: datetime
) -> Decision:
    """Closed is final, but nothing that was typed is lost."""
    context: dict[str, object] = {"verdict": _verdict(policy), "follow_up_of": ticket.number}
    effects: list[Effect] = [
        *follow_up_effects(ticket, person.address, "http"),
        _message(person, words, OPENED, now),
        *to_team(policy, ticket.category, Letter.FOLLOW_UP_TEAM, OPENED, context=context),
        _told(Letter.FOLLOW_UP, OPENED, person, ticket, facts, policy, context),
    ]
    return Decision(Reason.FOLLOW_UP, tuple(effects), OPENED)


def _message(person: Mailbox, words: str, ticket: int, now: datetime) -> AddMessage:
    return AddMessage(ticket=ticket, author=person, role=Role.CUSTOMER, text=words, reply=words, at=now)


def _told(
    letter: Letter,
    number: int,
    person: Mailbox,
    ticket: TicketFacts,
    facts: Facts,
    policy: Policy,
    context: dict[str, object],
) -> Send:
    language = _language(person, ticket, facts, policy)
    return Send(letter, number, person, Purpose.CUSTOMER, language, has_message=True, context=context)


def _language(person: Mailbox, ticket: TicketFacts, facts: Facts, policy: Policy) -> str:
    return facts.languages.get(person.address) or ticket.language or policy.language


def _lines(card: Card, ticket: TicketFacts, policy: Policy, language: str) -> str:
    """The card as he sent it, as `Label: value` lines."""
    topic = topic_of(ticket, policy)
    filled = [entry for entry in (topic.fields if topic else ()) if entry.key in card.values]
    return "\n".join(f"{entry.label.into(language)}: {card.values[entry.key]}" for entry in filled)


def _verdict(policy: Policy) -> str:
    """What the team's letter says of the sender; in open trust it always says that nobody is verified."""
    return "open" if policy.trust.is_open else Trust.VERIFIED.value
