"""What time does to a ticket: a reminder, solved because nobody said anything, closed for good (SPEC section 7)."""

from datetime import datetime, timedelta

from maild.core.effects import Decision, Effect, Event, Reason, Record, Reminded, Send, SetStatus, Way
from maild.core.facts import Facts, TicketFacts
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.policy import Policy
from maild.core.rounds import opening_effects, round_context, status_effects
from maild.core.sends import support_language, to_participants
from maild.core.ticket import Happening, Status, advance
from maild.core.tokens import Purpose


def decide_close(ticket: TicketFacts, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Close a solved ticket whose deadline is reached. Raises ValueError if it is not."""
    outcome = advance(ticket.status, ticket.reopen_until, Happening.DEADLINE, now)
    return Decision(
        Reason.DEADLINE_REACHED,
        (
            SetStatus(ticket.number, outcome.status),
            Record(ticket.number, Event.CLOSED, "maild", "job", Way.JOB),
            *_letters(ticket, facts, policy, Letter.CLOSED),
        ),
        ticket.number,
    )


def decide_auto_solve(ticket: TicketFacts, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Count a pending ticket as solved: it was answered, and its customer stayed silent. A round begins.

    Raises ValueError for a ticket that is not pending.
    """
    outcome = advance(ticket.status, ticket.reopen_until, Happening.DEADLINE, now)
    context = {**round_context(policy, now), "is_auto_solved": True}
    effects: tuple[Effect, ...] = status_effects(
        ticket.number, ticket.status, outcome, policy, now, who="maild", via="job", way=Way.JOB
    )
    letters = _letters(ticket, facts, policy, Letter.SOLVED, context)
    return Decision(Reason.CUSTOMER_SILENT, (*effects, *letters), ticket.number)


def decide_remind(ticket: TicketFacts, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Tell the customers of a solved ticket that the deadline is near."""
    context: dict[str, object] = {"reopen_until": ticket.reopen_until.isoformat()} if ticket.reopen_until else {}
    return Decision(
        Reason.DEADLINE_NEAR,
        (
            Reminded(ticket.number, now),
            Record(ticket.number, Event.REMINDED, "maild", "job", Way.JOB),
            *_letters(ticket, facts, policy, Letter.REMINDER, context),
        ),
        ticket.number,
    )


def decide_wake(ticket: TicketFacts, who: str, policy: Policy, now: datetime) -> Decision:
    """Remind support of a ticket that it put off; one that is solved or closed by now is left alone.

    `who` put it off. One that waited for its customer is support's business again.
    """
    if ticket.status in (Status.SOLVED, Status.CLOSED):
        return Decision(Reason.WOKEN, (), ticket.number)
    effects: tuple[Effect, ...] = (Record(ticket.number, Event.SNOOZED, "maild", "job", "over"),)
    if ticket.status is Status.PENDING:
        outcome = advance(ticket.status, ticket.reopen_until, Happening.AGENT_OPENS, now)
        effects += opening_effects(
            ticket.number, ticket.status, outcome, policy, now, who="maild", via="job", way=Way.JOB
        )
    people = dict.fromkeys((*policy.category(ticket.category).team, ticket.assignee, who))
    letters = (
        Send(
            letter=Letter.WOKEN,
            ticket=ticket.number,
            to=Mailbox("", address),
            purpose=Purpose.AGENT,
            language=support_language(policy, address),
            context={"by": who},
        )
        for address in people
        if policy.is_agent_of(address, ticket.category)
    )
    return Decision(Reason.WOKEN, (*effects, *letters), ticket.number)


def is_reminder_of_use(policy: Policy) -> bool:
    """Is there a moment between solving and deadline to remind at? `desk.remind_before` = 0 means never."""
    return timedelta() < policy.remind_before < policy.reopen_window


def _letters(
    ticket: TicketFacts, facts: Facts, policy: Policy, letter: Letter, context: dict[str, object] | None = None
) -> tuple[Effect, ...]:
    return to_participants(
        policy,
        facts,
        ticket.participants,
        letter,
        ticket.number,
        language=ticket.language,
        has_message=False,
        context=context,
    )
