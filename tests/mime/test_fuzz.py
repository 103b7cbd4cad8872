"""Any bytes in, a Mail out, in bounded time and memory. `make fuzz` spoils 100,000 mails, the tests a few hundred."""

import json
import os
import time
import tracemalloc
from base64 import b64encode
from pathlib import Path

import pytest

from maild.cli.page import mail_page
from maild.cli.rows import explained
from maild.core.mail import Mail
from maild.mime.parse import parse
from tests.mime.mutations import MAX_SIZE, mutations

COUNT = int(os.environ.get("MAILD_FUZZ") or 400)
SEED = int(os.environ.get("MAILD_FUZZ_SEED") or 1042)
GOLDEN = [path.read_bytes() for path in sorted((Path(__file__).parent / "golden").glob("*.eml"))]
SECONDS = 2.0  # of CPU for a mail of at most 64 KiB
MEGABYTE = 1024 * 1024


def is_sound(mail: Mail) -> bool:
    """Are all values of a shape that the rest of maild relies on?"""
    edges = [edge for fold in mail.folds for edge in fold]
    json.dumps(explained("x", mail, "#"), ensure_ascii=False).encode()
    page = mail_page(mail, "#")
    page.encode()
    return (
        edges == sorted(edges)
        and all(0 <= edge <= len(mail.text) for edge in edges)
        and all(ord(char) >= 32 for _, value in mail.headers for char in value)
        and all("/" not in one.name and one.name not in ("", ".", "..") for one in mail.attachments)
        and (mail.bounce is None) == (mail.kind != "bounce")
    )


@pytest.mark.slow
def test_spoilt_mails_are_still_mails() -> None:
    for number, raw in enumerate(mutations(GOLDEN, COUNT, SEED)):
        started = time.process_time()
        sound = is_sound(parse(raw))
        took = time.process_time() - started
        assert sound, f"MAILD_FUZZ_SEED={SEED}, mail {number}: {raw!r}"
        assert took < SECONDS, f"MAILD_FUZZ_SEED={SEED}, mail {number} took {took:.1f} s: {raw!r}"


def test_the_same_seed_spoils_the_same_way() -> None:
    first, second = (list(mutations(GOLDEN, 20, 7)) for _ in range(2))
    assert first == second
    assert max(map(len, first)) <= MAX_SIZE


def nested_messages(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * depth + b"Subject: end\n\nwords"


def nested_reports(depth: int) -> bytes:
    report = b"Return-Path: <>\nFrom: mailer-daemon@mx.example\nSubject: failure notice\n"
    return report + nested_messages(depth)


def many_parts(count: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: text/html\n\n<p>x\n" * count


def wide_charset(count: int) -> bytes:
    return b"Content-Type: text/plain; charset=utf-32\nContent-Transfer-Encoding: base64\n\n" + b64encode(b"\0" * count)


@pytest.mark.slow
@pytest.mark.parametrize(
    "raw",
    [
        nested_messages(20_000),
        nested_reports(20_000),
        many_parts(499),
        many_parts(30_000),
        wide_charset(600_000),
        b"Content-Type: text/plain; charset=" + b"utf-8," * 100_000 + b"\n\nwords",
        b"Content-Type: text/plain; charset=hz-gb-2312\n\n" + b"~{" * 300_000,
        b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B" * 200_000,
        b"Content-Type: text/html\n\n" + b"<!ENTITY a '" + b"&a;" * 200_000,
        b"Content-Type: text/html\n\n" + b"&" * 600_000,
        b"Content-Type: text/html\n\n" + b"<p><!--" * 90_000,
        b"Content-Type: text/html\n\n<td colspan=999999999 rowspan=999999999>x" * 3,
        b"Subject: " + b"=?utf-8?B?" + b64encode("ж".encode() * 60_000) + b"?=\n\nwords",
        b"Return-Path: <>\nFrom: mailer-daemon@mx.example\nSubject: failure notice\n\n550 " + b"a@b.example\n" * 50_000,
        b"Return-Path: <>\nFrom: mailer-daemon@mx.example\nSubject: failure notice\n\n" + b"\n" * 600_000,
        b"Return-Path: <>\nFrom: mailer-daemon@mx.example\nSubject: failure notice\n\n" + b"Received: x\n" * 50_000,
    ],
    ids=lambda raw: raw[-30:].decode("latin-1").encode("unicode_escape").decode(),
)
def test_bombs_stay_small(raw: bytes) -> None:
    tracemalloc.start()
    try:
        started = time.process_time()
        mail = parse(raw)
        took = time.process_time() - started
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert is_sound(mail)
    assert took < 15  # under tracemalloc, which makes it several times slower
    assert peak < 40 * MEGABYTE + 60 * len(raw)
