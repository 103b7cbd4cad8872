"""When a letter that did not go out is tried again (RFC 5321 §4.5.4.1). Pure: no clock, no randomness."""

from datetime import timedelta

_SHORTEST = timedelta(minutes=1)
_LONGEST = timedelta(hours=1)
GIVE_UP = timedelta(days=5)
_DOUBLINGS = 6  # one minute, doubled so often, is more than the longest


def next_attempt(attempts: int, age: timedelta) -> timedelta | None:
    """How long to wait after a failed attempt: 1 min doubling to 1 h; None = give up, the letter is older than 5 days.

    `attempts` were made before the one that has just failed. `age` is the time since the letter was queued.
    """
    if age > GIVE_UP:
        return None
    return min(_SHORTEST * (1 << min(attempts, _DOUBLINGS)), _LONGEST)


def longest_waits() -> tuple[timedelta, ...]:
    """How long a letter waits at most after 0, 1, 2 … failed attempts; the last one is for all further ones."""
    return (timedelta(0), *(min(_SHORTEST * (1 << doublings), _LONGEST) for doublings in range(_DOUBLINGS + 1)))
