"""A real Postfix in front of the LMTP door."""

import asyncio
import smtplib
from pathlib import Path

import pytest

from tests.mailin.doors import LOOPBACK, MAIL, open_door, until
from tests.mailin.test_intake import is_count
from tests.servers import postfix


@pytest.mark.system
def test_postfix_delivers_to_two_recipients_and_names_its_client(tmp_path: Path) -> None:
    async def go() -> None:
        async with open_door(tmp_path, "lmtp", trusted_peers=LOOPBACK) as scene:
            transports = {"desk.example": f"lmtp:inet:127.0.0.1:{scene.address}"}
            with postfix(transports, {"lmtp_send_xforward_command": "yes"}) as server:
                await asyncio.to_thread(submit, server.port, ["billing@desk.example", "tech@desk.example"])
                await until(lambda: is_count(scene, 1), server.log())
            (arrival,) = await scene.arrivals()
            assert arrival == (
                "127.0.0.2",
                True,
                "ivan@client.example",
                '["billing@desk.example", "tech@desk.example"]',
            )
            assert b"X-Mended: no" in await scene.raw(1)

    asyncio.run(go())


def submit(port: int, recipients: list[str]) -> None:
    with smtplib.SMTP("127.0.0.1", port, source_address=("127.0.0.2", 0)) as client:
        assert client.sendmail("ivan@client.example", recipients, b"X-Mended: no\r\n" + MAIL) == {}
