"""Letters to a relay by SMTP (RFC 5321), on one connection for as long as it is of use.

Trouble before MAIL is the relay's (Later, for all letters); from MAIL on it is this letter's. Knows no outbox.
"""

import asyncio
import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Protocol

import aiosmtplib

from maild.core.errors import Unreachable
from maild.mailout.outcome import Delivered, Later, Never, Outcome, one_line

_CONNECT = 30  # seconds for each step until the relay is ready for MAIL
_COMMAND = 60
_DATA = 300
_ATTEMPT = 500  # all steps together; must stay below the lease of an outbox row
_GOODBYE = 2
_MAX_LETTERS = 100  # on one connection
_NOT_READY = 421  # the relay is about to close the connection (RFC 5321 §3.8)
_LOGIN_WANTED = 530  # "Authentication required", "Must issue a STARTTLS command first" (RFC 4954 §6, RFC 3207 §4)

_BARE_END = re.compile(rb"\r\n|\r|\n")
_TROUBLE: Final = (aiosmtplib.SMTPException, OSError)  # OSError: also time-outs and TLS


class AccessToken(Protocol):
    """What stands for a password at a relay that wants OAuth (RFC 6749 §1.4)."""

    async def current(self) -> str:
        """A token that is good for now. Raises Unreachable if there is none to be had."""

    def forget(self) -> None:
        """The relay has refused it: the next one has to be new."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Where letters go. `password` is asked at every connection; `own_name` is for EHLO ("" = the system's name).

    With `token` the login is XOAUTH2. `ca_file` holds the certificates that vouch for the relay's; then TLS is a must.
    """

    host: str
    port: int
    is_smtps: bool
    username: str
    password: Callable[[], str]
    own_name: str
    token: AccessToken | None = None
    ca_file: Path | None = None

    @property
    def wants_starttls(self) -> bool:
        """Must the connection go over to TLS: where a password would go out over a network, or by order."""
        return not self.is_smtps and (self.ca_file is not None or (bool(self.username) and not self.is_loopback))

    @property
    def is_checked(self) -> bool:
        """Must the relay prove who it is?"""
        return self.ca_file is not None or (not self.is_loopback and (self.is_smtps or self.wants_starttls))

    @property
    def is_loopback(self) -> bool:
        """Nobody can listen in between."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class SmtpTransport:
    """One connection to the relay, made when needed and again when lost."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._client: aiosmtplib.SMTP | None = None
        self._letters = 0

    async def deliver(self, mail_from: str, rcpt_to: str, data: bytes) -> Outcome:
        """Hand over one letter. A drop after the final dot is Later: the same bytes again may come twice, never not."""
        try:
            async with asyncio.timeout(_ATTEMPT):
                client = await self._connection()
                self._letters += 1
                return await self._hand_over(client, mail_from, rcpt_to, data)
        except Unreachable as error:
            return Later(one_line(str(error)), is_relay_down=True)
        except TimeoutError:
            self._drop()
            return Later("the relay took too long")
        except asyncio.CancelledError:
            self._drop()  # in the middle of a letter nothing may follow on this connection
            raise

    async def close(self) -> None:
        """Say QUIT, if the relay still listens, and hang up."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await client.quit(timeout=_GOODBYE)
        except _TROUBLE:
            pass  # it does not listen any more
        finally:
            client.close()

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _connection(self) -> aiosmtplib.SMTP:
        """The connection ready for MAIL: the one we have, if the relay agrees, or a new one. Raises Unreachable."""
        if self._client is not None and self._letters < _MAX_LETTERS and await self._is_ready(self._client):
            return self._client
        await self.close()
        self._client, self._letters = await connect(self._relay), 0
        return self._client

    async def _is_ready(self, client: aiosmtplib.SMTP) -> bool:
        try:
            await client.rset(timeout=_COMMAND)
        except _TROUBLE:
            self._drop()
            return False
        return True

    async def _hand_over(self, client: aiosmtplib.SMTP, mail_from: str, rcpt_to: str, data: bytes) -> Outcome:
        is_wide = not (mail_from.isascii() and rcpt_to.isascii() and data.isascii())
        if is_wide and not client.supports_extension("smtputf8"):
            # RFC 6531 §3.2
            return Never("the relay does not take international addresses (SMTPUTF8)", is_unseen=True)
        limit = size_limit(client)
        if limit and len(data) > limit:
            words = f"552 5.3.4 the relay takes {limit} octets at most and this letter has {len(data)}"
            return Never(f"{words}: set outbound.max_size", is_unseen=True)
        try:
            return await _transaction(client, mail_from, rcpt_to, data, is_wide)
        except aiosmtplib.SMTPResponseException as error:
            return self._refused(error.code, one_line(f"{error.code} {error.message}"))
        except _TROUBLE as error:
            self._drop()
            return Later(one_line(f"connection lost: {error}"))

    def _refused(self, code: int, reply: str) -> Outcome:
        if code == _LOGIN_WANTED:
            return Later(reply, is_relay_down=True)
        if code == _NOT_READY or not 400 <= code < 600:
            self._drop()
        return Never(reply) if 500 <= code < 600 else Later(reply)


def size_limit(client: aiosmtplib.SMTP) -> int:
    """The largest letter that the relay says it takes, in octets; 0 if it does not say (RFC 1870 §4)."""
    said = client.esmtp_extensions.get("size", "")
    return int(said) if said.isdecimal() else 0


async def _transaction(client: aiosmtplib.SMTP, mail_from: str, rcpt_to: str, data: bytes, is_wide: bool) -> Delivered:
    options = ["SMTPUTF8", "BODY=8BITMIME"] if is_wide else []
    if client.supports_extension("size"):
        options.append(f"SIZE={len(data)}")  # RFC 1870: a letter too big is refused before it is sent
    await client.mail(mail_from, options=options, encoding="utf-8", timeout=_COMMAND)
    await client.rcpt(rcpt_to, encoding="utf-8", timeout=_COMMAND)
    response = await _data(client, data)
    return Delivered(one_line(f"{response.code} {response.message}"))


async def _data(client: aiosmtplib.SMTP, data: bytes) -> aiosmtplib.SMTPResponse:
    """DATA by hand: the library's own repairs every line end, which stops the event loop for a second at 25 MiB."""
    response = await client.execute_command(b"DATA", timeout=_COMMAND)
    if response.code != 354 or client.protocol is None:
        raise aiosmtplib.SMTPDataError(response.code, response.message)
    client.protocol.write(on_the_wire(data))
    response = await client.protocol.read_response(timeout=_DATA)
    if not 200 <= response.code < 300:
        raise aiosmtplib.SMTPDataError(response.code, response.message)
    return response


def on_the_wire(data: bytes) -> bytes:
    """A letter as DATA wants it: CRLF everywhere (RFC 5321 §2.3.8), leading dots doubled, the final dot (§4.5.2)."""
    if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        data = _BARE_END.sub(b"\r\n", data)
    end = b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"
    return (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:] + end


async def connect(relay: Relay) -> aiosmtplib.SMTP:
    """A connection that has gone through TLS and login as far as the relay asks for them. Raises Unreachable."""
    try:
        client = _client(relay, await _password(relay))
        await client.connect()
    except aiosmtplib.SMTPResponseException as error:
        if relay.token is not None:
            relay.token.forget()
        raise Unreachable(f"{error.code} {error.message}") from error
    except (*_TROUBLE, ValueError) as error:  # ValueError: a password that cannot be read or sent
        raise Unreachable(_reason(error)) from error
    return client


def _reason(error: Exception) -> str:
    """In the words of the system, where it is the system that says no: the library's repeat host and port."""
    cause = error.__cause__
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) and (cause.errno or 0) > 0:
        return os.strerror(cause.errno or 0)
    return str(error) or type(error).__name__


async def _password(relay: Relay) -> str:
    """Password or token. Raises Unreachable or OSError if there is none at the moment."""
    if relay.token is not None:
        return await relay.token.current()
    return relay.password() if relay.username else ""


def _client(relay: Relay, password: str) -> aiosmtplib.SMTP:
    """TLS is taken when offered, and demanded where a password would go out over a network (RFC 8314 §3.3)."""

    async def token() -> str:
        return password

    return aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        username=relay.username or None,
        password=password if relay.username and relay.token is None else None,
        oauth_token_generator=token if relay.token is not None else None,
        local_hostname=relay.own_name or None,
        timeout=_CONNECT,
        use_tls=relay.is_smtps,
        start_tls=False if relay.is_smtps else relay.wants_starttls or None,
        tls_context=_tls_context(relay.is_checked, relay.ca_file),
    )


@cache
def _tls_context(is_checked: bool, ca_file: Path | None) -> ssl.SSLContext:
    """Certificates are checked where TLS is promised; taken as they come where plain text would do (RFC 7435 §3)."""
    if is_checked:
        return ssl.create_default_context(cafile=ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
