"""Raw mail as it is stored: a zlib stream (RFC 1950). Knows no mail and no table."""

import zlib
from dataclasses import dataclass

try:
    from isal.isal_zlib import compress  # the same format in a third of the time
except ImportError:  # not there for every processor
    from zlib import compress

_LEVEL = 1  # it is mostly small text, or base64 of what is compressed already


@dataclass(frozen=True, slots=True)
class Packed:
    """Compressed octets. Made outside the transaction: compressing must not hold up the writer."""

    data: bytes
    size: int


def pack(raw: bytes) -> Packed:
    """Compress octets, quickly."""
    return Packed(compress(raw, _LEVEL), len(raw))


def unpack(data: bytes) -> bytes:
    """What was packed."""
    return zlib.decompress(data)


def unpack_head(data: bytes, octets: int) -> bytes:
    """The first octets of what was packed."""
    return zlib.decompressobj().decompress(data, octets)
