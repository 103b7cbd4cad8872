"""The relay `maildir:DIR`: what goes in comes out, with its envelope."""

import asyncio
import mailbox
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path

from maild.mailout.maildir import MaildirTransport
from maild.mailout.outcome import Delivered, Later, Outcome
from maild.mailout.relay import transport_for

LETTER = "Subject: Привет\r\nMessage-ID: <1@desk.example>\r\n\r\n.one\r\n".encode()


def deliver(folder: Path, data: bytes = LETTER, count: int = 1) -> list[Outcome]:
    """Hand over the same letter several times at once."""

    async def run() -> list[Outcome]:
        transport = transport_for(f"maildir:{folder}")()
        try:
            calls = (transport.deliver("b1@desk.example", "ivan@customer.example", data) for _ in range(count))
            return await asyncio.gather(*calls)
        finally:
            await transport.close()

    return asyncio.run(run())


def test_a_letter_is_kept_byte_for_byte_below_its_envelope(tmp_path: Path) -> None:
    outcomes = deliver(tmp_path / "out")
    (file,) = (tmp_path / "out/new").iterdir()
    assert outcomes == [Delivered(f"250 2.0.0 kept as {file.name}")]
    trace = b"Return-Path: <b1@desk.example>\r\nDelivered-To: ivan@customer.example\r\n"
    assert file.read_bytes() == trace + LETTER
    assert file.stat().st_mode & 0o077 == 0, "letters are nobody else's business"


def test_other_programs_can_read_it(tmp_path: Path) -> None:
    deliver(tmp_path / "out", b"Subject: hello\r\n\r\nbody\r\n", count=20)
    box = mailbox.Maildir(tmp_path / "out", create=False)
    parsed = [message_from_bytes(box.get_bytes(key), policy=policy.default) for key in box.iterkeys()]
    assert [one["Subject"] for one in parsed] == ["hello"] * 20
    assert {str(one["Return-Path"]) for one in parsed} == {"<b1@desk.example>"}
    assert list((tmp_path / "out/tmp").iterdir()) == []
    assert (tmp_path / "out/cur").is_dir()


def test_a_disk_that_does_not_take_it_means_later(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the directory should be")
    (outcome,) = deliver(tmp_path / "out")
    assert isinstance(outcome, Later)
    assert outcome.is_relay_down


@contextmanager
def no_file_larger_than(octets: int) -> Iterator[None]:
    """The system refuses to write more into one file, as a full disk would in the middle of a letter."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_full_in_the_middle_means_later_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    with no_file_larger_than(2**20):
        (outcome,) = deliver(tmp_path / "out", LETTER + b"x" * 2**21)
    assert outcome == Later("maildir: File too large", is_relay_down=True)
    assert [*(tmp_path / "out").glob("*/*")] == []
    (outcome,) = deliver(tmp_path / "out")
    assert isinstance(outcome, Delivered)


def test_line_ends_in_an_address_do_not_become_header_fields(tmp_path: Path) -> None:
    async def run() -> None:
        await MaildirTransport(tmp_path / "out").deliver("", "a@b.example\r\nBcc: v@v.example", LETTER)

    asyncio.run(run())
    (file,) = (tmp_path / "out/new").iterdir()
    assert file.read_bytes().startswith(b"Return-Path: <>\r\nDelivered-To: a@b.example Bcc: v@v.example\r\nSubject")
