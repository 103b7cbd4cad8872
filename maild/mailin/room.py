"""How much more mail we can take at the moment: octets in memory and free disk. Knows nothing of protocols."""

import shutil
from pathlib import Path

from maild.core.errors import DiskLow, TooBig
from maild.mailin.replies import Crowded


class Room:
    """The octets that all mails on their way in may take up together. A single one may have `max_size`."""

    def __init__(self, max_size: int, max_in_flight: int, disk: Path) -> None:
        self.max_size = max_size
        self._left = max_in_flight
        self._disk = disk

    def check(self, size: int) -> None:
        """May a mail of that size (0 = not said) begin now? Raises DiskLow or Crowded if it should come back later."""
        if self._is_low():
            raise DiskLow("no disk space for another mail, please try again later")
        if size > self._left:
            raise Crowded("too much mail at once, please try again later")

    def share(self) -> "Share":
        """The part of one mail, still empty."""
        return Share(self)

    def take(self, octets: int) -> None:
        """Count octets in (negative: out). Raises Crowded if there is no room for them."""
        if octets > self._left:
            raise Crowded("too much mail at once, please try again later")
        self._left -= octets

    def _is_low(self) -> bool:
        """Looked up each time, for some microseconds: what is left of a small disk fills up in a second."""
        return shutil.disk_usage(self._disk).free < 3 * self.max_size


class Share:
    """What one mail takes up, until it is released."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._octets = 0

    def take(self, octets: int) -> None:
        """Count more octets of this mail. Raises TooBig or Crowded; they are not counted then."""
        if self._octets + octets > self._room.max_size:
            raise TooBig(f"more than {self._room.max_size} octets are not taken here")
        self._room.take(octets)
        self._octets += octets

    def release(self) -> None:
        """Give everything back. Twice does no harm."""
        self._room.take(-self._octets)
        self._octets = 0
