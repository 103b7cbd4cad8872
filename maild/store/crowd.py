"""What is asked of the database on one event loop at about the same time goes to the writer together.

One commit serves all of it, which costs the machine hardly more than a commit for one. Knows nothing of what is asked.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_PATIENCE = 0.005  # seconds


class Crowd(Generic[T]):
    """Those who have asked and those who are about to. `hand_over` takes what each of them wants."""

    def __init__(self, loop: asyncio.AbstractEventLoop, hand_over: Callable[[T], None]) -> None:
        self.loop = loop
        self._hand_over = hand_over
        self._wishes: list[T] = []
        self._coming: set[object] = set()
        self._alarm: asyncio.TimerHandle | None = None

    def add(self, wish: T) -> None:
        """To be handed over at the end of this turn of the loop, or as soon as nobody is waited for."""
        self._wishes.append(wish)
        if len(self._wishes) == 1:
            self.loop.call_soon(self._look)

    def expect(self, who: object) -> None:
        """He will ask in a moment. Who is late once is not waited for again until he is announced anew."""
        self._coming.add(who)

    def forget(self, who: object) -> None:
        """He asks in this turn of the loop, or not at all."""
        self._coming.discard(who)
        if self._alarm is not None and not self._coming:
            self.loop.call_soon(self._look)

    def _look(self) -> None:
        if not self._coming:
            self._go()
        elif self._alarm is None and self._wishes:
            self._alarm = self.loop.call_later(_PATIENCE, self._go)

    def _go(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._coming.clear()
        wishes, self._wishes = self._wishes, []
        for wish in wishes:
            self._hand_over(wish)
