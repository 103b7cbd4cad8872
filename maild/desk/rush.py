"""Mails that come in thick and fast go before those that are to be understood: it is servers that wait at the door.

Both share the processor, and understanding a mail takes ten times as long as taking it.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

_HALF = 0.1  # seconds in which half of it is forgotten
_RUSH = 8.0  # about 55 small mails a second, which is more than can be understood in that time
_UNIT = 65_536  # octets that are as much work as one more mail
_STEP = 0.02  # seconds
_PATIENCE = 0.005  # seconds for each mail that has come in lately: the work behind the door gets some time of its own
_MOST = 2.0  # seconds


class Rush:
    """How much has come in lately."""

    def __init__(self) -> None:
        self._level = 0.0
        self._noted = 0.0
        self._waiting = 0

    @contextmanager
    def taking(self, octets: int) -> Iterator[None]:
        """While a mail of that size is made durable.

        Those that wait together count more: on a slow machine few come in because each of them waits for long.
        """
        self._waiting += 1
        try:
            yield
        finally:
            self.note(octets)
            self._waiting -= 1

    def note(self, octets: int) -> None:
        """A mail of that size has come in."""
        now = time.monotonic()
        self._level = self._level_at(now) + max(1, self._waiting) + octets / _UNIT
        self._noted = now

    async def pass_by(self) -> None:
        """Before each piece of work: let those go first that are at the door now.

        Never for long: without an end to the rush, work goes on too, the slower the more comes in.
        """
        now = time.monotonic()
        level = self._level_at(now)
        end = now + min(level * _PATIENCE, _MOST)
        while level > _RUSH and now < end:
            await asyncio.sleep(_STEP)
            now = time.monotonic()
            level = self._level_at(now)

    def _level_at(self, now: float) -> float:
        forgotten: float = 0.5 ** ((now - self._noted) / _HALF)
        return self._level * forgotten
