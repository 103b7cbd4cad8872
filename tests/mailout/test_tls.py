"""TLS and logins against a real server: a password never goes out where somebody could listen.

`127.1` is loopback to the system's resolver but not to us: it stands for a relay somewhere in the network.
"""

import asyncio
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from maild.mailout.outcome import Delivered, Later, Outcome
from maild.mailout.relay import relay_of, transport_for
from maild.mailout.smtp import SmtpTransport
from tests.servers import require, until
from tests.smtpsink import SmtpSink

LETTER = b"Subject: hello\r\n\r\nbody\r\n"
NETWORK, LOOPBACK = "127.1", "127.0.0.1"


@dataclass
class Relay:
    """What a relay with TLS saw of us."""

    letters: list[bytes] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    were_secret: list[bool] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.letters.append(bytes(envelope.original_content or b""))
        self.were_secret.append(session.ssl is not None)
        return "250 2.0.0 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


class Conversation(SMTP):
    """The server's end of one connection; `open_ones` holds it as long as it is open."""

    open_ones: ClassVar[set[SMTP]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.open_ones.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.open_ones.discard(self)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody vouches for, and its key in one file."""
    require("openssl")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


@pytest.fixture(scope="module")
def context(authority: Path) -> ssl.SSLContext:
    """The server's side of it."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(authority)
    return made


@pytest.fixture
def relay() -> Relay:
    return Relay()


def deliver(
    relay: Relay,
    context: ssl.SSLContext,
    *,
    scheme: str = "smtp",
    host: str = LOOPBACK,
    user: str = "",
    password: str = "",
    ca_file: Path | None = None,
) -> Outcome:
    """One letter to a relay that offers TLS: from the first byte on for smtps, else STARTTLS."""

    async def run() -> Outcome:
        loop = asyncio.get_running_loop()
        is_smtps = scheme == "smtps"
        server = await loop.create_server(
            lambda: Conversation(
                relay,
                hostname="relay.example",
                loop=loop,
                tls_context=None if is_smtps else context,
                authenticator=relay.authenticate,
                auth_require_tls=not is_smtps,
            ),
            LOOPBACK,
            ssl=context if is_smtps else None,
        )
        url = f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}"
        transport = SmtpTransport(relay_of(url, user, lambda: password, ca_file=ca_file))
        try:
            return await transport.deliver("a@desk.example", "b@customer.example", LETTER)
        finally:
            await transport.close()
            await asyncio.to_thread(until, lambda: not Conversation.open_ones, "the server has hung up")
            server.close()
            await server.wait_closed()

    return asyncio.run(run())


def test_starttls_is_used_where_it_is_offered_whoever_signed_the_certificate(
    relay: Relay, context: ssl.SSLContext
) -> None:
    assert deliver(relay, context, host=NETWORK) == Delivered("250 2.0.0 taken")
    assert (relay.letters, relay.were_secret, relay.logins) == ([LETTER], [True], [])


def test_a_login_under_starttls(relay: Relay, context: ssl.SSLContext) -> None:
    assert isinstance(deliver(relay, context, user="desk", password="right"), Delivered)
    assert relay.logins == [(b"desk", b"right")]


def test_smtps_with_a_login(relay: Relay, context: ssl.SSLContext) -> None:
    assert isinstance(deliver(relay, context, scheme="smtps", user="desk", password="right"), Delivered)
    assert relay.logins == [(b"desk", b"right")]


def test_a_wrong_password_is_trouble_with_the_relay_and_not_with_the_letter(
    relay: Relay, context: ssl.SSLContext
) -> None:
    outcome = deliver(relay, context, user="desk", password="wrong")
    assert isinstance(outcome, Later)
    assert outcome.is_relay_down
    assert outcome.reply.startswith("535")
    assert "wrong" not in outcome.reply


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_no_password_goes_to_a_network_relay_that_cannot_prove_who_it_is(
    relay: Relay, context: ssl.SSLContext, scheme: str
) -> None:
    outcome = deliver(relay, context, scheme=scheme, host=NETWORK, user="desk", password="right")
    assert isinstance(outcome, Later)
    assert "certificate" in outcome.reply.lower()
    assert relay.logins == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_of_ones_own_is_vouched_for_by_ca_file(
    relay: Relay, context: ssl.SSLContext, authority: Path, scheme: str
) -> None:
    outcome = deliver(relay, context, scheme=scheme, host="localhost", user="desk", password="right", ca_file=authority)
    assert isinstance(outcome, Delivered)
    assert relay.were_secret == [scheme == "smtp"]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_with_ca_file_a_certificate_for_another_name_is_refused_also_on_loopback(
    relay: Relay, context: ssl.SSLContext, authority: Path, scheme: str
) -> None:
    outcome = deliver(relay, context, scheme=scheme, ca_file=authority)
    assert isinstance(outcome, Later)
    assert "certificate" in outcome.reply.lower()
    assert relay.letters == []


def test_with_ca_file_nothing_goes_out_without_tls(sink: SmtpSink, authority: Path) -> None:
    async def run() -> Outcome:
        transport = SmtpTransport(relay_of(sink.url, ca_file=authority))
        try:
            return await transport.deliver("a@desk.example", "b@customer.example", LETTER)
        finally:
            await transport.close()

    outcome = asyncio.run(run())
    assert isinstance(outcome, Later)
    assert "STARTTLS" in outcome.reply
    assert sink.letters == []


def test_no_password_goes_over_a_network_in_plain_text(sink: SmtpSink) -> None:
    sink.answer("ehlo", "250-sink.example\r\n250 AUTH PLAIN")
    outcome = asyncio.run(one_letter(f"smtp://{NETWORK}:{sink.port}"))
    assert isinstance(outcome, Later)
    assert "STARTTLS" in outcome.reply
    assert sink.letters == []


def test_on_loopback_a_login_needs_no_tls() -> None:
    said, ended = list[bytes](), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"220 hi", b"250-hi\r\n250 AUTH PLAIN", b"535 5.7.8 no"):
            writer.write(reply + b"\r\n")
            said.append(await reader.readline())
        writer.close()
        await writer.wait_closed()
        ended.set()

    async def run() -> Outcome:
        server = await asyncio.start_server(talk, LOOPBACK, 0)
        outcome = await one_letter(f"smtp://{LOOPBACK}:{server.sockets[0].getsockname()[1]}")
        await asyncio.wait_for(ended.wait(), 60)
        server.close()
        return outcome

    assert asyncio.run(run()) == Later("535 5.7.8 no", is_relay_down=True)
    assert said[1].startswith(b"AUTH PLAIN ")


async def one_letter(url: str) -> Outcome:
    transport = transport_for(url, "desk", lambda: "right")()
    try:
        return await transport.deliver("a@desk.example", "b@customer.example", LETTER)
    finally:
        await transport.close()


def test_a_password_that_cannot_be_read_stops_no_letter_for_good(tmp_path: Path) -> None:
    async def run() -> Outcome:
        transport = transport_for("smtp://127.0.0.1:9", "desk", (tmp_path / "password").read_text)()
        return await transport.deliver("a@desk.example", "b@customer.example", LETTER)

    outcome = asyncio.run(run())
    assert isinstance(outcome, Later)
    assert outcome.is_relay_down
