"""What time does to a ticket: the 48 hours are over (SPEC section 7)."""

from datetime import datetime

from maild.core.effects import Decision, Event, Reason, Record, SetStatus, Way
from maild.core.facts import Facts, TicketFacts
from maild.core.letter import Letter
from maild.core.policy import Policy
from maild.core.sends import to_participants
from maild.core.ticket import Happening, advance


def decide_close(ticket: TicketFacts, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Close a solved ticket whose deadline is reached. Raises ValueError if it is not."""
    outcome = advance(ticket.status, ticket.reopen_until, Happening.DEADLINE, now)
    return Decision(
        Reason.DEADLINE_REACHED,
        (
            SetStatus(ticket.number, outcome.status),
            Record(ticket.number, Event.CLOSED, "maild", "job", Way.JOB),
            *to_participants(
                policy,
                facts,
                ticket.participants,
                Letter.CLOSED,
                ticket.number,
                language=ticket.language,
                has_message=False,
            ),
        ),
        ticket.number,
    )
