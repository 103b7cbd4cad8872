"""A change of status as effects: what the state machine said, written down, with the letters a solving sends."""

from datetime import datetime

from maild.core.effects import Confirm, Effect, Event, Record, SetStatus, Way
from maild.core.facts import TicketFacts
from maild.core.letter import Letter
from maild.core.policy import Policy
from maild.core.ticket import Happening, Outcome, Status, advance, deadline_after, is_past_deadline


def status_effects(
    ticket: int,
    before: Status,
    outcome: Outcome,
    policy: Policy,
    now: datetime,
    *,
    who: str,
    via: str,
    way: Way,
    auto_solve_at: datetime | None = None,
) -> tuple[Effect, ...]:
    """SetStatus, Confirm and the events that tell of them. Nothing if nothing changes.

    `auto_solve_at`: an answer puts off when a pending ticket counts as solved, also one that was pending before.
    """
    effects: list[Effect] = []
    if outcome.starts_round:
        until = deadline_after(now, policy.reopen_window)
        effects += [
            SetStatus(ticket, outcome.status, solved_at=now, reopen_until=until),
            Record(ticket, Event.SOLVED, who, via, way),
        ]
    elif outcome.status is not before or auto_solve_at:
        is_waiting = outcome.status is Status.PENDING
        effects.append(SetStatus(ticket, outcome.status, auto_solve_at=auto_solve_at if is_waiting else None))
    if outcome.reopens:
        effects.append(Record(ticket, Event.REOPENED, who, via, way))
    if outcome.confirms:
        effects += [Confirm(ticket, now), Record(ticket, Event.CONFIRMED, who, via, way)]
    if outcome.status is Status.INCOMPLETE and before is not Status.INCOMPLETE:
        effects.append(Record(ticket, Event.INCOMPLETE, who, via, way))
    if before is Status.INCOMPLETE and outcome.status is Status.NEW:
        effects.append(Record(ticket, Event.COMPLETED, who, via, way))
    return tuple(effects)


def opening_effects(
    ticket: int, before: Status, outcome: Outcome, policy: Policy, now: datetime, *, who: str, via: str, way: Way
) -> tuple[Effect, ...]:
    """`status_effects` for somebody who says "open": his event is "reopened", whatever the status was."""
    effects = status_effects(ticket, before, outcome, policy, now, who=who, via=via, way=way)
    is_told = outcome.reopens or outcome.status is before or before is Status.INCOMPLETE
    return effects if is_told else (*effects, Record(ticket, Event.REOPENED, who, via, way))


def reopened_by_failure(
    ticket: TicketFacts | None, letter: Letter, to: str, policy: Policy, now: datetime, *, via: str
) -> tuple[Effect, ...]:
    """The customer's copy of the solved letter did not arrive: he knows of no round, so the ticket opens again."""
    if ticket is None or letter is not Letter.SOLVED or to != ticket.customer.address:
        return ()
    if ticket.status is not Status.SOLVED or is_past_deadline(ticket.status, ticket.reopen_until, now):
        return ()
    outcome = advance(ticket.status, ticket.reopen_until, Happening.AGENT_OPENS, now)
    return status_effects(ticket.number, ticket.status, outcome, policy, now, who="maild", via=via, way=Way.MAIL)


def round_context(policy: Policy, now: datetime) -> dict[str, object]:
    """What the solved letter says of the round that starts now."""
    return {"reopen_until": deadline_after(now, policy.reopen_window).isoformat()}
