"""Reading a mail off the wire gives the same whether it comes whole or an octet at a time."""

import asyncio
from pathlib import Path

import pytest

from maild.core.errors import TooBig
from maild.mailin.data import has_bare_newline, read_mail, with_crlf
from maild.mailin.replies import BadText
from maild.mailin.room import Room, Share

LIMIT = 64


def read(wire: bytes, step: int, max_size: int = 10_000) -> tuple[bytes, bytes]:
    """The mail on the wire, which comes in pieces of `step` octets, and what is left behind it."""

    async def go() -> tuple[bytes, bytes]:
        reader = asyncio.StreamReader(limit=LIMIT)
        mail = asyncio.create_task(read_mail(reader, room(max_size).share()))
        for start in range(0, len(wire), step):
            reader.feed_data(wire[start : start + step])
            await asyncio.sleep(0)
        reader.feed_eof()
        return await mail, await reader.read()

    return asyncio.run(go())


def room(max_size: int = 10_000) -> Room:
    return Room(max_size, max_in_flight=10 * max_size, disk=Path("/"))


@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize(
    ("wire", "mail"),
    [
        (b".\r\nQUIT\r\n", b""),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n"),
        (b"\r\n\r\n.\r\nQUIT\r\n", b"\r\n\r\n"),
        (b"..\r\n..a\r\n.b\r\n.\r\nQUIT\r\n", b".\r\n.a\r\nb\r\n"),
        (b"a\n.\nb\r\n.\r\nQUIT\r\n", b"a\n.\nb\r\n"),
        (b"a\n.\r\nb\r\n.\r\nQUIT\r\n", b"a\n.\r\nb\r\n"),
        (b"a\r.\r\nb\r\n.\r\nQUIT\r\n", b"a\r.\r\nb\r\n"),
        (b"a\r\n.\nb\r\n.\r\nQUIT\r\n", b"a\r\n\nb\r\n"),
        (b"a\r\n.\r\r\nb\r\n.\r\nQUIT\r\n", b"a\r\n\r\r\nb\r\n"),
        (b"\0\xff\r\n.\r\nQUIT\r\n", b"\0\xff\r\n"),
        (b"x" * LIMIT + b"\r\n.\r\nQUIT\r\n", b"x" * LIMIT + b"\r\n"),
    ],
)
def test_only_a_dot_between_crlf_ends_a_mail(wire: bytes, mail: bytes, step: int) -> None:
    assert read(wire, step) == (mail, b"QUIT\r\n")


@pytest.mark.parametrize("step", [1, 5, LIMIT, 10_000])
@pytest.mark.parametrize("length", [LIMIT + 1, LIMIT + 2, 3 * LIMIT, 3 * LIMIT + 1])
def test_a_line_that_is_too_long_is_refused_at_the_end_of_the_mail(length: int, step: int) -> None:
    async def go() -> bytes:
        reader = asyncio.StreamReader(limit=LIMIT)
        wire = b"a\r\n" + b"." * length + b"\r\nb\r\n.\r\nQUIT\r\n"
        mail = asyncio.create_task(read_mail(reader, room().share()))
        for start in range(0, len(wire), step):
            reader.feed_data(wire[start : start + step])
            await asyncio.sleep(0)
        reader.feed_eof()
        with pytest.raises(BadText):
            await mail
        return await reader.read()

    assert asyncio.run(go()) == b"QUIT\r\n"


def test_too_much_is_read_to_the_end_but_not_kept() -> None:
    async def go() -> Share:
        reader = asyncio.StreamReader(limit=LIMIT)
        share = room(max_size=5).share()
        reader.feed_data(b"abc\r\nd\r\n.\r\n")
        with pytest.raises(TooBig):
            await read_mail(reader, share)
        return share

    share = asyncio.run(go())
    share.take(5)  # as much as at the beginning


def test_a_client_that_leaves_in_the_middle_has_sent_no_mail() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        read(b"a\r\n.", 10)


@pytest.mark.parametrize("raw", [b"", b"a\r\n", b"\r\n\r\n", b"a\r\nb\r\n"])
def test_proper_lines_stay_as_they_are(raw: bytes) -> None:
    assert not has_bare_newline(raw)
    assert with_crlf(raw) is raw


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        (b"a\nb\r\n", b"a\r\nb\r\n"),
        (b"a\rb\r\n", b"a\r\nb\r\n"),
        (b"a\n\rb\r\n", b"a\r\n\r\nb\r\n"),
        (b"a\r\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\r", b"a\r\n"),
    ],
)
def test_bare_newlines_are_found_and_mended(raw: bytes, mended: bytes) -> None:
    assert has_bare_newline(raw)
    assert with_crlf(raw) == mended
