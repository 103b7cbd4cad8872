"""The life of a ticket: SPEC section 7, cell by cell, and what must hold on every walk through it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.ticket import (
    TRANSITIONS,
    Happening,
    Outcome,
    Status,
    Verdict,
    advance,
    deadline_after,
    is_past_deadline,
)
from tests.values import NOW, WINDOW

TICK = timedelta(microseconds=1)
DEADLINE = NOW + WINDOW

# The table of SPEC section 7 as it stands there, one line a row; `+` is confirmed. agent_waits is a move to
# Pending (section 8), agent_closes is #spam and #merge.
COLUMNS = tuple(Happening)
TABLE = """
incomplete|new|incomplete|pending|solved round|new|pending|closed|new|solved+ round|incomplete|-
new|new|new|pending|solved round|open|pending|closed|new|solved+ round|new|-
open|open|open|pending|solved round|open|pending|closed|open|solved+ round|open|-
pending|open|pending|pending|solved round|open|pending|closed|pending|solved+ round|open|solved round
solved|open again|solved|solved round|solved round|open again|pending again|closed|solved|solved+|open again|-
closed|follow_up|recorded|follow_up|refused|refused|refused|refused|refused|refused|refused|-
"""
CELLS = [
    (Status(row.split("|")[0].strip()), happening, cell.strip())
    for row in TABLE.strip().splitlines()
    for happening, cell in zip(COLUMNS, row.split("|")[1:], strict=True)
]


def read(cell: str) -> Outcome:
    if cell in ("follow_up", "recorded", "refused"):
        return Outcome(Verdict(cell), Status.CLOSED)
    status, *marks = cell.replace("+", " confirmed").split()
    return Outcome(
        Verdict.DONE,
        Status(status),
        starts_round="round" in marks,
        reopens="again" in marks,
        confirms="confirmed" in marks,
    )


def test_the_table_here_has_every_cell() -> None:
    assert len(CELLS) == len(Status) * len(Happening)
    assert {(status, happening) for status, happening, cell in CELLS if cell != "-"} == set(TRANSITIONS)


@pytest.mark.parametrize(("status", "happening", "cell"), CELLS)
def test_every_cell_of_the_table(status: Status, happening: Happening, cell: str) -> None:
    until = DEADLINE if status is Status.SOLVED else None
    if cell == "-":
        with pytest.raises(ValueError, match="deadline"):
            advance(status, until, happening, NOW)
    else:
        assert advance(status, until, happening, NOW) == read(cell)


def test_an_incomplete_ticket_stays_incomplete_until_it_has_its_fields() -> None:
    outcome = advance(Status.INCOMPLETE, None, Happening.CUSTOMER_WRITES, NOW, is_complete=False)
    assert outcome == Outcome(Verdict.DONE, Status.INCOMPLETE)


@pytest.mark.parametrize("status", Status)
def test_a_move_to_a_topic_that_wants_more_makes_a_ticket_incomplete_while_it_is_worked_on(status: Status) -> None:
    outcome = advance(status, DEADLINE, Happening.MOVED, NOW - TICK, is_complete=False)
    is_worked_on = status not in (Status.SOLVED, Status.CLOSED)
    assert outcome.status is (Status.INCOMPLETE if is_worked_on else status)


@pytest.mark.parametrize("happening", [each for each in Happening if each is not Happening.DEADLINE])
def test_one_microsecond_before_the_deadline_a_ticket_is_solved_and_at_it_closed(happening: Happening) -> None:
    before = advance(Status.SOLVED, DEADLINE, happening, DEADLINE - TICK)
    assert before == TRANSITIONS[Status.SOLVED, happening]
    at = advance(Status.SOLVED, DEADLINE, happening, DEADLINE)
    assert at == TRANSITIONS[Status.CLOSED, happening]


def test_the_job_closes_at_the_deadline_and_not_a_microsecond_earlier() -> None:
    with pytest.raises(ValueError, match="not reached"):
        advance(Status.SOLVED, DEADLINE, Happening.DEADLINE, DEADLINE - TICK)
    assert advance(Status.SOLVED, DEADLINE, Happening.DEADLINE, DEADLINE).status is Status.CLOSED


def test_a_ticket_of_another_status_has_no_deadline() -> None:
    assert not any(is_past_deadline(status, NOW, NOW + WINDOW) for status in set(Status) - {Status.SOLVED})
    assert not is_past_deadline(Status.SOLVED, None, NOW)
    assert deadline_after(NOW, WINDOW) == DEADLINE


@dataclass(frozen=True)
class Walk:
    """A ticket on its way, as the store keeps it."""

    status: Status = Status.NEW
    reopen_until: datetime | None = None
    confirmed: bool = False

    def step(self, happening: Happening, moment: datetime) -> "Walk":
        try:
            outcome = advance(self.status, self.reopen_until, happening, moment)
        except ValueError:
            return self
        if outcome.verdict is not Verdict.DONE:
            return self
        until = deadline_after(moment, WINDOW) if outcome.starts_round else self.reopen_until
        return Walk(outcome.status, until, outcome.confirms or (self.confirmed and not outcome.starts_round))


# Whatever happens by itself; that support closes a ticket at once is another matter.
USUAL = [happening for happening in Happening if happening is not Happening.AGENT_CLOSES]
STEPS = st.lists(st.tuples(st.sampled_from(USUAL), st.timedeltas(timedelta(0), timedelta(hours=50))), max_size=40)


@given(STEPS)
def test_on_every_walk_closed_is_final_and_comes_exactly_with_the_deadline(
    steps: list[tuple[Happening, timedelta]],
) -> None:
    ticket, moment = Walk(), NOW
    for happening, pause in steps:
        moment += pause
        before, ticket = ticket, ticket.step(happening, moment)
        if before.status is Status.CLOSED:
            assert ticket == before
        elif ticket.status is Status.CLOSED:
            assert before.status is Status.SOLVED
            assert before.reopen_until is not None
            assert moment >= before.reopen_until
            assert happening is Happening.DEADLINE
        if is_past_deadline(before.status, before.reopen_until, moment):
            assert ticket.status in (Status.SOLVED, Status.CLOSED)
            assert ticket.reopen_until == before.reopen_until


@given(STEPS)
def test_on_every_walk_a_solving_starts_a_round_and_confirming_moves_nothing(
    steps: list[tuple[Happening, timedelta]],
) -> None:
    ticket, moment = Walk(), NOW
    for happening, pause in steps:
        moment += pause
        before, ticket = ticket, ticket.step(happening, moment)
        if before.status is not Status.SOLVED and ticket.status is Status.SOLVED:
            assert ticket.reopen_until == moment + WINDOW
        if before.status is Status.SOLVED and happening is Happening.CUSTOMER_CONFIRMS:
            assert ticket.reopen_until == before.reopen_until
        if (
            before.status is Status.SOLVED
            and happening in (Happening.AGENT_ANSWERS, Happening.AGENT_SOLVES)
            and not is_past_deadline(before.status, before.reopen_until, moment)
        ):
            assert ticket == Walk(Status.SOLVED, moment + WINDOW, confirmed=False)


@pytest.mark.parametrize(
    ("happening", "status"),
    [
        (Happening.CUSTOMER_WRITES, Status.OPEN),
        (Happening.CUSTOMER_CONTINUES, Status.OPEN),
        (Happening.COURTESY, Status.CLOSED),
        (Happening.CUSTOMER_CONFIRMS, Status.CLOSED),
        (Happening.AGENT_SOLVES, Status.SOLVED),
    ],
)
def test_a_mail_that_was_on_time_counts_though_the_job_was_quicker(happening: Happening, status: Status) -> None:
    until = NOW + WINDOW
    outcome = advance(Status.CLOSED, until, happening, until - timedelta(microseconds=1))
    assert (outcome.verdict, outcome.status) == (Verdict.DONE, status)
    assert advance(Status.CLOSED, until, happening, until).verdict is not Verdict.DONE
