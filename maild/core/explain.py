"""Mail of support that is set aside: who is told, and what he can do about it (SPEC sections 5 and 8)."""

from collections.abc import Iterable

from maild.core.case import Case
from maild.core.effects import OPENED, Decision, Effect, Event, Reason, Record, Send
from maild.core.facts import TicketFacts
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.orders import Problem
from maild.core.sends import support_language
from maild.core.tokens import HeldAction, Purpose

_KEPT = 50_000  # characters of the words that an explanation repeats
_CLOSED = frozenset({Reason.HELD_NOTHING_TO_SEND, Reason.HELD_TICKET_CLOSED})  # sending it could not be any better


def held(case: Case, reason: Reason, ticket: TicketFacts | None = None) -> Decision:
    """Set aside for a person; the team is told with all the others."""
    return Decision(reason, _noted(case, reason, ticket), ticket.number if ticket else None, is_held=True)


def _noted(case: Case, reason: Reason, ticket: TicketFacts | None) -> tuple[Effect, ...]:
    """A solved ticket is not closed while mail for it from before the deadline is held."""
    if ticket is None:
        return ()
    event = Event.COLLISION if reason is Reason.HELD_COLLISION else Event.HELD
    return (Record(ticket.number, event, case.author.address, case.via, reason),)


def explained(
    case: Case,
    reason: Reason,
    ticket: TicketFacts | None = None,
    problems: Iterable[Problem] = (),
    *,
    can_send: bool = True,
) -> Decision:
    """Set aside, and its author is told at once: why, with his words, and with links to send them all the same."""
    decision = held(case, reason, ticket)
    letter = Letter.COLLISION if reason is Reason.HELD_COLLISION else Letter.COMMAND_HELP
    can: list[HeldAction] = [HeldAction.DROP]
    if ticket is not None:
        can.insert(0, HeldAction.NOTE)
    if can_send and reason not in _CLOSED:
        can.insert(0, HeldAction.SEND)
    send = _letter(case, letter, case.author.address, reason, ticket, problems, can)
    return Decision(reason, (*decision.effects, send), decision.ticket, is_held=True)


def claimed(case: Case, ticket: TicketFacts | None, *, can_send: bool) -> Decision:
    """Somebody says that he is support, and nothing says that he is.

    In open trust the team decides, by a link that only its own mailbox gets. Elsewhere he has to send it again.
    """
    decision = held(case, Reason.HELD_AGENT_UNVERIFIED, ticket)
    if not (case.is_open_trust and can_send):
        return decision
    category = ticket.category if ticket else case.routes[0].category
    can = [HeldAction.SEND, HeldAction.DROP]
    letters = (
        _letter(case, Letter.CLAIMED, address, Reason.HELD_AGENT_UNVERIFIED, ticket, (), can)
        for address in case.policy.category(category).team
    )
    return Decision(decision.reason, (*decision.effects, *letters), decision.ticket, is_held=True)


def _letter(
    case: Case,
    letter: Letter,
    to: str,
    reason: Reason,
    ticket: TicketFacts | None,
    problems: Iterable[Problem],
    can: Iterable[HeldAction],
) -> Send:
    hold = {
        "author": case.author.address,
        "reason": reason.name.removeprefix("HELD_").lower(),
        "problems": [{"line": problem.line, "trouble": problem.trouble.value} for problem in problems],
        "text": case.mail.reply[:_KEPT],
        "subject": case.mail.subject,
        "can": [action.value for action in can],
    }
    category = ticket.category if ticket else case.routes[0].category
    last = case.facts.last_answer if letter is Letter.COLLISION else None
    return Send(
        letter=letter,
        ticket=ticket.number if ticket else OPENED,
        to=Mailbox("", to),
        purpose=Purpose.NOTE,
        language=support_language(case.policy, to),
        context={
            "category": category,
            "hold": hold,
            "answers": case.mail.message_id,
            "by": last.author if last else "",
        },
    )
