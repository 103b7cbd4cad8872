"""When a letter is tried again: 1 minute growing to 1 hour, for 5 days."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from maild.core.retry import next_attempt

ATTEMPTS = st.integers(0, 10_000)
YOUNG = st.timedeltas(timedelta(0), timedelta(days=5))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_the_waits_double_from_a_minute_to_an_hour() -> None:
    waits = [next_attempt(attempts, timedelta(0)) for attempts in range(8)]
    assert waits == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 16, 32, 60, 60)]


@given(ATTEMPTS, YOUNG)
def test_a_young_letter_waits_between_a_minute_and_an_hour(attempts: int, age: timedelta) -> None:
    wait = next_attempt(attempts, age)
    assert wait is not None
    assert MINUTE <= wait <= HOUR


@given(ATTEMPTS, ATTEMPTS, YOUNG)
def test_more_attempts_never_mean_a_shorter_wait(one: int, other: int, age: timedelta) -> None:
    first, second = next_attempt(min(one, other), age), next_attempt(max(one, other), age)
    assert first is not None
    assert second is not None
    assert first <= second


@given(ATTEMPTS, st.timedeltas(timedelta(days=5, microseconds=1), timedelta(days=10_000)))
def test_a_letter_older_than_five_days_is_given_up(attempts: int, age: timedelta) -> None:
    assert next_attempt(attempts, age) is None


def test_a_letter_is_tried_more_than_a_hundred_times_before_it_is_given_up() -> None:
    age, attempts = timedelta(0), 0
    while (wait := next_attempt(attempts, age)) is not None:
        age, attempts = age + wait, attempts + 1
    assert 100 < attempts < 150
    assert timedelta(days=5) < age <= timedelta(days=5, hours=1)


@given(ATTEMPTS)
def test_a_clock_set_back_does_not_make_a_letter_old(attempts: int) -> None:
    assert next_attempt(attempts, timedelta(days=-400)) is not None
