"""Whose request it is behind a proxy: only a proxy of ours is believed, and only about the hop in front of it."""

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from maild.web.proxies import Proxies

OURS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def seen(peer: str, *forwarded: str, proto: str = "", server: tuple[str, int | None] | None = None) -> tuple[str, str]:
    """What the application behind is told: client and scheme."""
    found: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append((scope["client"][0] if scope["client"] else "", scope["scheme"]))

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nobody asks")

    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    headers += [(b"x-forwarded-proto", proto.encode())] if proto else []
    client = (peer, 1) if peer else None
    scope = {"type": "http", "headers": headers, "client": client, "scheme": "http", "server": server}
    asyncio.run(Proxies(app, OURS)(scope, nothing, nothing))
    return found[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", ("203.0.113.9",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("1.2.3.4, 203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("1.2.3.4", "203.0.113.9, 10.0.0.2"), "203.0.113.9"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("fd00::1", ("2001:db8::1",), "2001:db8::1"),
        ("", ("203.0.113.9",), "203.0.113.9"),
        ("::ffff:198.51.100.7", ("203.0.113.9",), "198.51.100.7"),
        ("::ffff:10.0.0.1", ("::ffff:203.0.113.9, ::ffff:a00:2",), "203.0.113.9"),
        ("10.0.0.1", ("203.0.113.9,",), "203.0.113.9"),
        ("", (), ""),
    ],
)
def test_the_client_is_the_last_hop_that_is_none_of_ours(peer: str, forwarded: tuple[str, ...], client: str) -> None:
    assert seen(peer, *forwarded)[0] == client


def test_the_scheme_is_told_by_a_proxy_of_ours_only() -> None:
    assert seen("10.0.0.1", proto="https")[1] == "https"
    assert seen("10.0.0.1", proto="javascript")[1] == "http"
    assert seen("198.51.100.7", proto="https")[1] == "http"


def test_a_client_without_an_address_is_a_proxy_on_a_unix_socket_only() -> None:
    assert seen("", "203.0.113.9", server=("/run/maild.sock", None))[0] == "203.0.113.9"
    assert seen("", "203.0.113.9", proto="https", server=("192.0.2.1", 80)) == ("", "http")
