"""Who may log in at a door, and with which certificate: what a reload of the configuration replaces. Knows no protocol.

Whoever guesses passwords is slowed down, sent away after a few, and then not listened to for a while.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from maild.core.address import normalise
from maild.core.passwords import PasswordHash, is_password, read_hash

_MAX_FAILURES = 10  # of one client address
_FORGIVEN_AFTER = 600.0  # seconds since its last failure
_MAX_REMEMBERED = 10_000  # client addresses
_AT_ONCE = 2  # passwords checked, each in 32 MiB or more

# For those who are not there: checking takes as long as for those who are. No password has this hash.
_NOBODY = read_hash("$scrypt$ln=15,r=8,p=1$bm9ib2R5IGlzIGhlcmU$" + "A" * 43)


class Access:
    """The certificate and the users of a door. Both may be replaced while it is open."""

    def __init__(self, tls: ssl.SSLContext | None = None, users: Mapping[str, PasswordHash] | None = None) -> None:
        self.tls = tls
        self.users = users or {}
        self._failures: dict[str, tuple[int, float]] = {}
        self._checking = asyncio.Semaphore(_AT_ONCE)

    def replace(self, other: "Access") -> None:
        """Take over certificate and users; who has failed is not forgiven by that."""
        self.tls, self.users = other.tls, other.users

    def is_barred(self, peer: str) -> bool:
        """Has this client failed too often of late?"""
        count, last = self._failures.get(peer, (0, 0.0))
        return count >= _MAX_FAILURES and time.monotonic() - last < _FORGIVEN_AFTER

    async def user_for(self, name: str, password: str, peer: str) -> str | None:
        """The address that logs in with this name and password, None if they are wrong."""
        address = normalise(name)
        kept = self.users.get(address)
        async with self._checking:
            is_right = await asyncio.to_thread(is_password, password, kept or _NOBODY)
        if is_right and kept is not None:
            self._failures.pop(peer, None)
            return address
        self._note_failure(peer)
        return None

    def _note_failure(self, peer: str) -> None:
        now = time.monotonic()
        count, last = self._failures.pop(peer, (0, now))
        self._failures[peer] = (count + 1 if now - last < _FORGIVEN_AFTER else 1, now)
        while len(self._failures) > _MAX_REMEMBERED:
            self._failures.pop(next(iter(self._failures)))  # the one that has failed longest ago


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS for a door, 1.2 or newer (RFC 8996). Raises OSError or ssl.SSLError (a kind of it) for unusable files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, key)
    return context
