"""What time does: a solved ticket is closed at its deadline, and everybody is told."""

from datetime import timedelta

import pytest

from maild.core.deadlines import decide_close
from maild.core.effects import Event, Reason, Record, SetStatus, Way
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
