"""What the doors put into the ledger: once they have said yes, it is there; what they could not keep, they refuse."""

import asyncio
import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from maild.core.mail import Door
from maild.desk.desk import utc_now
from maild.store.db import Tx
from tests.mailin.doors import LOOPBACK, MAIL, Scene, open_door, until

Row = tuple[object, ...]


def test_a_mail_is_kept_to_the_octet_with_its_envelope(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            client = await (await scene.client()).greet()
            before = scene.desk.now()
            raw = b"Subject: \xcf\xf0\0\r\n\r\n" + b"x" * 65_000 + b"\r\n"
            assert await client.mail(raw, "billing+refund@desk.example", "TECH@desk.example") == (
                "250 2.0.0 mail 1 is in the ledger"
            )
            assert await scene.raw(1) == raw
            (row,) = await scene.mails()
            assert before <= row.received_at <= scene.desk.now()
            assert row.door == Door.SMTP
            (arrival,) = await scene.arrivals()
            assert arrival[:3] == ("127.0.0.1", False, "ivan@client.example")
            assert json.loads(str(arrival[3])) == ["billing+refund@desk.example", "TECH@desk.example"]
            assert scene.desk.wake.mail.is_set()
            await client.leave()

    asyncio.run(go())


def test_the_same_mail_again_is_one_row_with_two_arrivals(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            client = await (await scene.client()).greet()
            assert "mail 1 " in await client.mail()
            assert "mail 1 " in await client.mail(MAIL, "tech@desk.example")
            assert len(await scene.mails()) == 1
            assert len(await scene.arrivals()) == 2
            await client.leave()

    asyncio.run(go())


def test_a_trusted_peer_is_known_as_one_and_may_name_its_client(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, trusted_peers=LOOPBACK) as scene:
            client = await (await scene.client()).greet()
            assert await client.ask("XFORWARD ADDR=192.0.2.7 NAME=mail.client.example") == "250 2.0.0 noted"
            await client.mail()
            await client.mail()
            assert [row[:2] for row in await scene.arrivals()] == [("192.0.2.7", True), ("127.0.0.1", True)]
            await client.leave()

    asyncio.run(go())


def test_a_unix_socket_is_trusted_on_lmtp_only(tmp_path: Path) -> None:
    async def arrivals(door: str, greeting: str) -> list[Row]:
        folder = tmp_path / door
        folder.mkdir()
        async with open_door(folder, door, unix=True) as scene:
            client = await (await scene.client()).greet(greeting)
            await client.mail()
            await client.leave()
            return [row[:2] for row in await scene.arrivals()]

    assert asyncio.run(arrivals("lmtp", "LHLO")) == [("", True)]
    assert asyncio.run(arrivals("smtp", "EHLO")) == [("", False)]


def test_lmtp_mends_line_ends(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, "lmtp", unix=True) as scene:
            client = await (await scene.client()).greet("LHLO")
            await client.mail(b"Subject: a\n\nb\r\r\nc\rd\r\n")
            assert await scene.raw(1) == b"Subject: a\r\n\r\nb\r\nc\r\nd\r\n"
            await client.leave()

    asyncio.run(go())


def test_a_client_that_leaves_after_the_dot_loses_nothing(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, max_size=2_000_000) as scene:
            with held_writer(scene) as let_go:
                for number in range(5):
                    client = await (await scene.client()).greet()
                    await client.begin()
                    text = b"x" * 70 + b"\r\n"
                    client.send(MAIL.replace(b"<1@", b"<%d@" % number) + text * (number * 4_000) + b".\r\n")
                    await client.drain()
                    await client.leave()
                let_go()
            await until(lambda: is_count(scene, 5), "five mails")

    asyncio.run(go())


def test_a_client_that_leaves_before_the_dot_has_sent_nothing(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, max_in_flight=100_000) as scene:
            for _ in range(3):
                client = await (await scene.client()).greet()
                await client.begin()
                client.send(MAIL + b"x" * 60_000 + b"\r\n.")
                await client.drain()
                await client.leave()
            client = await (await scene.client()).greet()
            assert "mail 1 " in await client.mail(MAIL + b"y" * 60_000 + b"\r\n")  # nothing of theirs is in memory
            assert await is_count(scene, 1)
            await client.leave()

    asyncio.run(go())


def test_a_client_that_closes_its_side_only_still_gets_its_reply(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            client = await (await scene.client()).greet()
            await client.begin()
            client.send(MAIL + b".\r\n")
            client.end()
            assert "mail 1 " in await client.line()
            assert await client.line() == ""
            await client.leave()

    asyncio.run(go())


def test_a_megabyte_is_taken_and_more_than_the_limit_is_not(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, max_size=1_500_000) as scene:
            client = await (await scene.client()).greet()
            lines = (b"x" * 76 + b"\r\n") * 13_500
            assert "mail 1 " in await client.mail(MAIL + lines)
            assert (await client.mail(MAIL + lines * 2)).startswith("552 5.3.4 ")
            assert (await client.mail(MAIL + b"y" * 2_000_000 + b"\r\n")).startswith("554 5.6.0 ")
            assert "mail 1 " in await client.mail(MAIL + lines)
            assert await is_count(scene, 1)
            await client.leave()

    asyncio.run(go())


def test_a_database_that_others_keep_locked_is_told_as_transient(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            client = await (await scene.client()).greet()
            await scene.desk.store.run(lambda tx: tx.run("SELECT 1"))  # the writer's connection is open
            with locked_by_another(tmp_path / "maild.db"):
                assert await client.mail() == "451 4.3.0 the database is not available"
            assert "mail 1 " in await client.mail()
            await client.leave()

    with caplog.at_level(logging.INFO):
        asyncio.run(go())
    refused, taken = [record.getMessage() for record in caplog.records if record.name == "maild.mailin.door"]
    assert "from 127.0.0.1: 451 4.3.0" in refused
    assert taken == f"smtp: mail 1 from 127.0.0.1, {len(MAIL)} octets: 250"
    assert "client.example" not in refused + taken


def test_a_database_that_never_answers_is_not_waited_for_and_the_mail_comes_in_once(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, commit_time=0.1) as scene:
            client = await (await scene.client()).greet()
            await scene.desk.store.run(lambda tx: tx.run("SELECT 1"))  # the writer's connection is open
            with locked_by_another(tmp_path / "maild.db"):
                assert await client.mail() == "451 4.3.0 the database does not answer, please try again later"
            assert await client.mail() == "250 2.0.0 mail 1 is in the ledger"
            assert len(await scene.mails()) == 1
            await client.leave()

    asyncio.run(go())


def test_a_mistake_of_ours_is_transient_and_tells_strangers_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            client = await (await scene.client()).greet()
            await scene.desk.store.run(lambda tx: tx.run("ALTER TABLE arrivals RENAME COLUMN peer TO pier"))
            assert (await client.mail()).startswith("451 4.3.0 ")
            await scene.desk.store.run(lambda tx: tx.run("ALTER TABLE arrivals RENAME COLUMN pier TO peer"))
            scene.desk.now = broken_clock
            reply = await client.mail()
            assert reply == "451 4.3.0 our own trouble, please try again later"
            scene.desk.now = utc_now
            assert "mail 1 " in await client.mail()
            await client.leave()

    asyncio.run(go())
    assert any(record.exc_info and record.exc_info[0] is LookupError for record in caplog.records)


def test_a_disk_that_cannot_be_asked_is_transient_trouble_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with open_door(tmp_path, disk=tmp_path / "nowhere") as scene:
            client = await (await scene.client()).greet()
            assert (await client.ask("MAIL FROM:<ivan@client.example>")).startswith("451 4.3.0 our own trouble")
            assert (await client.ask("NOOP")).startswith("250 ")
            await client.leave()

    asyncio.run(go())
    assert any(record.exc_info and record.exc_info[0] is FileNotFoundError for record in caplog.records)


def broken_clock() -> datetime:
    raise LookupError("a mistake of ours, for billing@desk.example")


async def is_count(scene: Scene, wanted: int) -> bool:
    return len(await scene.mails()) == wanted


@contextmanager
def locked_by_another(path: Path) -> Iterator[None]:
    """Another connection holds the write lock for longer than the store waits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextmanager
def held_writer(scene: Scene) -> Iterator[Callable[[], None]]:
    """The database's writer stands still until the function is called."""
    gate = threading.Event()

    def wait(tx: Tx) -> None:
        gate.wait(60)

    waiting = asyncio.ensure_future(scene.desk.store.run(wait))
    try:
        yield gate.set
    finally:
        gate.set()
        assert waiting is not None
