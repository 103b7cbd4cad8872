"""A relay that is down is not hammered, and one that is back is used at once."""

from hypothesis import given
from hypothesis import strategies as st

from maild.mailout.breaker import Breaker


def test_while_the_relay_answers_every_free_worker_may_work() -> None:
    breaker = Breaker()
    assert breaker.room(4, 0, 0) == 4
    assert not breaker.answered()
    assert breaker.room(3, 1, 0) == 3
    assert breaker.room(0, 4, 0) == 0


def test_after_a_failure_nothing_leaves_for_five_seconds_and_then_one_letter() -> None:
    breaker = Breaker()
    assert breaker.failed(100)
    assert breaker.room(4, 0, 104.9) == 0
    assert breaker.left(101) == 4
    assert breaker.room(4, 0, 105) == 1
    assert breaker.room(3, 1, 105) == 0, "one letter on trial is enough"


def test_letters_that_left_before_the_pause_do_not_lengthen_it() -> None:
    breaker = Breaker()
    assert breaker.failed(100)
    assert not breaker.failed(100.1)
    assert not breaker.failed(104)
    assert breaker.room(4, 0, 105) == 1


def test_the_pauses_double_up_to_a_minute() -> None:
    breaker, now, pauses = Breaker(), 0.0, []
    for _ in range(6):
        breaker.failed(now)
        pauses.append(breaker.left(now))
        now += pauses[-1]
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_an_answer_ends_the_pause_and_forgets_it() -> None:
    breaker = Breaker()
    breaker.failed(0)
    breaker.failed(5)
    assert breaker.answered()
    assert breaker.room(4, 2, 5) == 4
    assert breaker.left(5) == 0
    breaker.failed(6)
    assert breaker.left(6) == 5


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30)), max_size=60), st.integers(0, 8), st.integers(0, 8))
def test_whatever_happens_there_is_never_more_room_than_free_workers(
    story: list[tuple[bool, float]], free: int, in_hand: int
) -> None:
    breaker, now = Breaker(), 0.0
    for is_answered, seconds in story:
        now += seconds
        if is_answered:
            breaker.answered()
        else:
            breaker.failed(now)
        assert 0 <= breaker.room(free, in_hand, now) <= free
        assert breaker.room(free, 0, now + 60) == (free if breaker.left(now) == 0 else min(free, 1))
