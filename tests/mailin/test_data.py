"""Reading a mail off the wire gives the same whether it comes whole or an octet at a time."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.errors import TooBig
from maild.mailin.data import read_mail, read_mail_by_line
from maild.mailin.replies import BadText
from maild.mailin.room import Room, Share
from maild.mime.line_ends import has_bare_newline, with_crlf

LIMIT = 64
Read = Callable[[asyncio.StreamReader, Share], Coroutine[Any, Any, bytes]]


async def read_whole(reader: asyncio.StreamReader, share: Share) -> bytes:
    return await read_mail(reader, share, LIMIT)


@pytest.fixture(params=[read_whole, read_mail_by_line], ids=["whole", "by line"], name="read_it")
def both_readers(request: pytest.FixtureRequest) -> Read:
    chosen: Read = request.param
    return chosen


def read(wire: bytes, step: int, read_it: Read, max_size: int = 10_000) -> tuple[bytes, bytes]:
    """The mail on the wire, which comes in pieces of `step` octets, and what is left behind it."""

    async def go() -> tuple[bytes, bytes]:
        reader = asyncio.StreamReader(limit=LIMIT)
        mail = asyncio.create_task(read_it(reader, room(max_size).share()))
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
def test_only_a_dot_between_crlf_ends_a_mail(wire: bytes, mail: bytes, step: int, read_it: Read) -> None:
    assert read(wire, step, read_it) == (mail, b"QUIT\r\n")


@pytest.mark.parametrize("step", [1, 2, 10_000])
def test_a_mail_may_be_as_large_as_the_limit_to_the_octet(step: int, read_it: Read) -> None:
    assert read(b"abc\r\n..\r\n.\r\nQUIT\r\n", step, read_it, max_size=9) == (b"abc\r\n.\r\n", b"QUIT\r\n")
    with pytest.raises(TooBig):
        read(b"abc\r\n..\r\n.\r\nQUIT\r\n", step, read_it, max_size=8)


@given(
    lines=st.lists(st.text(alphabet="a.\r\n\0", max_size=LIMIT).map(str.encode), max_size=20),
    cuts=st.lists(st.integers(1, 90), min_size=1, max_size=10),
)
def test_both_readers_understand_the_same(lines: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(line + b"\r\n" for line in lines) + b"\r\n.\r\n" + b"QUIT\r\n"
    whole, by_line = (asyncio.run(outcome(wire, cuts, read_it)) for read_it in (read_whole, read_mail_by_line))
    assert whole == by_line


async def outcome(wire: bytes, cuts: list[int], read_it: Read) -> tuple[object, bytes]:
    """The mail, or the kind of refusal; and what is left behind it."""
    reader = asyncio.StreamReader(limit=LIMIT)
    mail = asyncio.create_task(read_it(reader, room().share()))
    sizes = itertools.cycle(cuts)
    while wire:
        size = next(sizes)
        reader.feed_data(wire[:size])
        wire = wire[size:]
        await asyncio.sleep(0)
    reader.feed_eof()
    try:
        found: object = await mail
    except BadText as error:
        found = type(error)
    return found, await reader.read()


@pytest.mark.parametrize("step", [1, 5, LIMIT, 10_000])
@pytest.mark.parametrize("length", [LIMIT + 1, LIMIT + 2, 3 * LIMIT, 3 * LIMIT + 1])
def test_a_line_that_is_too_long_is_refused_at_the_end_of_the_mail(length: int, step: int, read_it: Read) -> None:
    async def go() -> bytes:
        reader = asyncio.StreamReader(limit=LIMIT)
        wire = b"a\r\n" + b"." * length + b"\r\nb\r\n.\r\nQUIT\r\n"
        mail = asyncio.create_task(read_it(reader, room().share()))
        for start in range(0, len(wire), step):
            reader.feed_data(wire[start : start + step])
            await asyncio.sleep(0)
        reader.feed_eof()
        with pytest.raises(BadText):
            await mail
        return await reader.read()

    assert asyncio.run(go()) == b"QUIT\r\n"


def test_too_much_is_read_to_the_end_but_not_kept(read_it: Read) -> None:
    async def go() -> Share:
        reader = asyncio.StreamReader(limit=LIMIT)
        share = room(max_size=5).share()
        reader.feed_data(b"abc\r\nd\r\n.\r\n")
        with pytest.raises(TooBig):
            await read_it(reader, share)
        return share

    share = asyncio.run(go())
    share.take(5)  # as much as at the beginning


def test_a_client_that_leaves_in_the_middle_has_sent_no_mail(read_it: Read) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        read(b"a\r\n.", 10, read_it)


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
