"""What goes wrong again and again, counted for longer than a connection lasts: one message must not stop the others."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta

ATTEMPTS = 3  # at a message; with the pauses in between that is a minute
_PAUSE = timedelta(seconds=20)  # longer each time


class Troubles:
    """Counts what went wrong, by whatever names it. `now` is the clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._known: dict[Hashable, tuple[int, datetime]] = {}

    def is_resting(self, what: Hashable) -> bool:
        """Has it gone wrong so recently that another attempt would tell nothing new?"""
        count, last = self._known.get(what, (0, self._now()))
        return count > 0 and timedelta(0) <= self._now() - last < _PAUSE * count

    def again(self, what: Hashable) -> int:
        """It has gone wrong once more: how often by now. Attempts shortly after one another count as one."""
        count, _ = self._known.get(what, (0, self._now()))
        if not self.is_resting(what):
            count += 1
            self._known[what] = count, self._now()
        return count

    def forget(self, what: Hashable) -> None:
        """It has gone well, or was given up."""
        self._known.pop(what, None)

    def has_failed(self, what: Hashable) -> bool:
        """Did it go wrong the last time?"""
        return what in self._known

    def is_given_up(self, what: Hashable) -> bool:
        """Has it gone wrong often enough? Then it is forgotten. For what ends the connection each time it is tried."""
        if self._known.get(what, (0,))[0] < ATTEMPTS:
            return False
        self.forget(what)
        return True

    def is_hopeless(self, what: Hashable) -> bool:
        """As `again`: has it gone wrong often enough to go on without it?"""
        if self.again(what) < ATTEMPTS:
            return False
        self.forget(what)
        return True
