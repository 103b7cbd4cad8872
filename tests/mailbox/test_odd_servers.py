"""The client against servers that lack things, refuse things, or leave."""

import asyncio
import gc
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from maild.core.errors import Unreachable
from maild.mailbox import connection
from maild.mailbox.client import ImapMailbox
from maild.mailbox.login import Place, connect
from maild.mailbox.protocol import ConnectionLost, LoginRefused, Mailbox, ServerRefused
from tests.imapserver import BYE, CUT, DROP, HALFWAY, HANG, NO, PASSWORD, USER, Box, ImapServer
from tests.mailbox.desks import mail

T = TypeVar("T")
OLD = "IMAP4rev1"

COMMANDS: dict[str, Callable[[Mailbox], Awaitable[Any]]] = {
    "SELECT": lambda mailbox: mailbox.select("INBOX"),
    "EXAMINE": lambda mailbox: mailbox.select("INBOX", read_only=True),
    "SEARCH": lambda mailbox: mailbox.uids(),
    "FETCH": lambda mailbox: mailbox.fetch(1),
    "APPEND": lambda mailbox: mailbox.append("INBOX", mail(9)),
    "MOVE": lambda mailbox: mailbox.move([1], "Done"),
    "STORE": lambda mailbox: mailbox.store([1], ["\\Seen"]),
    "LIST": lambda mailbox: mailbox.folders(),
    "SUBSCRIBE": lambda mailbox: mailbox.create("New"),
    "NOOP": lambda mailbox: mailbox.noop(),
}


def place(server: ImapServer, password: str = PASSWORD) -> Place:
    return Place("127.0.0.1", server.port, USER, is_tls=False, password=lambda: password)


def on(server: ImapServer, do: Callable[[ImapMailbox], Awaitable[T]]) -> T:
    async def run() -> T:
        async with asyncio.timeout(120):
            mailbox = await connect(place(server))
            try:
                return await do(mailbox)
            finally:
                mailbox.close()

    return asyncio.run(run())


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_refused_command_is_told_and_the_connection_goes_on(command: str) -> None:
    async def play(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        server.fail(command, NO)
        with pytest.raises(ServerRefused):
            await COMMANDS[command](mailbox)
        await COMMANDS[command](mailbox)

    with ImapServer() as server:
        server.put(mail(1))
        server.folders["Done"] = Box()
        on(server, play)


@pytest.mark.parametrize("does", [BYE, DROP])
@pytest.mark.parametrize("command", [*COMMANDS, "IDLE"])
def test_a_server_that_leaves_is_noticed_at_once(command: str, does: str) -> None:
    async def play(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        server.fail(command, does)
        started = time.monotonic()
        with pytest.raises(ConnectionLost):
            await (mailbox.idle(600) if command == "IDLE" else COMMANDS[command](mailbox))
        assert time.monotonic() - started < connection.PATIENCE / 2
        assert mailbox.is_lost
        with pytest.raises(ConnectionLost):
            await mailbox.noop()

    with ImapServer() as server:
        server.put(mail(1))
        on(server, play)


@pytest.mark.parametrize("does", [BYE, DROP, NO])
@pytest.mark.parametrize("command", ["LOGIN", "CAPABILITY"])
def test_a_server_that_leaves_at_the_login_is_noticed_at_once(command: str, does: str) -> None:
    with ImapServer() as server:
        server.fail(command, does)
        if command == "LOGIN" and does == NO:
            with pytest.raises(LoginRefused):
                asyncio.run(connect(place(server)))
        else:
            with pytest.raises((Unreachable, ServerRefused)):
                asyncio.run(connect(place(server)))


def test_a_connection_cut_inside_a_message_gives_no_part_of_it() -> None:
    async def play(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        server.fail("FETCH", CUT)
        with pytest.raises(ConnectionLost):
            await mailbox.fetch(1)

    with ImapServer() as server:
        server.put(mail(1, body="x" * 100_000))
        on(server, play)


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.3)
    monkeypatch.setattr(connection, "_PROMPT", 0.3)

    async def play(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        server.fail("NOOP", HANG)
        with pytest.raises(ConnectionLost, match="no answer to NOOP"):
            await mailbox.noop()

    async def idle(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        server.fail("IDLE", HANG)
        with pytest.raises(ConnectionLost, match="no answer to IDLE"):
            await mailbox.idle(5)

    with ImapServer() as server:
        on(server, play)
        on(server, idle)


def test_a_cancelled_question_ends_the_connection() -> None:
    async def play(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        asked = asyncio.create_task(mailbox.idle(60))
        await asyncio.to_thread(server.wait_asked, "IDLE")
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        with pytest.raises(ConnectionLost, match="cancelled"):
            await mailbox.noop()

    with ImapServer() as server:
        on(server, play)


def test_a_server_without_move_and_uidplus_moves_all_the_same_and_spares_others() -> None:
    async def play(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        await mailbox.store([3], ["\\Deleted"])
        assert await mailbox.move([1, 2], "Done") is None

    with ImapServer(OLD) as server:
        for number in range(1, 5):
            server.put(mail(number))
        server.folders["Done"] = Box()
        on(server, play)
        assert [message.raw for message in server.folders["Done"].messages] == [mail(1), mail(2)]
        left = server.folders["INBOX"].messages
        assert [(message.uid, message.flags) for message in left] == [(3, {"\\Deleted"}), (4, set())]


def test_a_server_without_idle_is_asked_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maild.mailbox.client._POLL", 0.05)

    async def play(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        assert await mailbox.idle(10) is False
        server.put(mail(1))
        assert await mailbox.idle(10) is True

    with ImapServer(OLD) as server:
        on(server, play)
    with ImapServer() as server:
        server.fail("IDLE", NO)
        on(server, play)
        assert server.asked("NOOP") == 2, "it said that it could"


def test_a_server_that_repeats_how_many_there_are_tells_nothing_new() -> None:
    async def play(mailbox: ImapMailbox) -> None:
        await mailbox.select("INBOX")
        server.repeats = True
        assert await mailbox.idle(0.5) is False
        await asyncio.gather(mailbox.idle(20), asyncio.to_thread(server.put, mail(2)))

    with ImapServer() as server:
        server.put(mail(1))
        on(server, play)


def test_a_mail_that_is_refused_half_way_ends_the_connection() -> None:
    async def play(mailbox: ImapMailbox) -> None:
        server.fail("APPEND", HALFWAY)
        with pytest.raises(ServerRefused, match="no room"):
            await mailbox.append("INBOX", mail(1, body="x" * 30_000_000))
        assert mailbox.is_lost, "the rest of the mail would be taken for commands"

    with ImapServer() as server:
        on(server, play)


def test_a_server_that_answers_searches_in_the_new_form_only() -> None:
    async def play(mailbox: ImapMailbox) -> tuple[list[int], list[int], list[int]]:
        await mailbox.select("INBOX")
        named = await mailbox.uids_with("question-2@customer.example")
        return await mailbox.uids(2), await mailbox.uids(9), named

    with ImapServer(only_esearch=True) as server:
        for number in range(1, 4):
            server.put(mail(number))
        assert on(server, play) == ([2, 3], [], [2])


def test_thousands_of_lines_at_once_are_read() -> None:
    async def play(mailbox: ImapMailbox) -> int:
        await mailbox.select("INBOX")
        await mailbox.store(await mailbox.uids(), ["\\Deleted"])
        return len(await mailbox.messages(await mailbox.uids()))

    with ImapServer() as server:
        for number in range(3000):
            server.put(mail(number))
        assert on(server, play) == 3000


@pytest.mark.slow
def test_a_large_mail_is_there_once_and_holds_up_nobody() -> None:
    """25 MiB: the memory grows by less than twice that, and the event loop goes on.

    Each lag is what the loop's own thread worked between two looks: a busy machine makes it no longer.
    """
    raw = mail(1, body=re.sub(b"(?s).{76}", b"A" * 76 + b"\r\n", b"A" * (25 * 2**20)).decode())
    lags: list[float] = []

    async def tick() -> None:
        while True:
            started = time.thread_time()
            await asyncio.sleep(0.005)
            lags.append(time.thread_time() - started)

    async def play(mailbox: ImapMailbox) -> int:
        await mailbox.select("INBOX")
        ticking = asyncio.create_task(tick())
        gc.collect()
        before = forget_peak()
        fetched = await mailbox.fetch(1)
        grown = peak() - before
        ticking.cancel()
        assert fetched == raw
        return grown

    with ImapServer() as server:
        server.put(raw)
        grown = on(server, play)
    assert grown < 2 * len(raw)
    assert max(lags) < 0.05


def forget_peak() -> int:
    """From here on the peak counts anew (proc(5)); where it starts."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most memory this process has had, in octets."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
