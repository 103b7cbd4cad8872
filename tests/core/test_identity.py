"""The same mail by two doors has one identity; another mail never has it."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from maild.core.identity import Identity, identity_of

MAIL = (
    b"From: a@b.example\r\nDate: Mon, 12 May 2025 09:00:00 +0300\r\nSubject: one\r\n two\r\n"
    b"Message-ID: <m1@b.example>\r\n\r\nHello\r\n\r\nworld\r\n"
)


@pytest.mark.parametrize(
    "arrival",
    [
        MAIL.replace(b"\r\n", b"\n"),
        MAIL.replace(b"\r\n", b"\r"),
        MAIL.replace(b"\r\n", b"\r\r\n"),
        b"Received: from x by y; now\r\nReturn-Path: <z@b.example>\r\n" + MAIL,
        b"Authentication-Results: mx; dmarc=pass\r\n" + MAIL,
        MAIL + b"\r\n\r\n",
        MAIL.rstrip(b"\r\n"),
        MAIL.replace(b"Subject: one\r\n two", b"SUBJECT:  one\r\n\ttwo "),
    ],
    ids=["lf", "cr", "crcrlf", "received", "authres", "more-newlines", "no-newline", "refolded"],
)
def test_what_happens_on_the_way_does_not_change_the_identity(arrival: bytes) -> None:
    assert identity_of(arrival) == identity_of(MAIL)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"From: a@", b"From: c@"), (b"one", b"three"), (b"09:00", b"09:01"), (b"Hello", b"hello"), (b"world", b"w")],
)
def test_what_the_author_wrote_makes_another_content_key(old: bytes, new: bytes) -> None:
    assert identity_of(MAIL.replace(old, new)).content_key != identity_of(MAIL).content_key
    assert identity_of(MAIL.replace(old, new)).message_id == "m1@b.example"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"Message-ID: <m1@b.example>", "m1@b.example"),
        (b"message-id:\r\n <m1@b.example> ", "m1@b.example"),
        (b"Message-ID: m1@b.example", ""),
        (b"Message-ID: <a> <b>", ""),
        (b"Message-ID: <>", ""),
        (b"X-Other: x", ""),
    ],
)
def test_only_a_real_message_id_counts(field: bytes, expected: str) -> None:
    assert identity_of(field + b"\r\nFrom: a@b.example\r\n\r\nx").message_id == expected


def test_texts_that_were_sent_without_a_header_section_are_mails_of_their_own() -> None:
    texts = [b"", b"It broke.\r\n", b" It broke.", b"Again it broke.\r\n\r\n-- \r\nme", b"It broke.\r\n\r\n-- \r\nme"]
    assert len({identity_of(text).content_key for text in texts}) == len(texts)
    assert identity_of(b"Subject: x\r\n y\r\n\r\nz") == identity_of(b"Received: y\r\nSubject: x y\r\n\r\nz\r\n")


def test_a_second_field_of_a_name_is_ignored() -> None:
    assert identity_of(MAIL.replace(b"\r\n\r\n", b"\r\nSubject: other\r\n\r\n", 1)) == identity_of(MAIL)


def test_the_content_key_is_a_sha256_in_hex() -> None:
    assert len(identity_of(b"").content_key) == 64
    assert identity_of(b"").message_id == ""


@given(st.binary(max_size=400))
def test_any_bytes_have_an_identity(raw: bytes) -> None:
    assert isinstance(identity_of(raw), Identity)
