"""What time does: silence solves, a deadline that is near is told, a solved ticket is closed at it."""

from datetime import timedelta

import pytest

from maild.core.deadlines import decide_auto_solve, decide_close, decide_remind, is_reminder_of_use
from maild.core.effects import Event, Reason, Record, Reminded, SetStatus, Way
from maild.core.facts import Facts
from maild.core.ticket import Status
from tests.values import IVAN, NOW, OLGA, WINDOW, letters_to, make_policy, make_ticket, solved


def test_closing_writes_it_down_and_tells_every_participant() -> None:
    decision = decide_close(solved(participants=(IVAN, OLGA)), Facts(), make_policy(), NOW + WINDOW)
    assert decision.reason is Reason.DEADLINE_REACHED
    assert decision.effects[:2] == (
        SetStatus(7, Status.CLOSED),
        Record(7, Event.CLOSED, "maild", "job", Way.JOB),
    )
    assert letters_to(decision) == [("closed", IVAN.address), ("closed", OLGA.address)]


def test_each_is_told_in_the_language_he_has_chosen() -> None:
    facts = Facts(languages={OLGA.address: "en"})
    decision = decide_close(solved(participants=(IVAN, OLGA)), facts, make_policy(), NOW + WINDOW)
    assert [getattr(effect, "language", "") for effect in decision.effects[2:]] == ["ru", "en"]


def test_nothing_is_closed_before_its_deadline() -> None:
    early = NOW + WINDOW - timedelta(microseconds=1)
    with pytest.raises(ValueError, match="not reached"):
        decide_close(solved(), Facts(), make_policy(), early)
    with pytest.raises(ValueError, match="no deadline"):
        decide_close(make_ticket(), Facts(), make_policy(), NOW)


def test_silence_solves_a_pending_ticket_and_begins_a_round() -> None:
    pending = make_ticket(status=Status.PENDING, participants=(IVAN, OLGA))
    decision = decide_auto_solve(pending, Facts(), make_policy(), NOW)
    assert decision.reason is Reason.CUSTOMER_SILENT
    assert decision.effects[:2] == (
        SetStatus(7, Status.SOLVED, solved_at=NOW, reopen_until=NOW + WINDOW),
        Record(7, Event.SOLVED, "maild", "job", Way.JOB),
    )
    assert letters_to(decision) == [("solved", IVAN.address), ("solved", OLGA.address)]
    with pytest.raises(ValueError, match="no deadline"):
        decide_auto_solve(make_ticket(), Facts(), make_policy(), NOW)


def test_a_reminder_is_written_down_and_goes_to_every_participant() -> None:
    decision = decide_remind(solved(participants=(IVAN, OLGA)), Facts(), make_policy(), NOW)
    assert decision.effects[:2] == (Reminded(7, NOW), Record(7, Event.REMINDED, "maild", "job", Way.JOB))
    assert letters_to(decision) == [("reminder", IVAN.address), ("reminder", OLGA.address)]


@pytest.mark.parametrize(("hours", "is_of_use"), [(0, False), (6, True), (48, False), (72, False)])
def test_a_reminder_needs_a_moment_between_solving_and_deadline(hours: int, is_of_use: bool) -> None:
    assert is_reminder_of_use(make_policy(remind_before=timedelta(hours=hours))) is is_of_use
