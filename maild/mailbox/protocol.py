"""What maild asks of a mailbox on a server, in its own words: whichever library answers, the rest sees only this.

Folder names are plain text, Message-IDs stand without angle brackets, UIDs belong to the folder that is selected.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from maild.core.errors import Transient, Unreachable

BATCH = 200  # messages that one command names


class ConnectionLost(Unreachable):
    """The connection is gone, or was given up because nothing came any more: go on with a new one."""


class LoginRefused(Unreachable):
    """The server knows neither this name nor this password or token."""


class ServerRefused(Transient):
    """The server answered NO or BAD; the connection is as good as before.

    `code` is its response code in upper case (RFC 5530: `NONEXISTENT`, `OVERQUOTA`, …), "" without one.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """What lies in a folder under a UID. `flags` keep their case; `size` is in octets, as the server counts them."""

    uid: int
    flags: frozenset[str]
    internaldate: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Selected:
    """A folder as it was when it was selected. UIDs mean something only together with `uidvalidity`.

    `uidnext` is 0 where the server does not tell (RFC 3501 §6.3.1 lets it).
    """

    uidvalidity: int
    uidnext: int
    exists: int


@dataclass(frozen=True, slots=True)
class Folder:
    r"""A folder there is. `uses` are its special uses (RFC 6154), as `\Sent`; `delimiter` is "" for a flat mailbox."""

    name: str
    delimiter: str
    uses: frozenset[str]
    is_selectable: bool


class Mailbox(Protocol):
    """A connection that has logged in. One question at a time; a second one waits.

    Everything raises ConnectionLost when the connection is gone, and ServerRefused when the server says no. A question
    that is cancelled, or not answered in time, ends the connection: nobody could tell later answers apart.
    """

    async def select(self, folder: str, *, read_only: bool = False) -> Selected:
        """Go to a folder; all that speaks of UIDs speaks of this one from now on."""

    async def uids(self, first: int = 1) -> list[int]:
        """The UIDs from `first` on, ascending."""

    async def uids_with(self, message_id: str) -> list[int]:
        """The UIDs of messages with that Message-ID, ascending; not every server looks for the whole of it."""

    async def messages(self, uids: Iterable[int]) -> list[Message]:
        """Those of them that are there, ascending, without their text."""

    async def headers(self, uids: Iterable[int]) -> dict[int, bytes]:
        """The header sections of those of them that are there."""

    async def fetch(self, uid: int) -> bytes | None:
        r"""A whole message, None if it is not there any more. Leaves \Seen as it is."""

    async def bodies(self, uids: Iterable[int]) -> dict[int, bytes]:
        """Whole messages, those of them that are there."""

    async def beginning(self, uid: int, octets: int) -> bytes | None:
        """The first octets of a message, its header section alone if the server gives no more; None if it is gone."""

    async def append(
        self, folder: str, message: bytes, flags: Sequence[str] = (), received_at: datetime | None = None
    ) -> int | None:
        """Put a message into a folder; its UID there if the server tells (RFC 4315)."""

    async def move(self, uids: Iterable[int], folder: str) -> dict[int, int] | None:
        """Move messages into another folder: old to new UIDs, None if the server does not tell.

        Those that are not there any more are passed over.
        """

    async def remove(self, uids: list[int]) -> None:
        """Delete messages for good, and no others."""

    async def store(self, uids: Iterable[int], flags: Sequence[str], *, is_set: bool = True) -> None:
        """Set or clear flags and keywords."""

    async def folders(self) -> list[Folder]:
        """All folders."""

    async def create(self, folder: str) -> None:
        """Make a folder and subscribe to it; one that is there already is only subscribed to."""

    async def idle(self, seconds: float) -> bool:
        """Wait until something changes in the selected folder, at most so long; whether something has.

        What changed since the last look at its UIDs counts too. Servers without IDLE (RFC 2177) are asked often.
        """

    async def noop(self) -> None:
        """Does the server still answer?"""

    async def logout(self) -> None:
        """Take leave and hang up; a server that is gone does not matter."""

    def close(self) -> None:
        """Hang up at once."""
