"""Opens a mailbox: connects, says who we are, finds out what the server can do."""

import asyncio
import base64
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from maild.core.errors import GrantRefused, Unreachable
from maild.mailbox.client import ImapMailbox
from maild.mailbox.connection import Connection, Question
from maild.mailbox.names import quoted
from maild.mailbox.protocol import LoginRefused, ServerRefused

_OPENING = 20.0  # seconds for connecting, TLS and the greeting
_NOT_ABOUT_US = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN")  # RFC 5530 §3


class AccessToken(Protocol):
    """Where access tokens come from."""

    async def current(self) -> str:
        """A token that is good for now. Raises Unreachable if there is none to be had."""

    def forget(self) -> None:
        """The last one was refused."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mailbox is and who we are there. `password` is asked at every login, since it may change.

    With `token` the login is OAUTHBEARER or XOAUTH2. `ca_file` holds the certificates that vouch for the server's.
    """

    host: str
    port: int
    username: str
    is_tls: bool = True
    ca_file: Path | None = None
    password: Callable[[], str] = str
    token: AccessToken | None = None


async def connect(place: Place) -> ImapMailbox:
    """Open a connection and log in; close it in the end.

    Raises LoginRefused if the server does not want us, ConnectionLost or Unreachable if it does not answer.
    """
    connection = Connection(asyncio.get_running_loop())
    try:
        greeting = await _open(connection, place)
        capabilities = await _Login(connection, place).log_in(greeting)
    except BaseException:
        connection.give_up("not opened")
        raise
    return ImapMailbox(connection, capabilities)


async def _open(connection: Connection, place: Place) -> bytes:
    """The server's greeting."""
    try:
        async with asyncio.timeout(_OPENING):
            context = await asyncio.to_thread(_tls, place)
            await connection.loop.create_connection(lambda: connection, place.host, place.port, ssl=context)
            return await connection.greeting()
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or "no answer"
        raise Unreachable(f"{place.host}:{place.port}: {reason}") from error


def _tls(place: Place) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=place.ca_file) if place.is_tls else None


class _Login:
    def __init__(self, connection: Connection, place: Place) -> None:
        self._connection, self._place = connection, place
        self._capabilities: frozenset[str] = frozenset()

    async def log_in(self, greeting: bytes) -> frozenset[str]:
        """What the server can do, once it knows us."""
        self._capabilities = _capabilities_in([greeting]) or await self._ask_capabilities()
        if self._connection.state == "AUTH":  # PREAUTH
            return self._capabilities
        try:
            question = await self._say_who()
        except ServerRefused as error:
            if self._place.token is not None:
                self._place.token.forget()
            kind = Unreachable if error.code in _NOT_ABOUT_US else LoginRefused
            raise kind(f"{self._place.host}: {error}") from error
        self._connection.state = "AUTH"
        said = [*(parts[0] for parts in question.responses), question.text]
        return _capabilities_in(said) or await self._ask_capabilities()

    async def _say_who(self) -> Question:
        place = self._place
        if place.token is not None:
            try:
                token = await place.token.current()
            except GrantRefused as error:
                raise LoginRefused(f"{place.host}: {error}") from error
            return await self._authenticate(*_bearer(place, token, self._capabilities))
        try:
            password = await asyncio.to_thread(place.password)
        except (OSError, ValueError) as error:
            raise Unreachable(f"{place.host}: {error}") from error
        if "LOGINDISABLED" in self._capabilities or not (place.username + password).isascii():
            return await self._authenticate("PLAIN", f"\0{place.username}\0{password}")  # RFC 4616: UTF-8
        return await self._connection.ask("LOGIN", quoted(place.username), quoted(password))

    async def _authenticate(self, mechanism: str, response: str) -> Question:
        first = base64.b64encode(response.encode()).decode()
        if "SASL-IR" in self._capabilities:  # RFC 4959
            return await self._connection.ask("AUTHENTICATE", mechanism, first)
        return await self._connection.ask("AUTHENTICATE", mechanism, answers=[first])

    async def _ask_capabilities(self) -> frozenset[str]:
        question = await self._connection.ask("CAPABILITY")
        return _capabilities_in([parts[0] for parts in question.responses])


def _capabilities_in(lines: list[bytes]) -> frozenset[str]:
    """From a CAPABILITY response, or the code of that name in a greeting or the answer to a login."""
    found = (re.search(rb"(?:^\* |\[)CAPABILITY ([^\]]*)", line, re.IGNORECASE) for line in lines)
    return frozenset(word for match in found if match for word in match[1].decode("latin-1").upper().split())


def _bearer(place: Place, token: str, capabilities: frozenset[str]) -> tuple[str, str]:
    """Mechanism and first response: RFC 7628 §3.1, or what Google made before that and most others took over."""
    if "AUTH=OAUTHBEARER" in capabilities and "AUTH=XOAUTH2" not in capabilities:
        name = place.username.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 §4
        return "OAUTHBEARER", f"n,a={name},\1host={place.host}\1port={place.port}\1auth=Bearer {token}\1\1"
    return "XOAUTH2", f"user={place.username}\1auth=Bearer {token}\1\1"
