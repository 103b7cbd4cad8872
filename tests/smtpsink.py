"""A relay for tests that takes letters or answers as it is told: the far end of everything maild sends."""

import socketserver
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal, Self

from tests.servers import free_port, until

Phase = Literal["connect", "ehlo", "mail", "rcpt", "data", "dot"]
HANG_UP = ""  # instead of a reply; after the dot the letter is kept, as by a relay whose 250 gets lost
Mood = Callable[[Phase, str], tuple[str, float] | None]  # phase and recipient → reply and seconds before it
_FOR_EVER = 1_000_000
_GREETINGS = {
    "connect": "220 sink.example ESMTP",
    "ehlo": "250-sink.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250 SIZE 104857600",
    "mail": "250 2.1.0 ok",
    "rcpt": "250 2.1.5 ok",
    "data": "354 go on",
    "dot": "250 2.0.0 taken",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as the relay took it."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The letter parsed."""
        return message_from_bytes(self.content, policy=policy.default)


@dataclass(slots=True)
class _Rule:
    phase: Phase
    reply: str
    to: str
    seconds: float
    times: int
    prefix: bool

    def fits(self, address: str) -> bool:
        """Is it about that address?"""
        return address.startswith(self.to) if self.prefix else self.to in ("", address)


@dataclass(slots=True)
class _Transaction:
    mail_from: str = ""
    rcpt_tos: list[str] = field(default_factory=list)


class SmtpSink:
    """Listens on a loopback port from `start()` to `stop()`; `letters` holds what it took, oldest first."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.connections = 0
        self.mood: Mood | None = None  # asked first
        self.bearers: list[str] = []  # tokens that came with AUTH XOAUTH2
        self._bearer: tuple[str, str] | None = None
        self.takes_logins = False  # offer AUTH PLAIN and believe everybody
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._stopped = threading.Event()
        self._hurry = threading.Event()
        self.port = free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """As outbound.relay wants it."""
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; after `stop()` on the same port as before."""
        self._stopped.clear()
        self._hurry.clear()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on; open ones end with the next command."""
        self._stopped.set()
        self.hurry()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def hurry(self) -> None:
        """Say at once whatever somebody waits for, and be late no more."""
        self._hurry.set()

    @property
    def is_stopped(self) -> bool:
        """Is nobody listening?"""
        return self._stopped.is_set()

    def answer(
        self,
        phase: Phase,
        reply: str,
        *,
        to: str = "",
        seconds: float = 0,
        times: int = _FOR_EVER,
        prefix: bool = False,
    ) -> None:
        """Say `reply` in that phase, the next so many times, only to the recipient `to` if given, after some seconds.

        With `prefix` to every address (in MAIL or RCPT) that begins so.
        `HANG_UP` closes the connection without a reply. Rules count in the order given; `forget()` drops them.
        """
        with self._lock:
            self._rules.append(_Rule(phase, reply, to.lower(), seconds, times, prefix))

    def slow(self, phase: Phase, seconds: float, *, times: int = _FOR_EVER) -> None:
        """Answer kindly, but late."""
        self.answer(phase, _GREETINGS[phase], seconds=seconds, times=times)

    def wants_bearer(self, user: str, token: str) -> None:
        """From now on take letters only after AUTH XOAUTH2 of that user with that token."""
        self._bearer = (user, token)

    def greeting(self, phase: Phase) -> str:
        """What a kind relay says."""
        offer = "XOAUTH2" if self._bearer else "PLAIN" if self.takes_logins else ""
        usual = _GREETINGS[phase]
        return usual.replace("250 SIZE", f"250-AUTH {offer}\r\n250 SIZE") if phase == "ehlo" and offer else usual

    def log_in(self, mechanism: str, argument: str) -> bool:
        """Is this the bearer that is wanted?"""
        if mechanism == "PLAIN":
            return self.takes_logins
        user, _, rest = b64decode(argument).decode().partition("\1")
        self.bearers.append(rest.removeprefix("auth=Bearer ").rstrip("\1"))
        return self._bearer == (user.removeprefix("user="), self.bearers[-1])

    def is_open(self, is_logged_in: bool) -> bool:
        """May letters come now?"""
        return self._bearer is None or is_logged_in

    def forget(self) -> None:
        """Be kind again."""
        with self._lock:
            self._rules.clear()
            self.mood = None

    def to(self, address: str) -> list[Letter]:
        """The letters taken for that recipient."""
        return [letter for letter in list(self.letters) if address.lower() in map(str.lower, letter.rcpt_tos)]

    def wait(self, address: str, count: int = 1, seconds: float = 120) -> list[Letter]:
        """The letters to that recipient, as soon as there are so many."""
        until(lambda: len(self.to(address)) >= count, f"{count} letters to {address}", seconds)
        return self.to(address)

    def reply_in(self, phase: Phase, to: str = "") -> str:
        """What to say now, after waiting as long as the mood or the rule wants."""
        with self._lock:
            reply, seconds = self._reply_in(phase, to)
        self._hurry.wait(seconds)
        return reply

    def _reply_in(self, phase: Phase, to: str) -> tuple[str, float]:
        if self.mood is not None and (found := self.mood(phase, to)) is not None:
            return found
        fitting = (rule for rule in self._rules if rule.phase == phase and rule.fits(to.lower()))
        rule = next((rule for rule in fitting if rule.times > 0), None)
        if rule is None:
            return self.greeting(phase), 0
        rule.times -= 1
        return rule.reply, rule.seconds

    def take(self, letter: Letter) -> None:
        """Keep a letter."""
        self.letters.append(letter)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, sink: SmtpSink) -> None:
        self.sink = sink
        super().__init__(("127.0.0.1", sink.port), _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        sink = self.server.sink
        sink.connections += 1
        try:
            if self._say(sink.reply_in("connect")):
                self._talk(sink)
        except ConnectionError:  # the client hung up, which tests do on purpose
            return

    def _say(self, reply: str) -> bool:
        """Send a reply; False when the conversation is over (hung up, or 421 of RFC 5321 §3.8)."""
        if reply != HANG_UP:
            self.wfile.write(f"{reply}\r\n".encode())
        return reply != HANG_UP and not reply.startswith("421")

    def _talk(self, sink: SmtpSink) -> None:
        transaction, is_logged_in = _Transaction(), False
        for line in self.rfile:
            if sink.is_stopped:
                return
            verb = line[:4].upper().strip()
            argument = line.decode(errors="replace").partition("<")[2].partition(">")[0]
            if verb in (b"EHLO", b"HELO"):
                reply = sink.reply_in("ehlo")
            elif verb == b"AUTH":
                is_logged_in, reply = self._auth(sink, line)
            elif verb == b"MAIL" and not sink.is_open(is_logged_in):
                reply = "530 5.7.0 Authentication required"
            elif verb == b"MAIL":
                transaction = _Transaction(argument)
                reply = sink.reply_in("mail", argument)
            elif verb == b"RCPT":
                reply = sink.reply_in("rcpt", argument)
                transaction.rcpt_tos += [argument] if reply.startswith("2") else []
            elif verb == b"DATA":
                reply = self._data(sink, transaction)
                transaction = _Transaction()
            else:
                reply = "221 2.0.0 bye" if verb == b"QUIT" else "250 2.0.0 ok"
            if not self._say(reply) or verb == b"QUIT":
                return

    def _auth(self, sink: SmtpSink, line: bytes) -> tuple[bool, str]:
        """As the large providers do it: the reason of a refusal comes as a challenge, to be answered with nothing."""
        if sink.log_in(*line.decode().split()[1:3]):
            return True, "235 2.7.0 accepted"
        self._say("334 eyJzdGF0dXMiOiI0MDAifQ==")
        assert self.rfile.readline() == b"\r\n"
        return False, "535 5.7.8 not accepted"

    def _data(self, sink: SmtpSink, transaction: _Transaction) -> str:
        if not transaction.rcpt_tos:
            return "503 5.5.1 no recipients"
        reply = sink.reply_in("data")
        if not reply.startswith("354") or not self._say(reply):
            return reply
        content = b"".join(line.removeprefix(b".") for line in self._lines())  # RFC 5321 §4.5.2
        reply = sink.reply_in("dot")
        if reply == HANG_UP or reply.startswith("2"):
            sink.take(Letter(transaction.mail_from, tuple(transaction.rcpt_tos), content))
        return reply

    def _lines(self) -> Iterator[bytes]:
        for line in iter(self.rfile.readline, b".\r\n"):
            if not line:
                raise ConnectionAbortedError("hung up before the dot")
            yield line
