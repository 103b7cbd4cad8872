"""An open door: who may come in and how many at once, the way into the ledger, and how to close it.

What SMTP and LMTP share beyond their language; it knows no command of either.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from maild.core.errors import MaildError, StoreBusy
from maild.core.mail import Door, Envelope
from maild.core.policy import Network
from maild.core.trust import is_in
from maild.desk.accept import accept
from maild.desk.desk import Desk
from maild.mailin import replies
from maild.mailin.access import Access
from maild.mailin.room import Room, Share
from maild.mailin.verify import Verifier

log = logging.getLogger(__name__)

_BACKLOG = 512
_GRACE = 5.0  # seconds that mails in progress have at the end: all of maild stops in less than 10
_LAST_TICKS = 0.5  # seconds a connection gets to be gone


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """How a door behaves. Sizes are in octets, times in seconds; `disk` is a path on the disk that must not fill up."""

    hostname: str
    max_size: int
    disk: Path
    trusted_peers: tuple[Network, ...] = ()
    max_connections: int = 500
    max_per_address: int = 20
    max_recipients: int = 100
    max_commands: int = 100  # in a row without a mail
    max_in_flight: int = 512 * 2**20
    greeting_pause: float = 0.05  # those who blindly send everything at once have done so by then
    first_command_time: float = 10
    command_time: float = 60
    mail_time: float = 600
    commit_time: float = 30
    access: Access = field(default_factory=Access)
    failure_pause: float = 1.0  # before a wrong password is called wrong
    max_failures: int = 3  # of one connection
    verifier: Verifier | None = None  # checks senders, where no border host in front does
    reads_by_line: bool = False  # the slow way, without private parts of asyncio


class Connection(Protocol):
    """What a door needs to know of a client's connection."""

    peer: str
    is_trusted: bool
    is_local: bool

    @property
    def is_idle(self) -> bool:
        """Is no mail in progress?"""

    @property
    def is_stalling(self) -> bool:
        """Is a mail in progress, but hardly so?"""

    def hang_up(self, reply: str) -> None:
        """Say a last word and close."""

    def abort(self) -> None:
        """Close at once."""


class OpenDoor:
    """A door with its listeners and the clients that came in by it."""

    def __init__(self, desk: Desk, settings: DoorSettings, kind: Door) -> None:
        self.desk = desk
        self.settings = settings
        self.kind = kind
        self.is_closing = False
        self.room = Room(settings.max_size, settings.max_in_flight, settings.disk)
        self._servers: list[asyncio.Server] = []
        self._connections: dict[Connection, None] = {}  # in the order they came
        self._commits: set[asyncio.Task[str]] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    async def listen(self, connect: Callable[[], asyncio.Protocol], sockets: Iterable[socket.socket]) -> None:
        """Accept clients on bound sockets, which belong to the door from now on."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            # Also for unix sockets: create_unix_server() of Python 3.13 takes the file away at the end, systemd's too.
            self._servers.append(await loop.create_server(connect, sock=sock, backlog=_BACKLOG))

    @property
    def is_empty(self) -> bool:
        """Is nobody here?"""
        return not self._connections

    def trusts(self, peer: str, *, is_local: bool) -> bool:
        """Do fields that this client wrote on top of a mail count? On a unix socket file permissions say who it is."""
        return is_in(peer, self.settings.trusted_peers) or (is_local and self.kind is Door.LMTP)

    def admit(self, connection: Connection) -> str:
        """Let a client in, or the reply to turn it away with. In a crowd the oldest idle one has to leave."""
        if self.is_closing:
            return replies.CLOSING
        if self._is_crowding(connection):
            return replies.TOO_MANY_OF_YOU
        if len(self._connections) >= self.settings.max_connections:
            oldest = next((each for each in self._connections if each.is_idle), None) or next(
                (each for each in self._connections if each.is_stalling), None
            )
            if oldest is None:
                return replies.CROWDED
            oldest.hang_up(replies.CROWDED)
            self.forget(oldest)
        self._connections[connection] = None
        self._empty.clear()
        return ""

    def _is_crowding(self, connection: Connection) -> bool:
        if connection.is_trusted or connection.is_local:
            return False
        same = sum(each.peer == connection.peer for each in self._connections)
        return same >= self.settings.max_per_address

    def forget(self, connection: Connection) -> None:
        """A client has left. Twice does no harm."""
        self._connections.pop(connection, None)
        self.desk.store.expect_no_more(connection)
        if not self._connections:
            self._empty.set()

    async def commit(self, connection: Connection, raw: bytes, envelope: Envelope, share: Share) -> str:
        """Put a mail into the ledger; the reply to it. Goes on to its end even when the caller is cancelled."""
        task = asyncio.create_task(self._commit(connection, raw, envelope, share))
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)
        return await asyncio.shield(task)

    async def _commit(self, connection: Connection, raw: bytes, envelope: Envelope, share: Share) -> str:
        self.desk.store.expect_no_more(connection)  # here it comes
        try:
            mail = await self._accepted(raw, envelope)
        except Exception as error:  # noqa: BLE001 - the one place where this door's errors become replies
            return self.refuse(error, envelope.peer, len(raw))
        finally:
            share.release()
        log.info("%s: mail %d from %s, %d octets: 250", self.kind, mail, envelope.peer or "local", len(raw))
        return f"250 2.0.0 mail {mail} is in the ledger"

    async def _accepted(self, raw: bytes, envelope: Envelope) -> int:
        """Its place in the ledger. Raises StoreBusy if nobody says so in time: it may get there, and comes again."""
        try:
            async with asyncio.timeout(self.settings.commit_time):
                return await accept(self.desk, raw, envelope)
        except TimeoutError:
            raise StoreBusy("the database does not answer, please try again later") from None

    def refuse(self, error: Exception, peer: str, size: int | None = None) -> str:
        """Write down why something was not taken; the reply to it."""
        reply = replies.reply_for(error)
        what = "a mail" if size is None else f"a mail of {size} octets"
        level = logging.INFO if reply.startswith("5") else logging.WARNING
        if isinstance(error, MaildError):
            log.log(level, "%s: %s from %s: %s", self.kind, what, peer or "local", reply)
        else:  # a mistake of ours
            log.error("%s: %s from %s: %s", self.kind, what, peer or "local", reply, exc_info=error)
        return reply

    async def close(self, grace: float = _GRACE) -> None:
        """Stop listening, send idle clients away, give mails in progress `grace` seconds, then cut what is left.

        Never waits for the servers: asyncio's wait_closed() hangs on Python 3.12 while a client is connected.
        """
        self.is_closing = True
        if self.settings.verifier is not None:
            self.settings.verifier.close()
        for server in self._servers:
            server.close()
        for connection in [each for each in self._connections if each.is_idle]:
            connection.hang_up(replies.CLOSING)
        if not await self._is_empty_within(grace):
            for connection in list(self._connections):
                connection.hang_up(replies.CLOSING)
            if not await self._is_empty_within(_LAST_TICKS):
                for connection in list(self._connections):
                    connection.abort()
                await self._is_empty_within(_LAST_TICKS)

    async def _is_empty_within(self, seconds: float) -> bool:
        """Have all clients left and all commits ended in that time?"""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
                if self._commits:
                    await asyncio.wait(self._commits)
        except TimeoutError:
            return False
        return True
