"""A stored mail tells by its fields whom it is from and for, and when it came."""

from datetime import UTC, datetime

import pytest

from maild.mime.stored import stored_facts

RAW = b"""\
Return-Path: <bounce@client.example>
Delivered-To: billing+refund@desk.example
Received: from a by mx.desk.example
 for <billing@desk.example>; Mon, 23 Nov 2026 15:04:05 +0300
Received: from b by a; Mon, 23 Nov 2026 12:00:00 +0000
From: =?utf-8?B?0JjQstCw0L0=?= <ivan@client.example>
To: "Desk, The" <help@desk.example>, olga@client.example
Cc: tech@desk.example
Date: Sun, 22 Nov 2026 10:00:00 +0000

To: nobody@desk.example
"""


def test_what_servers_wrote_comes_first() -> None:
    facts = stored_facts(RAW)
    assert (facts.author, facts.mail_from) == ("ivan@client.example", "bounce@client.example")
    assert facts.recipients == (
        "billing+refund@desk.example", "help@desk.example", "olga@client.example", "tech@desk.example",
    )  # fmt: skip
    assert (facts.moment, facts.has_travelled) == (datetime(2026, 11, 23, 12, 4, 5, tzinfo=UTC), True)
    assert facts.is_delivered


def test_a_copy_of_what_was_sent_has_only_its_author() -> None:
    facts = stored_facts(b"From: anna@office.example\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\nx")
    assert (facts.mail_from, facts.recipients, facts.has_travelled) == ("anna@office.example", (), False)
    assert facts.moment == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_the_copy_of_a_submission_server_has_travelled_but_was_not_delivered() -> None:
    submitted = b"Return-Path: <anna@office.example>\r\nReceived: from a by smtp.x.example with ESMTPSA; now\r\n"
    facts = stored_facts(submitted + b"From: anna@office.example\r\n\r\nx")
    assert (facts.has_travelled, facts.is_delivered) == (True, False)
    assert stored_facts(submitted.replace(b"ESMTPSA", b"LMTPA")).is_delivered


def test_the_null_sender_is_empty() -> None:
    assert stored_facts(b"Return-Path: <>\nFrom: mailer-daemon@x.example\n\nx").mail_from == ""


@pytest.mark.parametrize("raw", [b"", b"\0\0", b"Received: ;;;\nDate: soon\n\n", b"\xff\xfe: \x80\r\r\n"])
def test_no_bytes_are_too_odd(raw: bytes) -> None:
    assert stored_facts(raw).moment is None
