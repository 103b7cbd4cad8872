"""Many clients at once, and how a door is closed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.mailin.doors import LOOPBACK, MAIL, Client, Scene, open_door, until
from tests.mailin.test_intake import held_writer, is_count


def test_one_address_gets_so_many_connections_and_no_more(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, max_per_address=3) as scene:
            clients = [await (await scene.client()).greet() for _ in range(3)]
            fourth = await scene.client()
            assert (await fourth.line()).startswith("421 4.7.0 ")
            assert await fourth.line() == ""
            await clients.pop().leave()
            await until(lambda: is_greeted(scene), "a place is free again")
            for client in [*clients, fourth]:
                await client.leave()

    asyncio.run(go())


async def is_greeted(scene: Scene) -> bool:
    client = await scene.client()
    said = await client.line()
    await client.leave()
    return said.startswith("220 ")


def test_trusted_peers_have_no_such_limit(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, max_per_address=1, trusted_peers=LOOPBACK) as scene:
            clients = [await (await scene.client()).greet() for _ in range(3)]
            for client in clients:
                await client.leave()

    asyncio.run(go())


def test_in_a_crowd_the_oldest_idle_connection_has_to_leave(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, max_connections=3) as scene:
            busy, idle, young = [await (await scene.client()).greet() for _ in range(3)]
            await busy.begin()
            fourth = await (await scene.client()).greet()
            assert (await idle.line()).startswith("421 4.3.2 ")
            assert await idle.line() == ""
            busy.send(MAIL + b".\r\n")
            assert "mail 1 " in await busy.reply()
            assert (await young.ask("NOOP")).startswith("250 ")
            for client in (busy, idle, young, fourth):
                await client.leave()

    asyncio.run(go())


def test_when_all_are_busy_the_new_one_has_to_wait(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, max_connections=1) as scene:
            busy = await (await scene.client()).greet()
            await busy.begin()
            second = await scene.client()
            assert (await second.line()).startswith("421 4.3.2 ")
            busy.send(MAIL + b".\r\n")
            assert "mail 1 " in await busy.reply()
            await busy.leave()
            await second.leave()

    asyncio.run(go())


def test_a_hundred_recipients_are_taken_and_more_are_put_off(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            client = await (await scene.client()).greet()
            await client.ask("MAIL FROM:<ivan@client.example>")
            replies = [await client.ask(f"RCPT TO:<billing+{number}@desk.example>") for number in range(101)]
            assert {reply[:10] for reply in replies[:100]} == {"250 2.1.5 "}
            assert replies[100] == "452 4.5.3 too many recipients"
            assert (await client.ask("RCPT TO:<nobody@desk.example>")).startswith("550 5.1.1 ")
            assert (await client.ask("DATA")).startswith("354 ")
            client.send(MAIL + b".\r\n")
            assert "mail 1 " in await client.reply()
            await client.leave()

    asyncio.run(go())


def test_who_sends_mail_may_give_as_many_commands_as_he_likes(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, max_commands=10) as scene:
            client = await (await scene.client()).greet()
            for number in range(10):
                assert "250 2.0.0 mail" in await client.mail(MAIL.replace(b"<1@", b"<%d@" % number))
            assert await is_count(scene, 10)
            await client.leave()

    asyncio.run(go())


def test_fifty_clients_at_once_lose_nothing(tmp_path: Path) -> None:
    async def send(scene: Scene, number: int) -> None:
        client = await (await scene.client()).greet()
        for each in range(4):
            assert "250 2.0.0 mail" in await client.mail(MAIL.replace(b"<1@", b"<%d.%d@" % (number, each)))
        assert (await client.ask("QUIT")).startswith("221 ")
        await client.leave()

    async def go() -> None:
        async with open_door(tmp_path, trusted_peers=LOOPBACK) as scene:
            await asyncio.gather(*(send(scene, number) for number in range(50)))
            assert await is_count(scene, 200)

    asyncio.run(go())


def test_a_thousand_lines_that_end_nowhere_do_not_fill_the_memory(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            client = await (await scene.client()).greet()
            for _ in range(100):
                client.send(b"x" * 100_000)
                await client.drain()
            client.send(b"\r\n")
            assert (await client.reply()).startswith("500 5.5.2 ")
            assert "mail 1 " in await client.mail()
            await client.leave()

    asyncio.run(go())


def uvloop_if_installed() -> asyncio.AbstractEventLoop:
    """The other event loop maild runs on."""
    loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
    return loop


LOOPS = [asyncio.new_event_loop, uvloop_if_installed]


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_closing_sends_idle_clients_away_and_lets_a_mail_come_to_its_end(
    make_loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            idle, busy = [await (await scene.client()).greet() for _ in range(2)]
            await busy.begin()
            closing = asyncio.create_task(scene.door.close(grace=10))
            assert (await idle.line()).startswith("421 4.3.2 ")
            assert not closing.done()
            with pytest.raises(ConnectionRefusedError):
                await scene.client()
            busy.send(MAIL + b".\r\n")
            assert "mail 1 " in await busy.line()
            assert (await busy.line()).startswith("421 4.3.2 ")
            assert await busy.line() == ""
            await closing
            assert await is_count(scene, 1)
            for client in (idle, busy):
                await client.leave()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(go())


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("door", ["smtp", "lmtp"])
def test_closing_takes_no_longer_than_it_may(
    make_loop: Callable[[], asyncio.AbstractEventLoop], door: str, tmp_path: Path
) -> None:
    async def go() -> float:
        async with open_door(tmp_path, door, unix=door == "lmtp") as scene:
            clients = [await (await scene.client()).greet("LHLO" if door == "lmtp" else "EHLO") for _ in range(6)]
            for stubborn in clients[:3]:
                await stubborn.begin()
                stubborn.send(b"Subject: never")
            started = time.monotonic()
            await scene.door.close(grace=0.3)
            took = time.monotonic() - started
            for client in clients:
                assert (await client.line()).startswith("421 4.3.2 ")
                assert await client.line() == ""
                await client.leave()
            return took

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert 0.3 <= runner.run(go()) < 20


def test_closing_waits_for_the_mail_of_a_client_that_has_left(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            with held_writer(scene) as let_go:
                client = await (await scene.client()).greet()
                await client.begin()
                client.send(MAIL + b".\r\n")
                await client.drain()
                await client.leave()
                closing = asyncio.create_task(scene.door.close(grace=60))
                done, _ = await asyncio.wait([closing], timeout=0.1)
                assert not done
                let_go()
                await closing
            assert await is_count(scene, 1)

    asyncio.run(go())


@pytest.mark.parametrize("behave", [Client.leave, lambda client: client.reset()], ids=["closes", "resets"])
def test_clients_that_come_and_go_leave_nothing_in_the_log(
    behave: Callable[[Client], Awaitable[None]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            await behave(await scene.client())
            await behave(await (await scene.client()).greet())
            midway = await (await scene.client()).greet()
            await midway.begin()
            midway.send(b"Subject: ne")
            await behave(midway)
            deaf = await (await scene.client()).greet()
            deaf.send(b"NOOP\r\n" * 50)
            await behave(deaf)
            assert await is_greeted(scene)

    with caplog.at_level(logging.WARNING):
        asyncio.run(go())
    assert [record.getMessage() for record in caplog.records] == []
