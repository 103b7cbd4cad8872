"""The client against a real Dovecot."""

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from urllib.parse import parse_qs

import pytest

from maild.core.errors import Unreachable
from maild.mailbox.client import ImapMailbox
from maild.mailbox.login import Place, connect
from maild.mailbox.protocol import ConnectionLost, LoginRefused, Mailbox, ServerRefused
from maild.mailbox.special import folder_for
from tests.dovecot import PASSWORD, SUPPORT, Dovecot, dovecot

pytestmark = pytest.mark.system
T = TypeVar("T")

MAIL = b"From: anna@customer.example\r\nSubject: %s\r\nMessage-ID: <%s@customer.example>\r\n\r\nHello\r\n"


def mail(name: str) -> bytes:
    return MAIL % (name.encode(), name.encode())


@pytest.fixture(scope="module")
def introspection() -> Iterator[str]:
    """Says of `good` that it is the support's access token."""

    class Pages(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            is_good = form.get("token") == ["good"]
            answer = json.dumps({"active": str(is_good).lower(), "email": SUPPORT}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_request(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/introspect"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(introspection: str) -> Iterator[Dovecot]:
    with dovecot(introspection_url=introspection) as running:
        yield running


class Token:
    """An access token, and how often it was refused."""

    def __init__(self, text: str) -> None:
        self.text, self.refused = text, 0

    async def current(self) -> str:
        return self.text

    def forget(self) -> None:
        self.refused += 1


def place(server: Dovecot, password: str = PASSWORD, token: Token | None = None) -> Place:
    return Place("localhost", server.imaps, SUPPORT, ca_file=server.ca_file, password=lambda: password, token=token)


@asynccontextmanager
async def opened(server: Dovecot) -> AsyncIterator[ImapMailbox]:
    mailbox = await connect(place(server))
    try:
        yield mailbox
    finally:
        await mailbox.logout()


def on(server: Dovecot, do: Callable[[ImapMailbox], Awaitable[T]]) -> T:
    """What `do` gives, done with a mailbox that is open."""

    async def run() -> T:
        async with asyncio.timeout(120), opened(server) as mailbox:
            return await do(mailbox)

    return asyncio.run(run())


def test_mail_is_put_found_read_and_moved(server: Dovecot) -> None:
    moment = datetime(2026, 11, 5, 9, 8, 7, tzinfo=UTC)

    async def play(mailbox: Mailbox) -> None:
        await mailbox.create('Заявки/Новые & "срочные"')
        await mailbox.create('Заявки/Новые & "срочные"')
        before = await mailbox.select("INBOX")
        uids = [await mailbox.append("INBOX", mail(f"put{n}"), [r"\Seen", "$Known"], moment) for n in range(3)]
        assert uids == [before.uidnext, before.uidnext + 1, before.uidnext + 2]
        first = before.uidnext
        found = await mailbox.messages(await mailbox.uids(first))
        assert [each.uid for each in found] == uids
        assert found[0].internaldate == moment
        assert found[0].flags >= {r"\Seen", "$Known"}
        assert found[0].size == len(mail("put0"))
        assert await mailbox.uids_with("put1@customer.example") == [uids[1]]
        assert (await mailbox.headers([first, first + 1]))[first] == mail("put0").split(b"Hello")[0]
        assert await mailbox.fetch(first) == mail("put0")
        assert await mailbox.fetch(first + 1000) is None
        await mailbox.store([first], [r"\Flagged"])
        await mailbox.store([first], [r"\Seen"], is_set=False)
        assert (await mailbox.messages([first]))[0].flags >= {r"\Flagged"}
        moved = await mailbox.move([first, first + 1, first + 1000], 'Заявки/Новые & "срочные"')
        assert moved is not None
        assert sorted(moved) == [first, first + 1]
        there = await mailbox.select('Заявки/Новые & "срочные"', read_only=True)
        assert there.exists == 2
        assert await mailbox.uids() == sorted(moved.values())
        assert there.uidvalidity != 0

    on(server, play)


def test_folders_are_known_by_their_use(server: Dovecot) -> None:
    folders = on(server, lambda mailbox: mailbox.folders())
    assert folder_for("\\Sent", folders) == "Sent"
    assert folder_for("\\Junk", folders) == "Junk"
    assert {folder.delimiter for folder in folders} == {"/"}


def test_a_refusal_leaves_the_connection_as_it_is(server: Dovecot) -> None:
    async def play(mailbox: Mailbox) -> None:
        with pytest.raises(ServerRefused, match="exist"):
            await mailbox.select("No such folder")
        with pytest.raises(ServerRefused) as refused:
            await mailbox.append("No such folder", mail("nowhere"))
        assert refused.value.code == "TRYCREATE"
        await mailbox.noop()

    on(server, play)


def test_a_delivery_ends_the_waiting(server: Dovecot) -> None:
    async def play(mailbox: Mailbox) -> None:
        await mailbox.select("INBOX")
        assert await mailbox.idle(0.05) is False
        waiting = asyncio.create_task(mailbox.idle(20))
        await asyncio.to_thread(server.deliver, mail("waited-for"))
        assert await waiting is True
        await asyncio.to_thread(server.deliver, mail("between"))
        await mailbox.noop()
        assert await mailbox.idle(20) is True, "it came while nobody waited"

    on(server, play)


@pytest.mark.parametrize("wrong", ["nonsense", "пароль"])
def test_a_wrong_password_is_told(server: Dovecot, wrong: str) -> None:
    with pytest.raises(LoginRefused, match="AUTHENTICATIONFAILED"):
        asyncio.run(connect(place(server, wrong)))


def test_access_tokens_log_in(server: Dovecot) -> None:
    async def play() -> None:
        mailbox = await connect(place(server, token=Token("good")))
        await mailbox.logout()
        bad = Token("bad")
        async with asyncio.timeout(60):
            with pytest.raises(LoginRefused):
                await connect(place(server, token=bad))
        assert bad.refused == 1

    asyncio.run(play())


def test_a_certificate_that_nobody_vouches_for_is_refused(server: Dovecot) -> None:
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED") as refused:
        asyncio.run(connect(Place("localhost", server.imaps, SUPPORT, password=lambda: PASSWORD)))
    assert isinstance(refused.value.__cause__, ssl.SSLError)


def test_a_server_that_stops_is_noticed_at_once(introspection: str) -> None:
    async def play(server: Dovecot) -> None:
        mailbox = await connect(place(server))
        await mailbox.select("INBOX")
        waiting = asyncio.create_task(mailbox.idle(600))
        await asyncio.sleep(0.2)  # so that it waits on the server's side
        await asyncio.to_thread(server.stop)
        async with asyncio.timeout(60):
            with pytest.raises(ConnectionLost):
                await waiting
            with pytest.raises(ConnectionLost):
                await mailbox.noop()
        assert mailbox.is_lost
        with pytest.raises(Unreachable):
            await connect(place(server))

    with dovecot() as server:
        asyncio.run(play(server))
