"""STARTTLS: what was said in the clear is forgotten, nothing of it gets inside, who stays outside does no harm."""

import asyncio
import smtplib
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from maild.mailin.access import Access, tls_context
from maild.mailin.certificate import expiry
from tests.mailin.doors import MAIL, Client, Scene, open_door, until
from tests.mailin.test_crowds import LOOPS
from tests.mailin.test_intake import is_count
from tests.mailin.tls import certificate, client_context

MakeLoop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(scope="module", name="access")
def access_with_tls(tmp_path_factory: pytest.TempPathFactory) -> Access:
    return Access(tls_context(*certificate(tmp_path_factory.mktemp("tls"))))


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_mail_comes_in_inside_tls(make_loop: MakeLoop, access: Access, tmp_path: Path) -> None:
    def send(port: int) -> list[bool]:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.ehlo()
            offered = [client.has_extn("starttls")]
            client.starttls(context=client_context())
            client.ehlo()
            offered.append(client.has_extn("starttls"))
            for number in range(3):
                raw = MAIL.replace(b"<1@", b"<%d@" % number) + b"0123456789\r\n" * 7_000
                client.sendmail("ivan@client.example", ["billing@desk.example"], raw)
            return offered

    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            assert isinstance(scene.address, int)
            assert await asyncio.to_thread(send, scene.address) == [True, False]
            assert await is_count(scene, 3)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(go())


async def started(scene: Scene) -> Client:
    client = await (await scene.client()).greet()
    assert (await client.ask("STARTTLS")).startswith("220 2.0.0 ")
    return await client.secure(client_context())


def test_what_was_said_before_is_forgotten(access: Access, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            client = await (await scene.client()).greet()
            await client.ask("MAIL FROM:<ivan@client.example>")
            assert (await client.ask("STARTTLS")).startswith("220 ")
            await client.secure(client_context())
            assert (await client.ask("RCPT TO:<billing@desk.example>")).startswith("503 5.5.1 ")
            assert (await client.ask("MAIL FROM:<ivan@client.example>")).startswith("503 5.5.1 ")
            assert (await client.ask("EHLO again.example")).startswith("250 ")
            assert (await client.ask("STARTTLS")).startswith("503 5.5.1 ")
            assert "mail 1 " in await client.mail()
            await client.leave()

    asyncio.run(go())


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_nothing_from_the_clear_gets_inside(make_loop: MakeLoop, access: Access, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            client = await (await scene.client()).greet()
            client.send(b"STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@client.example>\r\n")
            assert (await client.line()).startswith("554 5.5.1 ")
            assert await client.line() == ""
            await client.leave()
            client = await (await scene.client()).greet()
            assert (await client.ask("STARTTLS")).startswith("220 ")
            client.send(b"EHLO evil.example\r\n")  # instead of a handshake: TLS says what it thinks of that, and closes
            while await client.octets():
                pass
            await client.leave()
            good = await (await scene.client()).greet()
            assert "mail 1 " in await good.mail()
            await good.leave()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(go())


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("behave", [Client.leave, lambda client: client.reset()], ids=["closes", "resets"])
def test_who_leaves_in_the_handshake_leaves_nothing_behind(
    make_loop: MakeLoop,
    behave: Callable[[Client], "asyncio.Future[None]"],
    access: Access,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access, max_connections=1) as scene:
            client = await (await scene.client()).greet()
            assert (await client.ask("STARTTLS")).startswith("220 ")
            client.send(b"\x16\x03\x01")  # the beginning of a handshake
            await client.drain()
            await behave(client)
            await until(lambda: is_empty(scene), "the door is empty again")

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(go())
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def is_empty(scene: Scene) -> bool:
    return scene.door.is_empty


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_handshake_that_never_comes_is_not_waited_for(make_loop: MakeLoop, access: Access, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access, command_time=0.2) as scene:
            client = await (await scene.client()).greet()
            assert (await client.ask("STARTTLS")).startswith("220 ")
            assert await client.octets() == b""
            await client.leave()
            await until(lambda: is_empty(scene), "the door is empty again")

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(go())


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_closing_says_goodbye_inside_tls_and_to_nobody_in_a_handshake(
    make_loop: MakeLoop, access: Access, tmp_path: Path
) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            inside = await started(scene)
            shaking = await (await scene.client()).greet()
            assert (await shaking.ask("STARTTLS")).startswith("220 ")
            await scene.door.close(grace=1)
            assert (await inside.line()).startswith("421 4.3.2 ")
            assert await inside.line() == ""
            assert await shaking.octets() == b""
            for client in (inside, shaking):
                await client.leave()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(go())


def test_old_tls_is_not_spoken(access: Access, tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, access=access) as scene:
            old = client_context()
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                old.minimum_version = ssl.TLSVersion.TLSv1
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.set_ciphers("ALL:@SECLEVEL=0")
            client = await (await scene.client()).greet()
            assert (await client.ask("STARTTLS")).startswith("220 ")
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await client.secure(old)
            await until(lambda: is_empty(scene), "the door is empty again")

    asyncio.run(go())


def test_without_a_certificate_it_is_not_offered(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path) as scene:
            client = await (await scene.client()).greet()
            assert (await client.ask("STARTTLS")).startswith("502 5.5.1 ")
            await client.leave()

    asyncio.run(go())


def test_the_end_of_a_certificate_is_known(tmp_path: Path) -> None:
    made, key = certificate(tmp_path)
    wanted = ssl._ssl._test_decode_cert(str(made))["notAfter"]  # type: ignore[attr-defined]
    assert expiry(tls_context(made, key), made).timestamp() == ssl.cert_time_to_seconds(wanted)
