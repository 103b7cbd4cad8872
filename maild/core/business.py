"""New business: support writes `#customer ADDRESS` to its category and opens a ticket towards him (SPEC section 5)."""

from dataclasses import replace

from maild.core.agents import names_other_agent, new_words, problems_of, said_by
from maild.core.case import Case
from maild.core.commands import read_commands
from maild.core.effects import OPENED, Decision, Effect, Event, OpenTicket, Reason, Record
from maild.core.explain import explained, held
from maild.core.facts import TicketFacts
from maild.core.mail import Mailbox
from maild.core.obey import changed, order_effects
from maild.core.orders import Problem, Towards, Trouble
from maild.core.receipts import receipt
from maild.core.rights import Actor, Right, Standing, rights_of
from maild.core.robots import is_machine_made
from maild.core.speech import decide_speech
from maild.core.subject import own_subject
from maild.core.ticket import Status
from maild.core.tokens import Purpose
from maild.core.words import Word


def is_business(case: Case) -> bool:
    """Does this mail ask for a ticket towards a customer?"""
    return read_commands(new_words(case)).has(Word.CUSTOMER)


def decide_business(case: Case, *, is_approved: bool = False) -> Decision:
    """A verified agent's mail with `#customer`, or one that the team approved. Needs no token of ours."""
    category = case.routes[0].category
    if is_machine_made(case.mail):
        return held(case, Reason.HELD_AGENT_AUTOMATIC)
    if names_other_agent(case) and not is_approved:
        return explained(case, Reason.HELD_OTHER_AGENT)
    actor = Actor(case.author.address, Standing.VERIFIED)
    if Right.OPEN not in rights_of(actor, category, None, case.policy):
        lines = [Problem(one.line, Trouble.NOT_YOURS) for one in read_commands(new_words(case)).commands]
        return explained(case, Reason.HELD_COMMAND_UNCLEAR, None, lines, can_send=False)
    return _opened(case, category, is_approved=is_approved)


def _opened(case: Case, category: str, *, is_approved: bool) -> Decision:
    typed = read_commands(new_words(case), is_approved=is_approved)
    ticket = _towards(case, "", category)
    said = said_by(case, ticket, Purpose.AGENT, typed)
    to = next((order.address for order in said.orders if isinstance(order, Towards)), "")
    ticket = _towards(case, to, category)
    said = said_by(case, ticket, Purpose.AGENT, typed)
    said = replace(said, orders=tuple(order for order in said.orders if not isinstance(order, Towards)))
    problems = [*problems_of(said, ticket, case), *_own_problems(case, to, said.speech.answer is not None)]
    if problems:
        return explained(case, Reason.HELD_COMMAND_UNCLEAR, None, problems, can_send=False)
    ticket_after = changed(ticket, said.orders, case.policy, said.giver.moment)
    spoken = decide_speech(said.speech, ticket_after, case.facts, case.policy)
    effects: list[Effect] = [
        OpenTicket(ticket.subject, category, ticket.topic, (ticket.customer,), ticket.language, is_incoming=True),
        Record(OPENED, Event.OPENED, said.giver.who, said.giver.via, said.giver.way),
        *order_effects(said.orders, replace(said.giver, asks=False), ticket, case.facts, case.policy),
        *(spoken.effects if spoken else ()),
    ]
    effects += receipt(case, said.typed, OPENED, effects)
    return Decision(Reason.AGENT_OPENED, tuple(effects), OPENED)


def _towards(case: Case, address: str, category: str) -> TicketFacts:
    """The ticket as it will be."""
    return TicketFacts(
        number=OPENED,
        subject=own_subject(case.mail.subject, case.policy.subject_tag),
        category=category,
        topic=case.routes[0].topic,
        status=Status.NEW,
        language=case.facts.languages.get(address) or case.policy.language,
        participants=(Mailbox("", address),),
    )


def _own_problems(case: Case, address: str, has_words: bool) -> list[Problem]:
    line = next((one.line for one in read_commands(new_words(case)).commands if one.word is Word.CUSTOMER), "")
    if address and (case.policy.is_desk_address(address) or case.policy.is_support(address)):
        return [Problem(line, Trouble.DESK_ADDRESS)]
    return [] if has_words or not address else [Problem(line, Trouble.NO_WORDS)]
