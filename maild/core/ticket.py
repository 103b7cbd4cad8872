"""The life of a ticket: the only state machine (SPEC section 7).

A ticket is asked about by mail, worked on, answered, solved. Each solving starts a *round*: until `reopen_until` the
customer may say that the problem is not solved, by any way, and the ticket opens again; from that moment on it is
closed, whether or not the job that writes "closed" into the row has run yet. Closed is final: whoever writes then
starts a follow-up ticket. What counts is the moment at which a mail was received, not when it was handled.
`TRANSITIONS` says all of it in one table; `advance` reads the table.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Status(StrEnum):
    """Where a ticket stands."""

    INCOMPLETE = "incomplete"
    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"
    CLOSED = "closed"


class Happening(StrEnum):
    """What can happen to a ticket."""

    CUSTOMER_WRITES = "customer_writes"
    COURTESY = "courtesy"
    AGENT_ANSWERS = "agent_answers"
    AGENT_SOLVES = "agent_solves"
    AGENT_OPENS = "agent_opens"
    AGENT_WAITS = "agent_waits"  # support says that it is the customer's turn
    AGENT_CLOSES = "agent_closes"  # merged into another ticket, or spam
    MOVED = "moved"  # to another topic, which may ask for other fields
    CUSTOMER_CONFIRMS = "customer_confirms"
    CUSTOMER_CONTINUES = "customer_continues"
    DEADLINE = "deadline"


class Verdict(StrEnum):
    """What becomes of a happening."""

    DONE = "done"
    RECORDED = "recorded"
    FOLLOW_UP = "follow_up"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the table says. `starts_round` sets solved_at and reopen_until anew; `reopens` and `confirms` are events."""

    verdict: Verdict
    status: Status
    starts_round: bool = False
    reopens: bool = False
    confirms: bool = False


def _to(status: Status) -> Outcome:
    return Outcome(Verdict.DONE, status)


_SOLVED_NOW = Outcome(Verdict.DONE, Status.SOLVED, starts_round=True)
_REOPENED = Outcome(Verdict.DONE, Status.OPEN, reopens=True)
_CONFIRMED = Outcome(Verdict.DONE, Status.SOLVED, confirms=True)
_SOLVED_BY_CUSTOMER = Outcome(Verdict.DONE, Status.SOLVED, starts_round=True, confirms=True)
_CLOSED_NOW = Outcome(Verdict.DONE, Status.CLOSED)
_FOLLOW_UP = Outcome(Verdict.FOLLOW_UP, Status.CLOSED)
_REFUSED = Outcome(Verdict.REFUSED, Status.CLOSED)

_H, _S = Happening, Status

TRANSITIONS: dict[tuple[Status, Happening], Outcome] = {
    (_S.INCOMPLETE, _H.CUSTOMER_WRITES): _to(_S.INCOMPLETE),  # NEW once nothing is missing: see advance
    (_S.INCOMPLETE, _H.COURTESY): _to(_S.INCOMPLETE),
    (_S.INCOMPLETE, _H.AGENT_ANSWERS): _to(_S.PENDING),
    (_S.INCOMPLETE, _H.AGENT_SOLVES): _SOLVED_NOW,
    (_S.INCOMPLETE, _H.AGENT_OPENS): _to(_S.NEW),
    (_S.INCOMPLETE, _H.MOVED): _to(_S.INCOMPLETE),  # NEW once nothing is missing: see advance
    (_S.INCOMPLETE, _H.AGENT_WAITS): _to(_S.PENDING),
    (_S.INCOMPLETE, _H.CUSTOMER_CONFIRMS): _SOLVED_BY_CUSTOMER,
    (_S.INCOMPLETE, _H.CUSTOMER_CONTINUES): _to(_S.INCOMPLETE),
    (_S.NEW, _H.CUSTOMER_WRITES): _to(_S.NEW),
    (_S.NEW, _H.COURTESY): _to(_S.NEW),
    (_S.NEW, _H.AGENT_ANSWERS): _to(_S.PENDING),
    (_S.NEW, _H.AGENT_SOLVES): _SOLVED_NOW,
    (_S.NEW, _H.AGENT_OPENS): _to(_S.OPEN),
    (_S.NEW, _H.MOVED): _to(_S.NEW),  # INCOMPLETE if something is missing, as the next two
    (_S.NEW, _H.AGENT_WAITS): _to(_S.PENDING),
    (_S.NEW, _H.CUSTOMER_CONFIRMS): _SOLVED_BY_CUSTOMER,
    (_S.NEW, _H.CUSTOMER_CONTINUES): _to(_S.NEW),
    (_S.OPEN, _H.CUSTOMER_WRITES): _to(_S.OPEN),
    (_S.OPEN, _H.COURTESY): _to(_S.OPEN),
    (_S.OPEN, _H.AGENT_ANSWERS): _to(_S.PENDING),
    (_S.OPEN, _H.AGENT_SOLVES): _SOLVED_NOW,
    (_S.OPEN, _H.AGENT_OPENS): _to(_S.OPEN),
    (_S.OPEN, _H.MOVED): _to(_S.OPEN),
    (_S.OPEN, _H.AGENT_WAITS): _to(_S.PENDING),
    (_S.OPEN, _H.CUSTOMER_CONFIRMS): _SOLVED_BY_CUSTOMER,
    (_S.OPEN, _H.CUSTOMER_CONTINUES): _to(_S.OPEN),
    (_S.PENDING, _H.CUSTOMER_WRITES): _to(_S.OPEN),
    (_S.PENDING, _H.COURTESY): _to(_S.PENDING),
    (_S.PENDING, _H.AGENT_ANSWERS): _to(_S.PENDING),
    (_S.PENDING, _H.AGENT_SOLVES): _SOLVED_NOW,
    (_S.PENDING, _H.AGENT_OPENS): _to(_S.OPEN),
    (_S.PENDING, _H.MOVED): _to(_S.PENDING),
    (_S.PENDING, _H.AGENT_WAITS): _to(_S.PENDING),
    (_S.PENDING, _H.CUSTOMER_CONFIRMS): _SOLVED_BY_CUSTOMER,
    (_S.PENDING, _H.CUSTOMER_CONTINUES): _to(_S.OPEN),
    (_S.PENDING, _H.DEADLINE): _SOLVED_NOW,  # desk.auto_solve_after
    (_S.SOLVED, _H.CUSTOMER_WRITES): _REOPENED,
    (_S.SOLVED, _H.COURTESY): _to(_S.SOLVED),
    (_S.SOLVED, _H.AGENT_ANSWERS): _SOLVED_NOW,
    (_S.SOLVED, _H.AGENT_SOLVES): _SOLVED_NOW,
    (_S.SOLVED, _H.AGENT_OPENS): _REOPENED,
    (_S.SOLVED, _H.MOVED): _to(_S.SOLVED),
    (_S.SOLVED, _H.AGENT_WAITS): Outcome(Verdict.DONE, Status.PENDING, reopens=True),
    (_S.SOLVED, _H.CUSTOMER_CONFIRMS): _CONFIRMED,
    (_S.SOLVED, _H.CUSTOMER_CONTINUES): _REOPENED,
    **{(status, _H.AGENT_CLOSES): _CLOSED_NOW for status in Status if status is not _S.CLOSED},
    (_S.CLOSED, _H.CUSTOMER_WRITES): _FOLLOW_UP,
    (_S.CLOSED, _H.COURTESY): Outcome(Verdict.RECORDED, Status.CLOSED),
    (_S.CLOSED, _H.AGENT_ANSWERS): _FOLLOW_UP,
    (_S.CLOSED, _H.AGENT_SOLVES): _REFUSED,
    (_S.CLOSED, _H.AGENT_OPENS): _REFUSED,
    (_S.CLOSED, _H.AGENT_WAITS): _REFUSED,
    (_S.CLOSED, _H.AGENT_CLOSES): _REFUSED,
    (_S.CLOSED, _H.MOVED): _REFUSED,
    (_S.CLOSED, _H.CUSTOMER_CONFIRMS): _REFUSED,
    (_S.CLOSED, _H.CUSTOMER_CONTINUES): _REFUSED,
}


def is_past_deadline(status: Status, reopen_until: datetime | None, moment: datetime) -> bool:
    """Is a solved ticket closed for good at that moment? Exactly at the deadline it is."""
    return status is Status.SOLVED and reopen_until is not None and moment >= reopen_until


def advance(
    status: Status, reopen_until: datetime | None, happening: Happening, moment: datetime, *, is_complete: bool = True
) -> Outcome:
    """What happens to a ticket.

    `moment` is the received moment of the mail, or now for everything that is done at once (UTC).
    `is_complete` says whether the ticket has the required fields of its topic after this mail or move.
    Raises ValueError for a deadline that is not due or that the status does not have.
    """
    if happening is Happening.DEADLINE and status is Status.SOLVED:
        if not is_past_deadline(status, reopen_until, moment):
            raise ValueError("the reopening deadline is not reached")
        return Outcome(Verdict.DONE, Status.CLOSED)
    if is_past_deadline(status, reopen_until, moment):
        status = Status.CLOSED
    if status is Status.CLOSED and reopen_until is not None and moment < reopen_until:
        return _in_time(happening)
    if status is Status.INCOMPLETE and happening in (Happening.CUSTOMER_WRITES, Happening.MOVED) and is_complete:
        return _to(Status.NEW)
    if happening is Happening.MOVED and not is_complete and status in (Status.NEW, Status.OPEN, Status.PENDING):
        return _to(Status.INCOMPLETE)
    outcome = TRANSITIONS.get((status, happening))
    if outcome is None:
        raise ValueError(f"no deadline for a ticket that is {status}")
    return outcome


def _in_time(happening: Happening) -> Outcome:
    """The job was quicker than a mail that was received in time and waited in a queue: the received moment decides.

    The round is still that of the solved ticket; what would leave it solved leaves it closed.
    """
    outcome = TRANSITIONS[Status.SOLVED, happening]
    is_unchanged = outcome.status is Status.SOLVED and not outcome.starts_round
    return replace(outcome, status=Status.CLOSED) if is_unchanged else outcome


def silence_until(answered_at: datetime, patience: timedelta) -> datetime | None:
    """When a ticket answered then counts as solved unless its customer speaks: `desk.auto_solve_after`, 0 is never."""
    return answered_at + patience if patience else None


def sooner_by_thanks(auto_solve_at: datetime, thanked_at: datetime) -> datetime:
    """Thanks and nothing else bring that forward: a day is left to change one's mind (SPEC section 7, note 2)."""
    return min(auto_solve_at, thanked_at + timedelta(hours=24))


def deadline_after(solved_at: datetime, window: timedelta) -> datetime:
    """Until when (exclusive) a ticket solved then can be reopened: `desk.reopen_window`, 48 hours by default."""
    return solved_at + window
