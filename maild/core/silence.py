"""Old mail that is brought in: what it says is kept, but nobody is written to, and no clock starts."""

from dataclasses import replace
from datetime import datetime

from maild.core.effects import Decision, Effect, Event, OverBudget, Record, Send, SetStatus, Way
from maild.core.ticket import Status


def silenced(decision: Decision, now: datetime) -> Decision:
    """The same decision without letters. It was taken at the mail's own moment, `now` is today.

    A round that would be over by now is over at once, and silence solves nothing: nobody was told of either.
    """
    effects = tuple(
        replace(effect, auto_solve_at=None) if isinstance(effect, SetStatus) else effect
        for effect in decision.effects
        if not isinstance(effect, Send | OverBudget)
    )
    return replace(decision, effects=(*effects, *_closing(effects, now)))


def _closing(effects: tuple[Effect, ...], now: datetime) -> tuple[Effect, ...]:
    over = [
        effect.ticket
        for effect in effects
        if isinstance(effect, SetStatus) and effect.reopen_until is not None and effect.reopen_until <= now
    ]
    return tuple(
        closing
        for ticket in over
        for closing in (
            SetStatus(ticket, Status.CLOSED),
            Record(ticket, Event.CLOSED, "maild", "job", Way.JOB),
        )
    )
