"""A change of status as effects: what the state machine said, written down, with the letters a solving sends."""

from datetime import datetime

from maild.core.effects import Confirm, Effect, Event, Record, SetStatus, Way
from maild.core.policy import Policy
from maild.core.ticket import Outcome, Status, deadline_after


def status_effects(
    ticket: int, before: Status, outcome: Outcome, policy: Policy, now: datetime, *, who: str, via: str, way: Way
) -> tuple[Effect, ...]:
    """SetStatus, Confirm and the events that tell of them. Nothing if nothing changes."""
    effects: list[Effect] = []
    if outcome.starts_round:
        until = deadline_after(now, policy.reopen_window)
        effects += [
            SetStatus(ticket, outcome.status, solved_at=now, reopen_until=until),
            Record(ticket, Event.SOLVED, who, via, way),
        ]
    elif outcome.status is not before:
        effects.append(SetStatus(ticket, outcome.status))
    if outcome.reopens:
        effects.append(Record(ticket, Event.REOPENED, who, via, way))
    if outcome.confirms:
        effects += [Confirm(ticket, now), Record(ticket, Event.CONFIRMED, who, via, way)]
    if before is Status.INCOMPLETE and outcome.status is Status.NEW:
        effects.append(Record(ticket, Event.COMPLETED, who, via, way))
    return tuple(effects)


def round_context(policy: Policy, now: datetime) -> dict[str, object]:
    """What the solved letter says of the round that starts now."""
    return {"reopen_until": deadline_after(now, policy.reopen_window).isoformat()}
