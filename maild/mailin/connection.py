"""One client's connection: admission, time limits, the command loop, the last word. Knows no mail.

aiosmtpd 1.4.6 knows the commands and the order they come in. Its own loop logs each line, sets a timer for each command
and tells errors to the client; this one does not. What else is replaced, and why, stands at the spot.
"""

import asyncio
import logging
import socket
import ssl
from collections import defaultdict
from ipaddress import IPv6Address, ip_address
from typing import AnyStr, cast

from aiosmtpd.smtp import SMTP

from maild.mailin import replies
from maild.mailin.data import MAX_LINE
from maild.mailin.door import OpenDoor

log = logging.getLogger(__name__)

_HTTP = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "PRI")  # PRI: HTTP/2
_PATIENCE = 3.0  # seconds until a mail in progress has to make some
_ABOUT_ADDRESS = (replies.RECIPIENT_OK, "550 5.1.1")  # what a RCPT is answered
_SHORT_PAUSE = 0.002  # seconds before the greeting for our own MTA, which knows how to wait
_DRIP = 100  # octets a second; the slowest modem was faster
_LAST_WORD_TIME = 5.0  # seconds a client gets to read why we hang up


class ClientConnection(SMTP):
    """One client. What it says between commands is its business, not the log's."""

    greeting = "ESMTP"
    line_length_limit = MAX_LINE

    def __init__(self, door: OpenDoor, rules: object) -> None:
        settings = door.settings
        # In aiosmtpd all connections share one table, which each of them changes.
        self.command_size_limits = defaultdict(lambda: SMTP.command_size_limit)
        self.door = door
        self.peer = ""
        self.is_local = False
        self.is_trusted = False
        self._refusal = ""
        self._has_spoken = False
        self.is_secure = False
        self._is_shaking_hands = False
        self._is_taking = False
        self._has_left = False
        self._commands = -1  # the greeting answers none
        self._octets = 0
        self._began: tuple[float, int] | None = None
        self._alarm_at = 0.0
        self._deadline = 0.0
        super().__init__(
            rules,
            data_size_limit=settings.max_size,
            enable_SMTPUTF8=True,
            hostname=settings.hostname,
            ident=self.greeting,
            timeout=settings.command_time,
            loop=asyncio.get_running_loop(),
        )

    # --- the connection: admission, time limits, the end ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there: will it be served?"""
        self.peer, self.is_local = _peer_of(transport)
        self.is_trusted = self.door.trusts(self.peer, is_local=self.is_local)
        self._refusal = self.door.admit(self)
        super().connection_made(transport)
        self._reset_timeout(self.door.settings.first_command_time)

    def data_received(self, data: bytes) -> None:
        """Octets from the client."""
        self._has_spoken = True
        self._octets += len(data)
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """The client will send no more. aiosmtpd would stop at once; a mail that may be complete is taken first."""
        if not self._is_taking:
            self._stop()
        self._has_left = True
        return asyncio.StreamReaderProtocol.eof_received(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone. Said twice if it goes while TLS begins."""
        self.door.forget(self)
        if self.transport is not None:
            super().connection_lost(error)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """The client has so many seconds from now on. A timer that rings too soon is cheaper than one per command."""
        self._deadline = self.loop.time() + (duration or self._timeout_duration)
        if self._timeout_handle is not None and self._alarm_at <= self._deadline:
            return
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._set_alarm()

    def _set_alarm(self) -> None:
        self._alarm_at = self._deadline
        self._timeout_handle = self.loop.call_at(self._deadline, self._timeout_cb)

    def _timeout_cb(self) -> None:
        if self.loop.time() < self._deadline:
            self._set_alarm()
            return
        if self.transport is not None and self.transport.is_closing():
            self.abort()  # it does not even read our last words
        self.hang_up(replies.TOO_SLOW)

    def hang_up(self, reply: str) -> None:
        """Say a last word and close, also in the middle of a command; a mail at the ledger still gets there."""
        if self.transport is None or self.transport.is_closing():
            return
        transport = cast(asyncio.WriteTransport, self.transport)
        if self._is_shaking_hands:  # whatever is said now belongs to nobody's language
            transport.abort()
            self._stop()
            return
        transport.write(f"{reply}\r\n".encode())
        self._stop()
        transport.close()
        self.loop.call_later(_LAST_WORD_TIME, transport.abort)

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()

    def _stop(self) -> None:
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    @property
    def is_idle(self) -> bool:
        """Is no mail in progress?"""
        return self.envelope is None or not self.envelope.mail_from

    @property
    def is_stalling(self) -> bool:
        """Does the client keep its mail from coming to an end, a few octets at a time?"""
        if self._began is None:
            return False
        seconds, octets = self.loop.time() - self._began[0], self._octets - self._began[1]
        return seconds > _PATIENCE and octets < seconds * _DRIP

    # --- TLS ---

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """Go on inside TLS (RFC 3207), as with a client that has just come."""
        context = self.door.settings.access.tls
        if arg:
            await self.push("501 5.5.4 Syntax: STARTTLS")
        elif context is None:
            await self.push("502 5.5.1 TLS is not offered")
        elif self.is_secure:
            await self.push("503 5.5.1 this is TLS already")
        elif self._reader._buffer:  # type: ignore[attr-defined]
            # What came in the clear must not be taken for what was said inside TLS (CVE-2011-0411).
            self.hang_up(replies.TALKED_BEFORE_TLS)
        else:
            try:
                await self._start_tls(context)
            except OSError as error:
                log.info("%s: no TLS with %s: %s", self.door.kind, self.peer, error)

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        # Nothing is awaited between the look at the buffer above and the handshake: no octet slips in between.
        clear = cast(asyncio.WriteTransport, self.transport)
        clear.write(f"{replies.TLS_NOW}\r\n".encode())
        self._is_shaking_hands = True
        limit = self.door.settings.command_time
        try:
            secret = await self.loop.start_tls(
                clear,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=limit,
                ssl_shutdown_timeout=_LAST_WORD_TIME,
            )
            if secret is None:
                raise ConnectionAbortedError("the client left in the handshake")
        except BaseException as error:
            # asyncio does not tell a protocol that was not in TLS yet.
            clear.abort()
            self.connection_lost(error if isinstance(error, Exception) else None)
            raise
        finally:
            self._is_shaking_hands = False
        self._go_on(secret)

    def _go_on(self, secret: asyncio.Transport) -> None:
        """Forget all that was known of the client (RFC 3207 §4.2). There is no public way to change transports."""
        self.transport = secret
        for holder in (self, self._reader, self._writer):
            holder._transport = secret  # type: ignore[union-attr]
        self._over_ssl = True
        self.is_secure = True
        self.session = self._create_session()
        self.session.peer = secret.get_extra_info("peername")
        self.command_size_limits.clear()
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self._reset_timeout()

    # --- commands ---

    async def _handle_client(self) -> None:
        refusal = self._refusal or await self._early_talk()
        if refusal:
            self.hang_up(refusal)
            return
        try:
            await self.push(f"220 {self.hostname} {self.greeting}")
            while self.transport is not None:
                await self._serve_one()
        except asyncio.CancelledError:
            self._writer.close()
            raise
        except OSError:
            log.debug("%s: %s hung up", self.door.kind, self.peer)  # connection_lost() has seen to the rest

    async def _early_talk(self) -> str:
        """A client must wait for the greeting (RFC 5321 §4.3.1); a program that does not is no mail server."""
        if self.is_local:
            return ""
        pause = self.door.settings.greeting_pause
        await asyncio.sleep(min(pause, _SHORT_PAUSE) if self.is_trusted else pause)
        return replies.TALKED_EARLY if self._has_spoken else ""

    async def _serve_one(self) -> None:
        try:
            line = await self._line()
            if line is None:
                await self.push(replies.LINE_TOO_LONG)
            else:
                await self._carry_out(line)
        except Exception as error:  # noqa: BLE001 - what our mistakes become is decided in one place
            await self.push(await self.handle_exception(error))

    async def _line(self) -> bytes | None:
        """The next line without its end; None if it was too long. A bare LF ends a command too: typed by hand."""
        is_whole = True
        while True:
            try:
                line = await self._reader.readuntil()
            except asyncio.LimitOverrunError as error:
                await self._reader.read(error.consumed)
                is_whole = False
            else:
                return line.rstrip(b"\r\n") if is_whole else None

    async def _carry_out(self, line: bytes) -> None:
        word, _, rest = line.partition(b" ")
        verb = word.decode("ascii", "replace").upper()
        if not verb.isalpha():
            await self.push(replies.NO_COMMAND)
            return
        if len(line) > self._longest(verb):
            await self.push(replies.LINE_TOO_LONG)
            return
        if verb in _HTTP:
            self.hang_up(replies.NOT_THE_WEB)
            return
        method = self._smtp_methods.get(verb)
        if method is None:
            await self.push(f'500 5.5.2 command "{verb}" not recognized')
            return
        self._reset_timeout()
        # Octets that are no UTF-8 become lone surrogates, so that nothing is lost of a path.
        await method(rest.strip().decode("utf-8", "surrogateescape") if rest else None)

    def _longest(self, verb: str) -> int:
        """Octets that a command may have (RFC 5321 §4.5.3.1.4); extensions allow more."""
        is_extended = self.session is not None and self.session.extended_smtp
        return self.command_size_limits[verb] if is_extended else self.command_size_limit

    async def push(self, status: AnyStr) -> None:
        """Every reply passes here: it gets its enhanced code, and the commands are counted by it."""
        reply = status if isinstance(status, str) else status.decode()
        if reply != replies.RECIPIENT_OK:  # a mail has up to 100 of those
            self._commands += 1
        if self.is_trusted and reply.startswith(_ABOUT_ADDRESS):
            self._commands = 0  # our MTA asks about any number of addresses on one connection
        if self._commands > self.door.settings.max_commands:
            self.hang_up(replies.TOO_MANY_COMMANDS)
            return
        if reply != f"250 {self.hostname}":  # HELO's has no code (RFC 2034 §4)
            reply = replies.with_enhanced_code(reply)
        self._writer.write(f"{reply}\r\n".encode())
        await self._writer.drain()

    async def handle_exception(self, error: Exception) -> str:
        """A mistake of ours, outside the ledger; or the client has left."""
        if isinstance(error, asyncio.IncompleteReadError) or error is self._reader.exception():
            self._stop()
            self.abort()
            return replies.TOO_SLOW  # which nobody hears
        self._set_rset_state()  # type: ignore[no-untyped-call]
        return self.door.refuse(error, self.peer)


def _peer_of(transport: asyncio.BaseTransport) -> tuple[str, bool]:
    """The client's address, and whether it came by a unix socket and has none."""
    sock, name = transport.get_extra_info("socket"), transport.get_extra_info("peername")
    if sock is not None and sock.family == socket.AF_UNIX:
        return "", True
    if not isinstance(name, tuple):  # it has left already
        return "unknown", False
    address = ip_address(str(name[0]).partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address), False
