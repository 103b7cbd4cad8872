"""OAuth at the relay, against a token server and a relay that looks at the bearer."""

import asyncio
import json
import logging
import threading
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from maild.config_mailbox import OAuth
from maild.core.errors import GrantRefused, Unreachable
from maild.mailout.outcome import Delivered, Later, Outcome
from maild.mailout.relay import relay_of
from maild.mailout.smtp import SmtpTransport
from maild.oauth import AccessTokens
from tests.servers import free_port
from tests.smtpsink import SmtpSink

LETTER = b"Subject: hello\r\n\r\nbody\r\n"
DESK = "desk@provider.example"


@dataclass
class TokenServer:
    """Issues `access-1`, `access-2` … for its refresh token, good for `life` seconds."""

    refresh: str = "refresh-0"
    life: object = 3600
    rotates: bool = False
    trouble: tuple[int, bytes] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, form: dict[str, str]) -> tuple[int, bytes]:
        self.asked.append(form)
        if self.trouble is not None:
            return self.trouble
        if form["refresh_token"] != self.refresh:
            return 400, b'{"error": "invalid_grant", "error_description": "secret words"}'
        if self.rotates:
            self.refresh = f"refresh-{len(self.asked)}"
        token = {"access_token": f"access-{len(self.asked)}", "token_type": "Bearer", "expires_in": self.life}
        return 200, json.dumps(token | ({"refresh_token": self.refresh} if self.rotates else {})).encode()


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    made = TokenServer()

    class Pages(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer = made.answer({key: value[0] for key, value in parse_qs(body).items()})
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_request(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def relay(sink: SmtpSink) -> SmtpSink:
    """A relay that wants a bearer."""
    sink.wants_bearer(DESK, "access-1")
    return sink


def access(tokens: TokenServer, folder: Path, **changes: str) -> AccessTokens:
    """What a desk with this configuration asks for tokens."""
    (folder / "client").write_text("client secret\n")
    (folder / "refresh").write_text("refresh-0\n")
    values = {"token_url": tokens.url, "client_id": "maild", "client_secret_file": "client"}
    values |= {"refresh_token_file": "refresh", "scope": "mail"}
    return AccessTokens(OAuth.model_validate(values | changes, context={"folder": folder}))


def deliver(relay: SmtpSink, token: AccessTokens, count: int = 1) -> list[Outcome]:
    """Letters, each on a connection of its own."""

    async def run() -> list[Outcome]:
        transport, outcomes = SmtpTransport(relay_of(relay.url, DESK, token=token)), []
        for _ in range(count):
            outcomes.append(await transport.deliver("a@desk.example", "b@customer.example", LETTER))
            await transport.close()
        return outcomes

    return asyncio.run(run())


def test_a_refresh_token_becomes_the_bearer_of_many_logins(
    tokens: TokenServer, relay: SmtpSink, tmp_path: Path
) -> None:
    assert deliver(relay, access(tokens, tmp_path), 3) == [Delivered("250 2.0.0 taken")] * 3
    assert tokens.asked == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh-0",
            "client_id": "maild",
            "client_secret": "client secret",
            "scope": "mail",
        }
    ]
    assert relay.bearers == ["access-1"] * 3


@pytest.mark.parametrize("life", [0, "0"])
def test_a_token_is_renewed_before_it_ends(tokens: TokenServer, relay: SmtpSink, tmp_path: Path, life: object) -> None:
    tokens.life = life
    source = access(tokens, tmp_path)
    assert isinstance(deliver(relay, source)[0], Delivered)
    relay.wants_bearer(DESK, "access-2")
    assert isinstance(deliver(relay, source)[0], Delivered)
    assert len(tokens.asked) == 2


def test_a_token_that_the_relay_refuses_is_not_used_again(tokens: TokenServer, relay: SmtpSink, tmp_path: Path) -> None:
    relay.wants_bearer(DESK, "access-2")
    refused, taken = deliver(relay, access(tokens, tmp_path), 2)
    assert isinstance(refused, Later)
    assert refused.is_relay_down
    assert refused.reply.startswith("535")
    assert isinstance(taken, Delivered)
    assert relay.bearers == ["access-1", "access-2"]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ((400, b'{"error": "invalid_grant"}'), "400 invalid_grant"),
        ((500, b"<html>oops</html>"), "500"),
        ((200, b"[]"), "200"),
        ((200, b'{"access_token": null}'), "200"),
    ],
)
def test_no_token_means_later_for_every_letter_and_no_login(
    tokens: TokenServer, relay: SmtpSink, tmp_path: Path, trouble: tuple[int, bytes], words: str
) -> None:
    tokens.trouble = trouble
    source = access(tokens, tmp_path)
    (outcome,) = deliver(relay, source)
    assert outcome == Later(f"no access token: {words}", is_relay_down=True)
    assert relay.connections == 0
    tokens.trouble = None
    relay.wants_bearer(DESK, "access-2")
    assert isinstance(deliver(relay, source)[0], Delivered)


def test_a_token_server_that_is_away_means_later(tokens: TokenServer, relay: SmtpSink, tmp_path: Path) -> None:
    (outcome,) = deliver(relay, access(tokens, tmp_path, token_url=f"http://127.0.0.1:{free_port()}/"))
    assert isinstance(outcome, Later)
    assert outcome.is_relay_down
    assert outcome.reply.startswith("no access token: ")


def test_a_new_refresh_token_is_kept_for_the_next_start(tokens: TokenServer, relay: SmtpSink, tmp_path: Path) -> None:
    tokens.rotates = True
    source = access(tokens, tmp_path)
    assert isinstance(deliver(relay, source)[0], Delivered)
    assert (tmp_path / "refresh").read_text().strip() == "refresh-1"
    assert (tmp_path / "refresh").stat().st_mode & 0o077 == 0
    source.forget()
    relay.wants_bearer(DESK, "access-2")
    assert isinstance(deliver(relay, source)[0], Delivered)
    assert [form["refresh_token"] for form in tokens.asked] == ["refresh-0", "refresh-1"]


def test_a_new_refresh_token_that_cannot_be_written_is_used_all_the_same_and_told(
    tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    tokens.rotates = True
    monkeypatch.setattr("maild.oauth.tempfile.mkstemp", full)
    source = access(tokens, tmp_path)
    with caplog.at_level(logging.WARNING, "maild.oauth"):
        assert asyncio.run(source.current()) == "access-1"
        source.forget()
        assert asyncio.run(source.current()) == "access-2"
    assert [form["refresh_token"] for form in tokens.asked] == ["refresh-0", "refresh-1"]
    assert "cannot be written" in caplog.text
    assert "refresh-1" not in caplog.text


def test_many_workers_ask_once(tokens: TokenServer, tmp_path: Path) -> None:
    source = access(tokens, tmp_path)

    async def run() -> list[str]:
        return await asyncio.gather(*(source.current() for _ in range(8)))

    assert asyncio.run(run()) == ["access-1"] * 8
    assert len(tokens.asked) == 1


def test_logins_with_one_refresh_token_that_changes_ask_one_after_the_other(
    tokens: TokenServer, tmp_path: Path
) -> None:
    tokens.rotates = True
    sources = [access(tokens, tmp_path, scope=scope) for scope in ("send", "read", "read")]

    async def run() -> list[str]:
        return await asyncio.gather(*(source.current() for source in sources))

    assert asyncio.run(run()) == ["access-1", "access-2", "access-3"]
    assert [form["refresh_token"] for form in tokens.asked] == ["refresh-0", "refresh-1", "refresh-2"]


def test_a_refresh_token_that_is_over_is_told_from_trouble_that_passes(tokens: TokenServer, tmp_path: Path) -> None:
    tokens.trouble = (400, b'{"error": "invalid_grant"}')
    with pytest.raises(GrantRefused):
        asyncio.run(access(tokens, tmp_path).current())
    tokens.trouble = (400, b'{"error": "invalid_client"}')
    with pytest.raises(Unreachable) as told:
        asyncio.run(access(tokens, tmp_path).current())
    assert not isinstance(told.value, GrantRefused)


def test_a_secret_that_cannot_be_read_is_trouble_and_not_a_crash(tokens: TokenServer, tmp_path: Path) -> None:
    source = access(tokens, tmp_path)
    (tmp_path / "refresh").unlink()
    with pytest.raises(Unreachable, match="No such file"):
        asyncio.run(source.current())


def test_a_relay_without_xoauth2_is_told(tokens: TokenServer, sink: SmtpSink, tmp_path: Path) -> None:
    (outcome,) = deliver(sink, access(tokens, tmp_path))
    assert isinstance(outcome, Later)
    assert "XOAUTH2" in outcome.reply


def test_the_bearer_is_what_the_sink_thinks() -> None:
    assert b64decode("dXNlcj1hAWF1dGg9QmVhcmVyIHQBAQ==") == b"user=a\x01auth=Bearer t\x01\x01"
