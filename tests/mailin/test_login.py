"""Logging in: only where nobody can listen, only with the right password, and not many tries."""

import asyncio
import logging
import time
from base64 import b64encode
from pathlib import Path

import pytest

from maild.core.passwords import hash_of, is_password, read_hash
from maild.mailin.access import Access, tls_context
from maild.store.db import Tx
from tests.mailin.doors import Client, Scene, open_door
from tests.mailin.tls import PASSWORD, certificate, client_context, users

RIGHT = b64encode(f"\0Anna@Office.example\0{PASSWORD}".encode()).decode()
WRONG = b64encode(b"\0anna@office.example\0password").decode()


def text(words: str) -> str:
    return b64encode(words.encode()).decode()


@pytest.fixture(name="access")
def access_for_anna(tmp_path: Path) -> Access:
    return Access(tls_context(*certificate(tmp_path)), users())


async def secure(scene: Scene) -> Client:
    client = await (await scene.client()).greet()
    assert (await client.ask("STARTTLS")).startswith("220 2.0.0 ")
    await client.secure(client_context())
    assert (await client.ask("EHLO client.example")).startswith("250 ")
    return client


def test_who_logs_in_is_known_by_his_address(access: Access, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            client = await secure(scene)
            assert (await client.ask(f"AUTH PLAIN {RIGHT}")).startswith("235 2.7.0 ")
            assert (await client.ask(f"AUTH PLAIN {RIGHT}")).startswith("503 5.5.1 ")
            assert "mail 1 " in await client.mail()
            assert await known_users(scene) == [("anna@office.example",)]
            assert (await client.ask("MAIL FROM:<anna@office.example>")).startswith("250 ")
            assert (await client.ask("RCPT TO:<ivan@client.example>")).startswith("550 5.1.1 ")
            await client.leave()

    asyncio.run(go())


async def known_users(scene: Scene) -> list[tuple[object, ...]]:
    def ask(tx: Tx) -> list[tuple[object, ...]]:
        return tx.all('SELECT "user" FROM arrivals ORDER BY id')

    return await scene.desk.store.read(ask)


@pytest.mark.parametrize(
    ("command", "answers"),
    [
        ("AUTH PLAIN", [RIGHT]),
        ("auth login", [text("anna@office.example"), text(PASSWORD)]),
        (f"AUTH LOGIN {text('anna@office.example')}", [text(PASSWORD)]),
    ],
)
def test_both_mechanisms_work_with_and_without_challenges(
    command: str, answers: list[str], access: Access, tmp_path: Path
) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            client = await secure(scene)
            for line in [command, *answers[:-1]]:
                assert (await client.ask(line)).startswith("334 ")
            assert (await client.ask(answers[-1])).startswith("235 2.7.0 ")
            await client.leave()

    asyncio.run(go())


def test_in_the_clear_nobody_logs_in(access: Access, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            client = await scene.client()
            assert (await client.reply()).startswith("220 ")
            client.send(b"EHLO client.example\r\n")
            lines = [await client.line()]
            while lines[-1][3] == "-":
                lines.append(await client.line())
            assert not any("AUTH" in line for line in lines)
            assert any("STARTTLS" in line for line in lines)
            assert (await client.ask(f"AUTH PLAIN {RIGHT}")).startswith("538 5.7.11 ")
            await client.leave()

    asyncio.run(go())


def test_a_unix_socket_is_private_enough(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, unix=True, access=Access(None, users())) as scene:
            client = await (await scene.client()).greet()
            assert (await client.ask(f"AUTH PLAIN {RIGHT}")).startswith("235 ")
            await client.leave()

    asyncio.run(go())


def test_postfix_may_say_who_had_logged_in_where_the_mail_began(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, unix=True, access=Access(None, users())) as scene:
            client = await (await scene.client()).greet()
            for parameters in ("AUTH=<>", "SIZE=100 AUTH=e+3Dmc2@example.com BODY=8BITMIME"):
                assert (await client.ask(f"MAIL FROM:<a@x.example> {parameters}")).startswith("250 2.1.0 ")
                assert (await client.ask("RCPT TO:<billing@desk.example> AUTH=<>")).startswith("555 5.5.4 ")
                await client.ask("RSET")
            for parameters in ("AUTH", "AUTH="):
                assert (await client.ask(f"MAIL FROM:<a@x.example> {parameters}"))[:4] in ("501 ", "555 ")
            await client.leave()

    asyncio.run(go())


def test_lmtp_knows_no_logins(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, "lmtp", unix=True, access=Access(None, users())) as scene:
            client = await (await scene.client()).greet("LHLO")
            assert (await client.ask(f"AUTH PLAIN {RIGHT}")).startswith("500 5.5.2 ")
            await client.leave()

    asyncio.run(go())


def test_three_wrong_passwords_end_the_connection(
    access: Access, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access, failure_pause=0.05) as scene:
            client = await secure(scene)
            started = time.monotonic()
            assert (await client.ask(f"AUTH PLAIN {WRONG}")).startswith("535 5.7.8 ")
            assert time.monotonic() - started > 0.05
            nobody = text("\0nobody@office.example\0" + PASSWORD)
            assert (await client.ask(f"AUTH PLAIN {nobody}")).startswith("535 5.7.8 ")
            assert (await client.ask(f"AUTH PLAIN {WRONG}")).startswith("421 4.7.0 ")
            assert await client.line() == ""
            await client.leave()

    with caplog.at_level(logging.DEBUG):
        asyncio.run(go())
    assert not any(secret in caplog.text for secret in (WRONG, "nobody@", "password'"))


def test_an_address_that_fails_too_often_is_not_listened_to(access: Access, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access, failure_pause=0, max_failures=100) as scene:
            client = await secure(scene)
            for _ in range(10):
                assert (await client.ask(f"AUTH PLAIN {WRONG}")).startswith("535 ")
            assert (await client.ask(f"AUTH PLAIN {RIGHT}")).startswith("454 4.7.0 ")
            assert "mail 1 " in await client.mail()
            await client.leave()

    asyncio.run(go())


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["AUTH"], "504"),
        (["AUTH CRAM-MD5"], "504"),
        (["AUTH PLAIN %%%"], "501"),
        (["AUTH PLAIN ="], "501"),
        (["AUTH PLAIN", "*"], "501"),
        (["AUTH PLAIN", "a" * 70_000], "500"),
        ([f"AUTH PLAIN {text('boss' + chr(0) + 'anna@office.example' + chr(0) + PASSWORD)}"], "535"),
        (["AUTH LOGIN", "*"], "501"),
    ],
)
def test_a_talk_that_goes_wrong_is_not_a_login(lines: list[str], code: str, access: Access, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            client = await secure(scene)
            for line in lines[:-1]:
                assert (await client.ask(line)).startswith("334 ")
            assert (await client.ask(lines[-1])).startswith(code)
            assert (await client.ask("NOOP")).startswith("250 ")
            await client.leave()

    asyncio.run(go())


def test_a_password_is_known_by_its_hash_only() -> None:
    kept = hash_of("слово", b"some salt of it.")
    assert read_hash(str(kept)) == kept
    assert is_password("слово", kept)
    assert not is_password("слово ", kept)
    assert "слово" not in str(kept)


def test_the_hashes_of_others_are_understood() -> None:
    """The third example of RFC 7914 §12."""
    digest = "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw"
    assert is_password("pleaseletmein", read_hash(f"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU${digest}"))


def test_closing_finds_clients_in_every_phase(tmp_path: Path) -> None:
    async def go() -> float:
        async with open_door(tmp_path, unix=True, access=Access(None, users()), greeting_pause=0.3) as scene:
            clients = [await scene.client() for _ in range(6)]
            _, *rest = clients  # the first has not even heard its greeting
            for client in rest:
                assert (await client.reply()).startswith("220 ")
            for client in rest[1:]:
                await client.ask("EHLO client.example")
            assert (await rest[1].ask("AUTH LOGIN")).startswith("334 ")
            rest[2].send(f"AUTH PLAIN {WRONG}\r\n".encode())  # its answer takes a second
            await rest[3].ask("MAIL FROM:<ivan@client.example>")
            await rest[4].begin()
            started = time.monotonic()
            await scene.door.close(grace=0.5)
            took = time.monotonic() - started
            assert scene.door.is_empty
            for client in clients:
                while line := await client.line():
                    last = line
                assert last.startswith("421 4.3.2 ")
                await client.leave()
            return took

    assert asyncio.run(go()) < 20
