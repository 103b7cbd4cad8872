"""Who gets which letter: to a ticket's team, to its participants."""

from collections.abc import Iterable, Mapping

from maild.core.effects import Send
from maild.core.facts import Facts
from maild.core.letter import FOR_TEAM, Letter
from maild.core.mail import Mailbox
from maild.core.policy import Policy
from maild.core.tokens import Purpose


def to_team(
    policy: Policy,
    category: str,
    letter: Letter,
    ticket: int,
    *,
    purpose: Purpose = Purpose.AGENT,
    has_message: bool = True,
    context: Mapping[str, object] | None = None,
    but: Iterable[str] = (),
    also: str = "",
) -> tuple[Send, ...]:
    """A letter to each mailbox of a category's team, and to the agent whose own the ticket is (`also`, "" for none).

    Only letters with a customer's words may be `purpose` AGENT.
    """
    left_out = frozenset((*but, "" if policy.is_agent_of(also, category) else also))
    return tuple(
        Send(
            letter=letter,
            ticket=ticket,
            to=Mailbox("", address),
            purpose=purpose,
            language=support_language(policy, address),
            has_message=has_message,
            context=context or {},
        )
        for address in dict.fromkeys((*policy.category(category).team, also))
        if address and address not in left_out
    )


def to_second_teams(
    policy: Policy, first: str, others: Iterable[str], ticket: int, *, context: Mapping[str, object] | None = None
) -> tuple[Send, ...]:
    """A mail to two categories is one ticket in the first; the others are told, and their answers stay notes."""
    told = set(policy.category(first).team)
    sends: list[Send] = []
    for key in dict.fromkeys(others):
        sends += to_team(policy, key, Letter.NEW_TICKET, ticket, purpose=Purpose.NOTE, context=context, but=told)
        told.update(policy.category(key).team)
    return tuple(sends)


def failure_letters(
    policy: Policy,
    category: str,
    ticket: int,
    *,
    letter: Letter,
    to: str,
    subject: str,
    reason: str,
    is_stopped: bool = False,
) -> tuple[Send, ...]:
    """What the team is told of a letter that did not arrive; nothing about such a notice itself: that would never end.

    A letter to one mailbox of the team is told to the others. `is_stopped`: no more letters go to that address.
    """
    if letter is Letter.DELIVERY_FAILED:
        return ()
    return to_team(
        policy,
        category,
        Letter.DELIVERY_FAILED,
        ticket,
        purpose=Purpose.NOTE,
        has_message=False,
        context={"failure": {"address": to, "reason": reason, "subject": subject, "is_stopped": is_stopped}},
        but=(to,) if letter in FOR_TEAM else (),
    )


def support_language(policy: Policy, address: str) -> str:
    """The language of an agent or team mailbox."""
    agent = policy.agent(address)
    return (agent.language if agent else "") or policy.language


def to_participants(
    policy: Policy,
    facts: Facts,
    people: Iterable[Mailbox],
    letter: Letter,
    ticket: int,
    *,
    language: str,
    has_message: bool = True,
    context: Mapping[str, object] | None = None,
) -> tuple[Send, ...]:
    """A letter to every participant; `language` is for those who have not chosen one. Never to the desk itself."""
    return tuple(
        Send(
            letter=letter,
            ticket=ticket,
            to=person,
            purpose=Purpose.CUSTOMER,
            language=facts.languages.get(person.address) or language or policy.language,
            has_message=has_message,
            context=context or {},
        )
        for person in people
        if person.address and not policy.is_desk_address(person.address)
    )
