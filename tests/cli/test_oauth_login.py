"""`maild oauth login`: a person says yes in a browser, and the refresh token lies in its file."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from click.testing import CliRunner, Result

from maild.cli.main import main
from maild.config_mailbox import OAuth
from maild.core.errors import ConfigError
from maild.oauth import _device_url
from tests.mailbox.desks import _MAILBOX
from tests.servers import _CATEGORIES, SECRET

INVITED = {"device_code": "secret-device", "user_code": "ABCD-EFGH", "interval": "0", "expires_in": 60}
Answer = tuple[int, dict[str, Any]]
PENDING: Answer = (400, {"error": "authorization_pending"})
TOKENS: Answer = (200, {"access_token": "access", "refresh_token": "refresh-1"})


class Provider:
    """Answers questions for codes, and for tokens in turn."""

    def __init__(self) -> None:
        self.code: Answer = (
            200,
            {**INVITED, "verification_uri": "https://login.example/device"},
        )
        self.tokens: list[Answer] = [PENDING, PENDING, TOKENS]
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    def answer(self, path: str, form: dict[str, str]) -> Answer:
        self.asked.append((path, form))
        return self.code if path == "/device" else self.tokens.pop(0)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Pages(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, answer = made.answer(self.path, {key: value[0] for key, value in form.items()})
            self.send_response(status)
            body = json.dumps(answer).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def log_in(folder: Path, provider: Provider, name: str = "support") -> Result:
    (folder / "secret").write_text(SECRET)
    (folder / "client").write_text("client secret")
    oauth = f'''oauth = {{token_url = "{provider.url}/token", device_url = "{provider.url}/device", client_id = "maild",
client_secret_file = "client", refresh_token_file = "refresh", scope = "mail offline"}}'''
    mailbox = _MAILBOX.format(
        name="support", port=1, tls="none", ca_file="", username="support@provider.example", category="tech", more=""
    ).replace('password_file = "password"', oauth.replace("\n", " "))
    head = '[desk]\nname = "Desk"\nstate_dir = "."\n[outbound]\nrelay = "smtp://127.0.0.1:1"\n'
    (folder / "config.toml").write_text(head + _CATEGORIES + mailbox)
    return CliRunner().invoke(main, ["oauth", "login", name, "--config", str(folder / "config.toml")])


def test_a_person_says_yes_and_the_token_is_kept(tmp_path: Path, provider: Provider) -> None:
    result = log_in(tmp_path, provider)
    assert result.exit_code == 0, result.output
    assert "Open https://login.example/device and type the code ABCD-EFGH" in result.output
    assert "secret" not in result.output
    assert (tmp_path / "refresh").read_text() == "refresh-1\n"
    assert (tmp_path / "refresh").stat().st_mode & 0o077 == 0
    assert provider.asked[0] == ("/device", {"client_id": "maild", "scope": "mail offline"})
    path, form = provider.asked[-1]
    assert (path, form["grant_type"]) == ("/token", "urn:ietf:params:oauth:grant-type:device_code")
    assert (form["device_code"], form["client_secret"]) == ("secret-device", "client secret")
    assert len(provider.asked) == 4


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([PENDING, (400, {"error": "access_denied"})], "no login: 400 access_denied"),
        ([(400, {"error": "expired_token"})], "no login: 400 expired_token"),
        ([(200, {"access_token": "access"})], "no refresh token"),
    ],
)
def test_a_no_is_told(tmp_path: Path, provider: Provider, answers: list[Answer], words: str) -> None:
    provider.tokens = answers
    result = log_in(tmp_path, provider)
    assert result.exit_code != 0
    assert words in result.output
    assert not (tmp_path / "refresh").exists()


def test_a_name_that_is_not_there_is_told(tmp_path: Path, provider: Provider) -> None:
    result = log_in(tmp_path, provider, "sales")
    assert "there is no oauth for sales" in result.output
    assert provider.asked == []


def settings(token_url: str) -> OAuth:
    return OAuth.model_construct(token_url=token_url, client_id="maild", device_url=None)


def test_the_large_providers_are_known() -> None:
    microsoft = "https://login.microsoftonline.com/organizations/oauth2/v2.0"
    assert _device_url(settings(f"{microsoft}/token")) == f"{microsoft}/devicecode"
    google = "https://oauth2.googleapis.com"
    assert _device_url(settings(f"{google}/token")) == f"{google}/device/code"
    with pytest.raises(ConfigError, match="device_url"):
        _device_url(settings("https://elsewhere.example/token"))
