"""Mails of an archive come in once, in their order, at their own moments, on either database."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from maild.desk.bring_in import Terms, bring_in, envelope_of, source_key_of
from maild.store import ledger, lists, outbox
from tests.factory import make_desk
from tests.values import BILLING, BILLING_TEAM, NOW, TECH, make_policy

TERMS = Terms("tech", is_silent=True)
HOUR = timedelta(hours=1)


def mail(number: int, *fields: str, to: str = BILLING) -> bytes:
    head = (f"From: p{number}@client.example", f"To: {to}", f"Message-ID: <{number}@client.example>", *fields)
    return "\r\n".join((*head, "Received: from x by y; Mon, 23 Nov 2026 11:00:00 +0000", "", "Words.", "")).encode()


@pytest.mark.parametrize("is_postgres", [False, True])
def test_twice_is_once(tmp_path: Path, request: pytest.FixtureRequest, *, is_postgres: bool) -> None:
    url = str(request.getfixturevalue("postgres_url")) if is_postgres else ""
    mails = [(mail(number % 10), NOW - (99 - number) * HOUR) for number in range(20)]

    async def main() -> None:
        with make_desk(tmp_path, url, now=lambda: NOW, policy=make_policy()) as desk:
            first = await bring_in(desk, mails, TERMS)
            assert first[:10] == first[10:] == sorted(set(first))
            assert await bring_in(desk, mails, TERMS) == first
            assert await bring_in(desk, [], TERMS) == []
            rows = desk.store.read_now(ledger.rows)
            assert [(row.state, row.ticket, row.door) for row in rows] == [("done", n + 1, "import") for n in range(10)]
            [oldest, *_] = desk.store.read_now(lists.ticket_rows)
            assert oldest.created_at == NOW - 99 * HOUR
            assert desk.store.read_now(outbox.rows) == []

    asyncio.run(main())


def test_an_envelope_is_made_of_what_the_fields_say(tmp_path: Path) -> None:
    with make_desk(tmp_path, policy=make_policy()) as desk:

        def envelope(raw: bytes) -> tuple[str, tuple[str, ...], str]:
            made = envelope_of(desk, raw, NOW, TERMS)
            return made.mail_from, made.rcpt_tos, made.sent_in

        assert envelope(mail(1, "Return-Path: <>")) == ("", (BILLING,), "")
        assert envelope(mail(1, to="x@elsewhere.example")) == ("p1@client.example", (TECH,), "")
        by_team = mail(1, to="x@elsewhere.example").replace(b"p1@client.example", BILLING_TEAM.encode())
        assert envelope(by_team) == (BILLING_TEAM, (TECH,), ""), "it came over the net: anybody may have written it"
        sent = by_team.replace(b"Received:", b"X-Received:")
        assert envelope(sent) == (BILLING_TEAM, ("x@elsewhere.example",), BILLING_TEAM)


def test_the_same_mail_for_others_is_another_source() -> None:
    assert source_key_of(mail(1), (BILLING,)) == source_key_of(mail(1).replace(b"\r\n", b"\n"), (BILLING,))
    assert source_key_of(mail(1), (BILLING,)) != source_key_of(mail(1), (TECH,))
