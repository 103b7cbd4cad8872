"""The SMTP door (RFC 5321) on aiosmtpd: the talk up to the dot, then `desk.accept`, then the reply.

aiosmtpd 1.4.6 reads the commands and knows the order they come in. What is replaced here, and why, stands at the spot.
"""

import asyncio
import logging
import socket
from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import AnyStr, cast

from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Draft

from maild.core.errors import MaildError, Transient, UnknownRecipient
from maild.core.mail import Door, Envelope
from maild.desk.desk import Desk
from maild.mailin import replies, xforward
from maild.mailin.data import has_bare_newline, read_mail
from maild.mailin.door import DoorSettings, OpenDoor
from maild.mailin.paths import NULL, asks_to_relay, served_address, split_path, without_route
from maild.mailin.replies import BadText
from maild.mailin.room import Share

log = logging.getLogger(__name__)

_HTTP = ("GET", "POST", "HEAD", "PUT", "CONNECT", "OPTIONS")
_NOT_OFFERED = ("AUTH", "HELP", "STARTTLS")
_LAST_WORD_TIME = 5.0  # seconds a client gets to read why we hang up


async def listen_smtp(desk: Desk, settings: DoorSettings, sockets: Iterable[socket.socket]) -> OpenDoor:
    """Open the SMTP door on bound sockets."""
    quiet_aiosmtpd()
    door = OpenDoor(desk, settings, Door.SMTP)
    await door.listen(lambda: SmtpConnection(door), sockets)
    return door


def quiet_aiosmtpd() -> None:
    """Keep what strangers type out of the log: aiosmtpd logs every command, and warns of those it does not know."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)


class Rules:
    """aiosmtpd's hooks: what the desk says to EHLO, MAIL and RCPT. They also keep the draft of the envelope."""

    async def handle_EHLO(
        self, server: "SmtpConnection", session: Session, draft: Draft, hostname: str, responses: list[str]
    ) -> list[str]:
        """The extensions; the last line of aiosmtpd's list says HELP."""
        session.host_name = hostname
        words = [line[4:] for line in responses[:-1]] + ["PIPELINING", "ENHANCEDSTATUSCODES"]
        if server.is_trusted:
            words.append(xforward.ANNOUNCED)
        return ["\r\n".join([*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"])]

    async def handle_MAIL(
        self, server: "SmtpConnection", session: Session, draft: Draft, path: str, options: list[str]
    ) -> str:
        """Anybody may send, if there is room for it."""
        try:
            server.door.room.check(_declared_size(options))
        except Transient as error:
            return server.door.refuse(error, server.peer)
        draft.mail_from = without_route(path)
        draft.mail_options.extend(options)
        return "250 2.1.0 sender ok"

    async def handle_RCPT(
        self, server: "SmtpConnection", session: Session, draft: Draft, path: str, options: list[str]
    ) -> str:
        """Only addresses of the desk, and not too many."""
        if asks_to_relay(path):
            return "550 5.7.1 we do not relay"
        address = served_address(path, server.door.desk.policy)
        if address is None:
            return replies.reply_for(UnknownRecipient("no such address here"))
        if len(draft.rcpt_tos) >= server.door.settings.max_recipients:
            return "452 4.5.3 too many recipients"
        draft.rcpt_tos.append(address)
        return replies.RECIPIENT_OK


_RULES = Rules()


def _declared_size(options: list[str]) -> int:
    """The value of MAIL's SIZE parameter (RFC 1870), which aiosmtpd has checked; 0 without one."""
    return next((int(option[5:]) for option in options if option.startswith("SIZE=")), 0)


class SmtpConnection(SMTP):
    """One client. It is busy with a mail from a MAIL that was accepted until the reply to the dot."""

    greeting = "ESMTP"
    line_length_limit = 1 << 16  # of commands and of text, without CRLF

    def __init__(self, door: OpenDoor) -> None:
        settings = door.settings
        # In aiosmtpd all connections share one table, which each of them changes.
        self.command_size_limits = defaultdict(lambda: SMTP.command_size_limit)
        self.door = door
        self.peer = ""
        self.is_local = False
        self.is_trusted = False
        self._refusal = ""
        self._has_spoken = False
        self._is_taking = False
        self._has_left = False
        self._commands = 0
        self._forwarded: str | None = None
        super().__init__(
            _RULES,
            data_size_limit=settings.max_size,
            enable_SMTPUTF8=True,
            hostname=settings.hostname,
            ident=self.greeting,
            timeout=settings.command_time,
            loop=asyncio.get_running_loop(),
        )
        for verb in _NOT_OFFERED:
            self._smtp_methods.pop(verb)
        self._smtp_methods.update(dict.fromkeys(_HTTP, self._turn_browser_away))

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
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """The client will send no more. aiosmtpd would stop at once; a mail that may be complete is taken first."""
        if not self._is_taking:
            return super().eof_received()
        self._has_left = True
        return asyncio.StreamReaderProtocol.eof_received(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self.door.forget(self)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        refusal = self._refusal or await self._early_talk()
        if refusal:
            self.hang_up(refusal)
            return
        try:
            await super()._handle_client()
        except OSError:
            log.debug("%s: %s hung up", self.door.kind, self.peer)  # connection_lost() has seen to the rest

    async def _early_talk(self) -> str:
        """A client must wait for the greeting (RFC 5321 §4.3.1); a program that does not is no mail server."""
        if not (self.is_trusted or self.is_local):
            await asyncio.sleep(self.door.settings.greeting_pause)
            if self._has_spoken:
                return replies.TALKED_EARLY
        return ""

    def _timeout_cb(self) -> None:
        if self.transport is not None and self.transport.is_closing():
            self.abort()  # it does not even read our last words
        self.hang_up(replies.TOO_SLOW)

    def hang_up(self, reply: str) -> None:
        """Say a last word and close, also in the middle of a command; a mail at the ledger still gets there."""
        if self.transport is None or self.transport.is_closing():
            return
        transport = cast(asyncio.WriteTransport, self.transport)
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

    # --- commands ---

    async def push(self, status: AnyStr) -> None:
        """Every reply passes here: it gets its enhanced code, and the commands are counted by it."""
        reply = status if isinstance(status, str) else status.decode()
        if reply != replies.RECIPIENT_OK:  # a mail has up to 100 of those
            self._commands += 1
        if self._commands > self.door.settings.max_commands and not self.is_trusted:  # our MTA asks on one connection
            self.hang_up(replies.TOO_MANY_COMMANDS)
            return
        if reply != f"250 {self.hostname}":  # HELO's has no code (RFC 2034 §4)
            reply = replies.with_enhanced_code(reply)
        await super().push(reply)

    async def handle_exception(self, error: Exception) -> str:
        """A mistake of ours, outside the ledger: aiosmtpd would tell it to the client, as a permanent error."""
        if isinstance(error, asyncio.IncompleteReadError) or error is self._reader.exception():
            self._stop()
            self.abort()
            return replies.TOO_SLOW  # which nobody hears
        self._set_rset_state()  # type: ignore[no-untyped-call]
        return self.door.refuse(error, self.peer)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """aiosmtpd reads paths by the grammar of header fields: it drops source routes and allows comments."""
        return split_path(arg) or (None, None)

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()  # type: ignore[no-untyped-call]
        self._forwarded = None

    async def _turn_browser_away(self, arg: str | None) -> None:
        self.hang_up(replies.NOT_THE_WEB)

    async def smtp_VRFY(self, arg: str | None) -> None:
        """Nobody is told who is here (RFC 5321 §3.5.3, §7.3)."""
        await self.push("252 2.5.0 send some mail, we will see" if arg else "501 5.5.4 Syntax: VRFY <address>")

    async def smtp_XFORWARD(self, arg: str | None) -> None:
        """The relay in front of us names its client; holds until the end of the transaction."""
        if not self.is_trusted:
            await self.push("550 5.7.1 not from you")
        elif not self.is_idle:
            await self.push("503 5.5.1 not within a transaction")
        else:
            await self.push(self._forward(arg or ""))

    def _forward(self, argument: str) -> str:
        try:
            peer = xforward.forwarded_peer(argument)
        except ValueError:
            return "501 5.5.4 bad XFORWARD attribute"
        if peer is not None:
            self._forwarded = peer
        return "250 2.0.0 noted"

    # --- the mail ---

    async def smtp_DATA(self, arg: str | None) -> None:
        """Take a mail. aiosmtpd's own would keep an endless line in memory, whatever the size limit."""
        if await self.check_helo_needed():
            return
        draft = self.envelope
        if draft is None or not draft.rcpt_tos:
            await self.push("503 5.5.1 no valid recipient yet")
        elif arg:
            await self.push("501 5.5.4 Syntax: DATA")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            reply = await self._take_mail(draft)
            self._reset_timeout()
            self._set_post_data_state()
            await self._answer(self._replies(reply, len(draft.rcpt_tos)))

    async def _take_mail(self, draft: Draft) -> str:
        """Read a mail and put it into the ledger; the reply. Its time limit runs until that is known."""
        share = self.door.room.share()
        self._is_taking = True
        self._reset_timeout(self.door.settings.mail_time)
        try:
            raw, envelope = await self._read(draft, share)
            return await self.door.commit(raw, envelope, share)
        except MaildError as error:
            return self.door.refuse(error, self.peer)
        finally:
            self._is_taking = False

    async def _read(self, draft: Draft, share: Share) -> tuple[bytes, Envelope]:
        try:
            raw = self._with_proper_lines(await read_mail(self._reader, share))
            return raw, self._envelope(draft)
        except BaseException:  # also when the client leaves in the middle
            share.release()
            raise

    def _with_proper_lines(self, raw: bytes) -> bytes:
        """SMTP clients must not send a bare CR or LF (RFC 5321 §2.3.8). Mending them here invites smuggling."""
        if has_bare_newline(raw):
            raise BadText("a bare CR or LF, lines end in CRLF (RFC 5321 section 2.3.8)")
        return raw

    def _envelope(self, draft: Draft) -> Envelope:
        return Envelope(
            mail_from="" if draft.mail_from in (None, NULL) else draft.mail_from,
            rcpt_tos=tuple(draft.rcpt_tos),
            door=self.door.kind,
            peer=self.peer if self._forwarded is None else self._forwarded,
            is_trusted_peer=self.is_trusted,
            user="",
            received_at=self.door.desk.now(),
        )

    async def _answer(self, reply: str) -> None:
        if reply.startswith("250"):
            self._commands = 0
        await self.push(reply)
        if self._has_left:
            self._stop()
            self._writer.close()
        elif self.door.is_closing:
            self.hang_up(replies.CLOSING)

    def _replies(self, reply: str, recipients: int) -> str:
        """What is said after the dot."""
        return reply


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
