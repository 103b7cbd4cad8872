"""Mails at the door go before those that are to be understood, but not for ever."""

import asyncio
import time

from maild.desk.rush import Rush


def seconds_past(rush: Rush) -> float:
    """How long one waits for the rush to pass by."""
    started = time.monotonic()
    asyncio.run(rush.pass_by())
    return time.monotonic() - started


def rush_of(mails: int, octets: int) -> Rush:
    rush = Rush()
    for _ in range(mails):
        rush.note(octets)
    return rush


def test_a_few_mails_are_understood_at_once() -> None:
    assert seconds_past(rush_of(10, 4096)) < 0.1


def test_a_rush_is_waited_for_until_it_is_over() -> None:
    assert 0.1 < seconds_past(rush_of(60, 4096)) < 0.9
    assert 0.1 < seconds_past(rush_of(4, 2**20)) < 0.9


def test_a_rush_without_end_is_not_waited_for() -> None:
    assert 1.0 <= seconds_past(rush_of(100_000, 4096)) < 2.0
