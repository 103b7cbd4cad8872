"""Doors for tests: real listeners on loopback or a unix socket, and a client that speaks in bytes."""

import asyncio
import socket
import ssl
import struct
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

from maild.config import load
from maild.core.policy import Policy
from maild.desk.desk import Desk
from maild.mailin.door import DoorSettings, OpenDoor
from maild.mailin.lmtp import listen_lmtp
from maild.mailin.smtp import listen_smtp
from maild.store import ledger
from maild.store.ledger import LedgerRow
from maild.wiring import build_desk
from tests.factory import put_database
from tests.servers import SECRET

LOOPBACK = (ip_network("127.0.0.0/8"),)
MAIL = b"From: ivan@client.example\r\nSubject: hello\r\nMessage-ID: <1@client.example>\r\n\r\nHello.\r\n"
_CONFIG = """\
[desk]
name = "Кактус"
state_dir = "."
[outbound]
relay = "smtp://127.0.0.1:1"
[[category]]
key = "billing"
title = "Счета"
address = "billing@desk.example"
team = ["billing-team@office.example"]
[[category]]
key = "tech"
title = "Техника"
address = "tech@desk.example"
team = ["tech-team@office.example"]
"""
_PATIENCE = 60.0  # seconds


def open_desk(folder: Path) -> Desk:
    """A desk in an empty directory; the caller closes its store."""
    (folder / "secret").write_text(SECRET)
    (folder / "config.toml").write_text(_CONFIG)
    put_database(folder)
    return build_desk(load(folder / "config.toml"))


def policy() -> Policy:
    """The policy of such a desk."""
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(Path(folder))
        desk.store.close()
        return desk.policy


async def until(ask: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask until the answer is yes; fails with `what` after a minute."""
    end = time.monotonic() + _PATIENCE
    while not await ask():
        assert time.monotonic() < end, f"not in time: {what}"
        await asyncio.sleep(0.01)


@dataclass(frozen=True, slots=True)
class Scene:
    """An open door with the desk behind it; `address` is a port on loopback or the path of a unix socket."""

    desk: Desk
    door: OpenDoor
    address: str | int

    async def client(self) -> "Client":
        """Connect; the greeting is still to be read."""
        if isinstance(self.address, str):
            return Client(*await asyncio.open_unix_connection(self.address))
        return Client(*await asyncio.open_connection("127.0.0.1", self.address))

    async def mails(self) -> list[LedgerRow]:
        """The ledger."""
        return await self.desk.store.read(ledger.rows)

    async def arrivals(self) -> list[tuple[Any, ...]]:
        """Peer, trust, sender and recipients of every delivery."""
        return await self.desk.store.read(
            lambda tx: tx.all("SELECT peer, is_trusted_peer, mail_from, rcpt_tos FROM arrivals ORDER BY id")
        )

    async def raw(self, mail: int) -> bytes:
        """A mail of the ledger as it is kept."""
        found = await self.desk.store.read(ledger.raw, mail)
        assert found is not None
        return found


class Client:
    """A client in bytes. Everything waits a minute at most."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def line(self) -> str:
        """The next line without CRLF; "" when the server has closed."""
        async with asyncio.timeout(_PATIENCE):
            try:
                return (await self._reader.readline()).decode().removesuffix("\r\n")
            except ConnectionError:
                return ""

    async def reply(self) -> str:
        """The next reply, its last line."""
        while (line := await self.line())[3:4] == "-":
            pass
        return line

    def send(self, octets: bytes) -> None:
        """Send without waiting for anything."""
        self._writer.write(octets)

    async def ask(self, command: str) -> str:
        """Send a command; the last line of its reply."""
        self.send(command.encode() + b"\r\n")
        return await self.reply()

    async def greet(self, word: str = "EHLO") -> Self:
        """Read the greeting and say hello."""
        assert (await self.reply()).startswith("220 ")
        assert (await self.ask(f"{word} client.example")).startswith("250 ")
        return self

    async def begin(self, *recipients: str) -> None:
        """All up to the reply 354."""
        assert (await self.ask("MAIL FROM:<ivan@client.example>")).startswith("250 2.1.0")
        for recipient in recipients or ("billing@desk.example",):
            assert (await self.ask(f"RCPT TO:<{recipient}>")).startswith("250 2.1.5")
        assert (await self.ask("DATA")).startswith("354 ")

    async def mail(self, raw: bytes = MAIL, *recipients: str) -> str:
        """A whole transaction; the reply to the dot. The text needs no dots doubled."""
        await self.begin(*recipients)
        self.send(raw + b".\r\n")
        return await self.reply()

    async def secure(self, context: ssl.SSLContext) -> Self:
        """The handshake of TLS."""
        loop = asyncio.get_running_loop()
        protocol = self._writer.transport.get_protocol()
        transport = await loop.start_tls(self._writer.transport, protocol, context)
        protocol._over_ssl = True  # type: ignore[attr-defined]
        for holder in (self._reader, self._writer):
            holder._transport = transport  # type: ignore[union-attr]
        return self

    async def octets(self) -> bytes:
        """Whatever comes next, b"" when the server has closed."""
        async with asyncio.timeout(_PATIENCE):
            try:
                return await self._reader.read(4096)
            except ConnectionError:
                return b""

    async def drain(self) -> None:
        """Wait until the system has taken what was sent."""
        await self._writer.drain()

    def end(self) -> None:
        """Close our side of the connection only."""
        self._writer.write_eof()

    async def reset(self) -> None:
        """Be gone without a word, as a client that crashed."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def leave(self) -> None:
        """Close our side."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            pass  # the server was quicker


@asynccontextmanager
async def open_door(folder: Path, door: str = "smtp", *, unix: bool = False, **settings: Any) -> AsyncIterator[Scene]:
    """A door of a new desk in that directory. `settings` are those of DoorSettings."""
    listen = {"smtp": listen_smtp, "lmtp": listen_lmtp}[door]
    wanted = {"hostname": "desk.example", "max_size": 100_000, "disk": folder, **settings}
    desk = open_desk(folder)
    bound = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    bound.bind(str(folder / "door.sock") if unix else ("127.0.0.1", 0))
    name = bound.getsockname()
    try:
        opened = await listen(desk, DoorSettings(**wanted), [bound])
        try:
            yield Scene(desk, opened, name if unix else name[1])
        finally:
            await opened.close(grace=2)
    finally:
        await asyncio.to_thread(desk.store.close)
