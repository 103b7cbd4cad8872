"""Action links: what they may do is judged from the ticket at that moment, never from their age (SPEC section 10)."""

from datetime import timedelta
from typing import Any

import pytest

from maild.core.clicks import Possible, decide_click, other, possible
from maild.core.effects import Confirm, Decision, Event, Reason, Record, SetStatus, Way
from maild.core.facts import Facts, TicketFacts
from maild.core.letter import Letter
from maild.core.ticket import Status
from maild.core.tokens import Action, Claim
from tests.values import BILLING_TEAM, IVAN, NOW, OLGA, WINDOW, letters_to, make_policy, make_ticket, solved

PAST = Possible(is_past=True, may_act=False, may_other=False)
LATER = NOW + timedelta(hours=1)


def claim(action: Action) -> Claim:
    return Claim(7, IVAN.address, action)


def click(action: Action, ticket: TicketFacts, hours: float = 1) -> Decision:
    return decide_click(claim(action), ticket, Facts(), make_policy(), NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("ticket", "action", "expected"),
    [
        (make_ticket(status=Status.PENDING), Action.SOLVED, Possible(False, True, True)),
        (make_ticket(status=Status.PENDING), Action.CONTINUE, Possible(False, True, True)),
        (make_ticket(status=Status.OPEN), Action.SOLVED, Possible(False, True, False)),
        (make_ticket(status=Status.OPEN), Action.CONTINUE, Possible(False, False, True)),
        (solved(), Action.SOLVED, Possible(False, True, True)),
        (solved(), Action.CONTINUE, Possible(False, True, True)),
        (solved(confirmed_at=NOW), Action.SOLVED, Possible(False, False, True)),
        (solved(confirmed_at=NOW), Action.CONTINUE, Possible(False, True, False)),
        (solved(reopen_until=LATER), Action.CONTINUE, PAST),
        (solved(reopen_until=LATER), Action.SOLVED, PAST),
        (make_ticket(status=Status.CLOSED), Action.CONTINUE, PAST),
    ],
)
def test_what_a_link_can_do_now(ticket: TicketFacts, action: Action, expected: Possible) -> None:
    assert possible(claim(action), ticket, LATER) == expected


def test_confirming_a_solved_ticket_moves_nothing() -> None:
    decision = click(Action.SOLVED, solved())
    assert decision.effects == (Confirm(7, LATER), Record(7, Event.CONFIRMED, IVAN.address, "http", Way.LINK))


def test_confirming_a_pending_ticket_starts_a_round_and_tells_everybody_until_when() -> None:
    ticket = make_ticket(status=Status.PENDING, participants=(IVAN, OLGA))
    decision = click(Action.SOLVED, ticket)
    assert SetStatus(7, Status.SOLVED, solved_at=LATER, reopen_until=LATER + WINDOW) in decision.effects
    assert letters_to(decision) == [(Letter.SOLVED, IVAN.address), (Letter.SOLVED, OLGA.address)]


def test_continuing_a_solved_ticket_opens_it_and_tells_the_team_even_after_it_was_confirmed() -> None:
    for ticket in (solved(), solved(confirmed_at=NOW)):
        decision = click(Action.CONTINUE, ticket)
        assert decision.effects[:2] == (
            SetStatus(7, Status.OPEN),
            Record(7, Event.REOPENED, IVAN.address, "http", Way.LINK),
        )
        assert letters_to(decision) == [(Letter.REOPENED, BILLING_TEAM)]


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("change", [{}, {"status": Status.CLOSED}])
def test_at_the_deadline_and_after_it_nothing_can_be_done(action: Action, change: dict[str, Any]) -> None:
    assert click(action, solved(**change), hours=48) == Decision(Reason.ACTION_REFUSED, (), 7)


def test_one_microsecond_before_the_deadline_it_still_can() -> None:
    just_before = NOW + WINDOW - timedelta(microseconds=1)
    decision = decide_click(claim(Action.CONTINUE), solved(), Facts(), make_policy(), just_before)
    assert decision.reason is Reason.CLICKED


@pytest.mark.parametrize(
    ("action", "ticket"),
    [
        (Action.SOLVED, solved(confirmed_at=NOW)),
        (Action.CONTINUE, make_ticket(status=Status.OPEN)),
        (Action.CONTINUE, make_ticket(status=Status.NEW)),
    ],
)
def test_what_is_done_already_is_not_done_again(action: Action, ticket: TicketFacts) -> None:
    assert click(action, ticket) == Decision(Reason.ALREADY_KNOWN, (), 7)


def test_each_action_is_the_other_of_the_other() -> None:
    assert [other(other(action)) for action in Action] == list(Action)
