"""The SMTP door (RFC 5321) on aiosmtpd: the talk up to the dot, then `desk.accept`, then the reply."""

import asyncio
import logging
import socket
from collections.abc import Iterable, Sequence
from dataclasses import replace

from aiosmtpd.smtp import Envelope as Draft
from aiosmtpd.smtp import Session

from maild.core.errors import MaildError, Transient, UnknownRecipient
from maild.core.mail import Door, Envelope
from maild.desk.desk import Desk
from maild.mailin import login, replies, xforward
from maild.mailin.connection import ClientConnection
from maild.mailin.data import read_mail, read_mail_by_line
from maild.mailin.door import DoorSettings, OpenDoor
from maild.mailin.paths import NULL, asks_to_relay, served_address, split_path, without_route
from maild.mailin.replies import BadText
from maild.mailin.room import Share
from maild.mailin.verify import Arrival
from maild.mime.line_ends import has_bare_newline


async def listen_smtp(desk: Desk, settings: DoorSettings, sockets: Iterable[socket.socket]) -> OpenDoor:
    """Open the SMTP door on bound sockets."""
    quiet_aiosmtpd()
    door = OpenDoor(desk, settings, Door.SMTP)
    await door.listen(lambda: SmtpConnection(door), sockets)
    return door


def quiet_aiosmtpd() -> None:
    """Keep what strangers type out of the log: aiosmtpd writes down every address."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)


class Rules:
    """aiosmtpd's hooks: what the desk says to EHLO, MAIL and RCPT. They also keep the draft of the envelope."""

    async def handle_EHLO(
        self, server: "SmtpConnection", session: Session, draft: Draft, hostname: str, responses: list[str]
    ) -> list[str]:
        """The extensions; the last line of aiosmtpd's list says HELP."""
        session.host_name = hostname
        words = [line[4:] for line in responses[:-1]] + ["PIPELINING", "ENHANCEDSTATUSCODES", *server.offers()]
        if server.is_trusted:
            words.append(xforward.ANNOUNCED)
        return ["\r\n".join([*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"])]

    async def handle_MAIL(
        self, server: "SmtpConnection", session: Session, draft: Draft, path: str, options: list[str]
    ) -> str:
        """Anybody may send, if there is room for it."""
        if _is_undeclared(server, draft, path):
            return _NEEDS_SMTPUTF8
        try:
            server.door.room.check(_declared_size(options))
        except Transient as error:
            return server.door.refuse(error, server.peer)
        draft.mail_from = without_route(path)
        server.begin()
        draft.mail_options.extend(options)
        return "250 2.1.0 sender ok"

    async def handle_RCPT(
        self, server: "SmtpConnection", session: Session, draft: Draft, path: str, options: list[str]
    ) -> str:
        """Only addresses of the desk, and not too many."""
        if _is_undeclared(server, draft, path):
            return _NEEDS_SMTPUTF8
        if asks_to_relay(path):
            return "550 5.7.1 we do not relay"
        address = served_address(path, server.door.desk.policy)
        if address is None:
            return replies.reply_for(UnknownRecipient("no such address here"))
        if len(draft.rcpt_tos) >= server.door.settings.max_recipients:
            return "452 4.5.3 too many recipients"
        draft.rcpt_tos.append(address)
        return replies.RECIPIENT_OK


log = logging.getLogger(__name__)

_RULES = Rules()


_NEEDS_SMTPUTF8 = "553 5.6.7 an address outside ASCII needs SMTPUTF8 in MAIL"


def _is_undeclared(server: "SmtpConnection", draft: Draft, path: str) -> bool:
    """Is that address outside ASCII in a mail that does not say so (RFC 6531 §3.4)? Our own MTA is not lectured."""
    return not path.isascii() and not draft.smtp_utf8 and server.door.kind is Door.SMTP and not server.is_trusted


def _declared_size(options: list[str]) -> int:
    """The value of MAIL's SIZE parameter (RFC 1870), which aiosmtpd has checked; 0 without one."""
    return next((int(option[5:]) for option in options if option.startswith("SIZE=")), 0)


class SmtpConnection(ClientConnection):
    """One client. It is busy with a mail from a MAIL that was accepted until the reply to the dot."""

    not_offered: tuple[str, ...] = ("HELP",)

    def __init__(self, door: OpenDoor) -> None:
        self._user = ""
        self._failures = 0
        self._forwarded: str | None = None
        super().__init__(door, _RULES)
        for verb in self.not_offered:
            self._smtp_methods.pop(verb)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """aiosmtpd reads paths by the grammar of header fields: it drops source routes and allows comments."""
        return split_path(arg) or (None, None)

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        """aiosmtpd does not know MAIL's AUTH=, which whoever offers AUTH must take and may pass over (RFC 4954 §5)."""
        found: dict[str, str | bool] | None = super()._getparams(params)
        if found is not None and self.is_idle and self._offers_logins and isinstance(found.get("AUTH"), str):
            del found["AUTH"]
        return found

    def begin(self) -> None:
        """A mail is in progress. Those that have come to their end share a commit with it if it hurries."""
        self._began = self.loop.time(), self._octets
        self.door.desk.store.expect(self)

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()  # type: ignore[no-untyped-call]
        self._forwarded = None
        self._began = None
        self.door.desk.store.expect_no_more(self)

    def offers(self) -> list[str]:
        """What of TLS and logins is offered now. A password is only taken where nobody can listen."""
        access = self.door.settings.access
        offered = []
        if access.tls is not None and not self.is_secure and "STARTTLS" in self._smtp_methods:
            offered.append("STARTTLS")
        if self._offers_logins:
            offered.append(f"AUTH {' '.join(login.MECHANISMS)}")
        return offered

    @property
    def _offers_logins(self) -> bool:
        return bool(self.door.settings.access.users) and self._is_private and "AUTH" in self._smtp_methods

    @property
    def _is_private(self) -> bool:
        return self.is_secure or self.is_local

    def _go_on(self, secret: asyncio.Transport) -> None:
        self._user = ""
        self._forwarded = None
        super()._go_on(secret)

    async def smtp_AUTH(self, arg: str | None) -> None:
        """Log in (RFC 4954)."""
        refusal = self._login_refusal()
        if refusal:
            await self.push(refusal)
            return
        try:
            name, password = await login.credentials(arg or "", self._ask)
        except login.BadLogin as error:
            await self.push(str(error))
            return
        user = await self.door.settings.access.user_for(name, password, self.peer)
        if user is None:
            await self._fail()
        else:
            self._user = user
            log.info("%s: %s logged in from %s", self.door.kind, user, self.peer or "local")
            await self.push("235 2.7.0 welcome")

    def _login_refusal(self) -> str:
        """Why there can be no login now, "" if there can."""
        access = self.door.settings.access
        if not access.users:
            return "502 5.5.1 nobody logs in here"
        if not self._is_private:
            return "538 5.7.11 not without TLS"
        if self.session is None or not self.session.extended_smtp:
            return "503 5.5.1 send EHLO first"
        if self._user or not self.is_idle:
            return "503 5.5.1 not now"
        return replies.BARRED if access.is_barred(self.peer) else ""

    async def _ask(self, challenge: str) -> bytes:
        await self.push(f"334 {challenge}")
        self._reset_timeout()
        line = await self._line()
        if line is None:
            raise login.BadLogin(replies.LINE_TOO_LONG)
        return line

    async def _fail(self) -> None:
        self._failures += 1
        log.warning("%s: a login from %s failed", self.door.kind, self.peer or "local")
        await asyncio.sleep(self.door.settings.failure_pause)
        if self._failures >= self.door.settings.max_failures:
            self.hang_up(replies.TOO_MANY_FAILURES)
        else:
            await self.push("535 5.7.8 wrong name or password")

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
            self._began = None  # from now on it is we who take our time
            envelope = await self._checked(raw, envelope, share)
            return await self.door.commit(self, raw, envelope, share)
        except MaildError as error:
            return self.door.refuse(error, self.peer)
        finally:
            self._is_taking = False

    async def _checked(self, raw: bytes, envelope: Envelope, share: Share) -> Envelope:
        """With what SPF, DKIM and DMARC say, if the desk has to ask itself."""
        verifier = self.door.settings.verifier
        if verifier is None:
            return envelope
        is_hidden = self.is_trusted and self._forwarded is None  # behind a relay of ours
        helo = "" if self.is_trusted or self.session is None else str(self.session.host_name or "")
        try:
            results = await verifier.results(Arrival(raw, envelope, "" if is_hidden else envelope.peer, helo))
        except BaseException:  # the client left meanwhile
            share.release()
            raise
        return replace(envelope, results=results)

    async def _read(self, draft: Draft, share: Share) -> tuple[bytes, Envelope]:
        try:
            read = read_mail_by_line if self.door.settings.reads_by_line else read_mail
            raw = self._with_proper_lines(await read(self._reader, share))
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
            user=self._user,
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
