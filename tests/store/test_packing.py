"""Raw mail is stored in a format that zlib reads, whatever wrote it."""

import base64
import os
import zlib

import pytest

from maild.store.packing import pack, unpack, unpack_head

TEXT = b"words and more words\r\n" * 5000


@pytest.mark.parametrize(
    "raw",
    [b"", b"x", b"Subject: a\r\n\r\n" + b"words " * 500, TEXT, base64.b64encode(os.urandom(90_000))],
    ids=["nothing", "one octet", "small", "text", "base64"],
)
def test_whatever_is_packed_comes_out_as_it_went_in(raw: bytes) -> None:
    packed = pack(raw)
    assert (unpack(packed.data), packed.size) == (raw, len(raw))
    assert zlib.decompress(packed.data) == raw
    assert len(packed.data) < 0.78 * len(raw) + 12


def test_the_head_comes_out_alone() -> None:
    assert unpack_head(pack(TEXT).data, 100) == TEXT[:100]
    assert unpack_head(pack(b"short").data, 100) == b"short"
