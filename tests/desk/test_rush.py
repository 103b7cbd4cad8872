"""Mails at the door go before those that are to be understood, but not for ever."""

import asyncio
from contextlib import ExitStack

import pytest

from maild.desk import rush as module
from maild.desk.rush import Rush


class Clock:
    """Stands for `time` and `asyncio` in there: it goes on only while somebody sleeps."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


CLOCK = Clock()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("time", "asyncio"):
        monkeypatch.setattr(module, name, CLOCK)


def seconds_past(rush: Rush) -> float:
    """How long one waits for the rush to pass by."""
    started = CLOCK.seconds
    asyncio.run(rush.pass_by())
    return CLOCK.seconds - started


def rush_of(mails: int, octets: int) -> Rush:
    rush = Rush()
    for _ in range(mails):
        rush.note(octets)
    return rush


def test_a_few_mails_are_understood_at_once() -> None:
    assert seconds_past(rush_of(10, 4096)) < 0.1


def test_a_rush_is_waited_for_until_it_is_over() -> None:
    assert 0.1 < seconds_past(rush_of(60, 4096)) < 1
    assert 0.1 < seconds_past(rush_of(4, 2**20)) < 1


def test_a_rush_without_end_is_not_waited_for() -> None:
    assert 2.0 <= seconds_past(rush_of(1, 2**50)) < 3


def test_the_less_comes_in_the_sooner_work_goes_on() -> None:
    """9 mails are forgotten to 8 within 20 ms, before the patience for so few is at its end."""
    assert seconds_past(rush_of(9, 0)) < seconds_past(rush_of(1000, 0))


def test_few_mails_that_wait_for_each_other_are_a_rush_too() -> None:
    rush = Rush()
    with ExitStack() as waiting:
        for _ in range(10):
            waiting.enter_context(rush.taking(4096))
    assert seconds_past(rush) > 0.1
    assert seconds_past(rush_of(10, 4096)) < 0.1
