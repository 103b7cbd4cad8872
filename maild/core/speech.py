"""Support speaks, by mail or from the command line: answers, notes, solving, opening. One set of effects for both."""

from dataclasses import dataclass, replace
from datetime import datetime

from maild.core.effects import (
    OPENED,
    OPENED_NUMBER,
    AddMessage,
    Decision,
    Effect,
    Event,
    OpenTicket,
    Reason,
    Record,
    SetStatus,
    Way,
)
from maild.core.facts import Facts, TicketFacts
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.policy import Policy
from maild.core.rounds import opening_effects, round_context, status_effects
from maild.core.sends import to_participants, to_team
from maild.core.ticket import Happening, Outcome, Status, Verdict, advance, silence_until
from maild.core.tokens import Purpose


@dataclass(frozen=True, slots=True)
class Speech:
    """What support said. `answer` goes to the customers, `note` stays inside; either may be None.

    `happening` is what it does to the ticket, None for a note alone. `who` is the name events use. `moment` judges the
    deadline, `now` starts rounds. `is_question`: the answer asks something, so silence does not mean that it is solved.
    `is_out`: the answer was sent without us and is only written down. `knows` need no copy of it.
    """

    who: str
    via: str
    way: Way
    moment: datetime
    now: datetime
    answer: AddMessage | None
    note: AddMessage | None
    happening: Happening | None
    is_question: bool = False
    is_out: bool = False
    knows: tuple[str, ...] = ()


def happening_of(*, has_words: bool, solves: bool, opens: bool) -> Happening | None:
    """What an answer and its commands do to the ticket."""
    if solves:
        return Happening.AGENT_SOLVES
    if opens:
        return Happening.AGENT_OPENS
    return Happening.AGENT_ANSWERS if has_words else None


def decide_speech(speech: Speech, ticket: TicketFacts, facts: Facts, policy: Policy) -> Decision | None:
    """The effects of what support said, or None if the ticket is closed and refuses it (SPEC section 7)."""
    effects: list[Effect] = []
    number, status, until = ticket.number, ticket.status, ticket.reopen_until
    if speech.happening:
        verdict = advance(status, until, speech.happening, speech.moment).verdict
        if verdict is Verdict.REFUSED:
            return None
        if verdict is Verdict.FOLLOW_UP:
            effects += follow_up_effects(ticket, speech.who, speech.via)
            number, status, until = OPENED, Status.NEW, None
    if speech.answer:
        effects += _said(speech, speech.answer, ticket, number, policy)
    if speech.happening:
        outcome = advance(status, until, speech.happening, speech.moment)
        effects += _change(speech, number, status, outcome, policy)
        if (speech.answer and not speech.is_out) or outcome.starts_round:
            effects += _letters(speech, ticket, number, facts, policy, outcome)
    if speech.note:
        effects += _said(speech, speech.note, ticket, number, policy)
    return Decision(_reason(speech), tuple(effects), number)


def _change(speech: Speech, number: int, before: Status, outcome: Outcome, policy: Policy) -> tuple[Effect, ...]:
    who, via, way = speech.who, speech.via, speech.way
    if speech.happening is Happening.AGENT_OPENS:
        return opening_effects(number, before, outcome, policy, speech.now, who=who, via=via, way=way)
    silence = _silence_until(speech, outcome, policy)
    effects = status_effects(
        number, before, outcome, policy, speech.now, who=who, via=via, way=way, auto_solve_at=silence
    )
    if (speech.is_question or speech.is_out) and not effects and outcome.status is Status.PENDING:
        return (SetStatus(number, Status.PENDING),)  # it was pending and would have been solved by silence
    return effects


def _silence_until(speech: Speech, outcome: Outcome, policy: Policy) -> datetime | None:
    """When the ticket counts as solved without another word: only one that was answered and waits for its customer.

    An answer that was sent without us has not announced it.
    """
    if speech.answer is None or speech.is_question or speech.is_out or outcome.status is not Status.PENDING:
        return None
    return silence_until(speech.now, policy.auto_solve_after)


def _reason(speech: Speech) -> Reason:
    if speech.answer:
        return Reason.AGENT_ANSWERED
    return Reason.AGENT_COMMANDED if speech.happening else Reason.AGENT_NOTED


def _said(speech: Speech, message: AddMessage, ticket: TicketFacts, number: int, policy: Policy) -> list[Effect]:
    """The words in the thread, and a copy to everybody else of the team; an answer to a copy stays inside."""
    event = Event.NOTE_ADDED if message.is_note else Event.AGENT_ANSWERED
    return [
        replace(message, ticket=number),
        Record(number, event, speech.who, speech.via, speech.way),
        *to_team(
            policy,
            ticket.category,
            Letter.COPY,
            number,
            purpose=Purpose.NOTE,
            context={"is_note": message.is_note},
            but=(message.author.address, *speech.knows),
            also=ticket.assignee,
        ),
    ]


def _letters(
    speech: Speech, ticket: TicketFacts, number: int, facts: Facts, policy: Policy, outcome: Outcome
) -> tuple[Effect, ...]:
    context = round_context(policy, speech.now) if outcome.starts_round else {}
    if silence := _silence_until(speech, outcome, policy):
        context["auto_solve_at"] = silence.isoformat()
    if speech.is_question:
        context["is_question"] = True
    if number != ticket.number:
        context["follow_up_of"] = ticket.number
    return to_participants(
        policy,
        facts,
        ticket.participants,
        Letter.SOLVED if outcome.starts_round else Letter.ANSWER,
        number,
        language=ticket.language,
        has_message=speech.answer is not None and not speech.is_out,
        context=context,
    )


def follow_up_effects(ticket: TicketFacts, who: str, via: str) -> list[Effect]:
    """A new ticket for the same people, linked both ways with the closed one."""
    return [
        OpenTicket(
            subject=ticket.subject,
            category=ticket.category,
            topic=ticket.topic,
            participants=ticket.participants,
            language=ticket.language,
            follow_up_of=ticket.number,
            fields=ticket.fields,
        ),
        Record(OPENED, Event.OPENED, who, via, Reason.FOLLOW_UP),
        Record(OPENED, Event.FOLLOW_UP, who, via, f"#{ticket.number}"),
        Record(ticket.number, Event.FOLLOW_UP, who, via, OPENED_NUMBER),
    ]


def decide_towards(
    speech: Speech, customer: Mailbox, category: str, topic: str, subject: str, facts: Facts, policy: Policy
) -> Decision:
    """Support opens a ticket towards a customer: he gets the words as an answer and can reply to it."""
    language = facts.languages.get(customer.address) or policy.language
    opened = OpenTicket(subject, category, topic, (customer,), language, is_incoming=True)
    ticket = TicketFacts(OPENED, subject, category, topic, Status.NEW, language, opened.participants)
    spoken = decide_speech(speech, ticket, facts, policy)
    effects = (
        opened,
        Record(OPENED, Event.OPENED, speech.who, speech.via, speech.way),
        *(spoken.effects if spoken else ()),
    )
    return Decision(Reason.AGENT_ANSWERED, effects, OPENED)
