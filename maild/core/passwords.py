"""How passwords of `[smtp.users]` are kept: scrypt (RFC 7914), written as `$scrypt$ln=15,r=8,p=1$salt$hash`.

That is the PHC string format with base64 without padding, which passlib and others write too. Pure: the salt is an
argument.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

_WRITTEN = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,172})\$([A-Za-z0-9+/]{22,172})"
)
_MEMORY = 1 << 28  # octets that one check may take
_SIZE = 32  # octets of a new hash


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """What is kept of a password. `log_n`, `block` and `parallel` are the cost parameters N = 2^ln, r and p."""

    log_n: int
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    def __str__(self) -> str:
        """As it is written in the configuration."""
        cost = f"ln={self.log_n},r={self.block},p={self.parallel}"
        return f"$scrypt${cost}${_without_padding(self.salt)}${_without_padding(self.digest)}"


def _without_padding(octets: bytes) -> str:
    return b64encode(octets).decode().rstrip("=")


def read_hash(text: str) -> PasswordHash:
    """A hash as it is written. Raises ValueError if it is none, or one that would take too much memory or none."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError("is not a password hash; `maild smtp password` makes one")
    log_n, block, parallel = (int(number) for number in match.groups()[:3])
    if not (log_n >= 10 and block >= 1 and 1 <= parallel <= 16 and 128 * block << log_n <= _MEMORY):
        raise ValueError("has cost parameters that are not taken here; `maild smtp password` makes a good one")
    try:
        salt, digest = (b64decode(part + "=" * (-len(part) % 4), validate=True) for part in match.groups()[3:])
    except ValueError:
        raise ValueError("is not a password hash; `maild smtp password` makes one") from None
    return PasswordHash(log_n, block, parallel, salt, digest)


def hash_of(password: str, salt: bytes) -> PasswordHash:
    """What to keep of a password. Takes 32 MiB and a tenth of a second, which is what makes guessing dear."""
    wanted = PasswordHash(15, 8, 1, salt, b"\0" * _SIZE)
    return PasswordHash(15, 8, 1, salt, _scrypt(wanted, password))


def is_password(password: str, kept: PasswordHash) -> bool:
    """Is it the one? The time it takes says nothing about how near it is."""
    return hmac.compare_digest(_scrypt(kept, password), kept.digest)


def _scrypt(like: PasswordHash, password: str) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogateescape"),
        salt=like.salt,
        n=1 << like.log_n,
        r=like.block,
        p=like.parallel,
        maxmem=2 * _MEMORY,
        dklen=len(like.digest),
    )
