"""A relay that is down is left alone for a while, then asked with one letter. Pure: `now` is seconds of any clock."""

_SHORTEST, _LONGEST = 5.0, 60.0  # seconds


class Breaker:
    """Stands between the queue and one relay. Closed while the relay answers, open after it did not."""

    def __init__(self) -> None:
        self._pause = 0.0  # how long the current pause is; 0 = closed
        self._until = 0.0

    def room(self, free: int, in_hand: int, now: float) -> int:
        """How many letters may leave now, with so many workers free and so many letters already in hand."""
        if self._pause == 0:
            return free
        return min(free, 1) if now >= self._until and in_hand == 0 else 0

    def left(self, now: float) -> float:
        """Seconds until the pause is over."""
        return max(self._until - now, 0.0) if self._pause else 0.0

    def answered(self) -> bool:
        """The relay spoke with us; True if that ends a pause."""
        was_open, self._pause = self._pause > 0, 0.0
        return was_open

    def failed(self, now: float) -> bool:
        """The relay did not speak with us; True if that begins a pause, twice as long as the one before.

        A letter that left before the current pause began says nothing new.
        """
        if self.left(now) > 0:
            return False
        self._pause = min(max(self._pause * 2, _SHORTEST), _LONGEST)
        self._until = now + self._pause
        return True
