"""DKIM signatures (RFC 6376) by dkimpy, which comes with the extra `dkim`: it is imported here and nowhere else."""

from collections.abc import Callable
from importlib.util import find_spec

Sign = Callable[[bytes, str], bytes]
"""A letter and the domain of its From → the letter as it goes out."""

# What a reader sees or answers to. From is named once more than it occurs, so that nobody can add a second one
# (RFC 6376 §8.15); fields that a letter does not have are left free.
_SIGNED = (
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Auto-Submitted",
)
_RELAXED = (b"relaxed", b"relaxed")  # relays fold anew (RFC 6376 §3.4.2)


def is_available() -> bool:
    """Is the extra installed?"""
    return find_spec("dkim") is not None


def unsigned(letter: bytes, domain: str) -> bytes:
    """The letter as it is: for a desk without a key."""
    return letter


def signer(key: bytes, selector: str) -> Sign:
    """Signs with an RSA key (PEM), published at `selector._domainkey.` of each From domain.

    Raises ValueError if the key cannot be read, ImportError without the extra.
    """
    from dkim import DKIMException, sign  # noqa: PLC0415 (an extra)
    from dkim.crypto import UnparsableKeyError, parse_pem_private_key  # noqa: PLC0415

    pem = key.replace(b"\r\n", b"\n")
    try:
        parse_pem_private_key(pem)
    except (UnparsableKeyError, ValueError) as error:  # ValueError: broken base64
        raise ValueError(f"not an RSA private key in PEM: {error}") from None

    def signed(letter: bytes, domain: str) -> bytes:
        try:
            field: bytes = sign(
                letter, selector.encode(), domain.encode(), pem, canonicalize=_RELAXED, include_headers=_named(letter)
            )
        except DKIMException as error:
            raise ValueError(f"cannot be signed: {error}") from error
        return field + letter

    return signed


def _named(letter: bytes) -> list[bytes]:
    head = letter.partition(b"\r\n\r\n")[0].lower()
    present = [line.partition(b":")[0] for line in head.split(b"\r\n")]
    return [b"from", *(name for each in _SIGNED if (name := each.lower().encode()) in present)]
