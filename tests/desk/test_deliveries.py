"""What became of each letter: as the relay and the systems behind it said, in words for support."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from maild.core.reports import Delivery
from maild.desk.deliveries import reason_of
from maild.desk.delivery import postponed
from maild.desk.receive import receive_waiting
from maild.store import deliveries, outbox
from tests.desk.conversation import Conversation, Written, conversation, opened
from tests.desk.test_plain_addresses import dsn
from tests.values import BILLING_TEAM, IVAN, OLGA


async def answered(talk: Conversation) -> tuple[Written, Written]:
    """The team's letter and Ivan's answer."""
    team, _ = await opened(talk)
    await talk.reply(team, BILLING_TEAM, "Держите.")
    [answer] = await talk.letters()
    return team, answer


async def report(talk: Conversation, letter: Written, status: str, action: str) -> None:
    raw = dsn(letter, letter.row.to_address, status).replace(b"Action: failed", f"Action: {action}".encode())
    assert f"Action: {action}".encode() in raw
    raw = raw.replace(b"<dsn", f"<{action}{status}".encode())
    await talk.take(raw, mail_from="", rcpt_tos=(str(letter.row.mail_from),))
    await receive_waiting(talk.desk)


def way(talk: Conversation, letter: Written) -> tuple[Delivery, str, str]:
    found = talk.desk.store.read_now(deliveries.of_ticket, 1)
    [one] = [each for each in found if each.id == letter.row.id]
    return one.state, one.status, reason_of(talk.desk, one, "ru")


def test_a_letter_is_accepted_delayed_delivered_as_is_reported(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            _, answer = await answered(talk)
            assert way(talk, answer) == (Delivery.ACCEPTED, "", "")
            await report(talk, answer, "4.4.1", "delayed")
            assert way(talk, answer) == (Delivery.DELAYED, "4.4.1", "сервер получателя не отвечает")
            assert (talk.status(1), talk.events(1)[-1]) == ("pending", "receipt")
            await report(talk, answer, "2.0.0", "delivered")
            await report(talk, answer, "4.4.1", "delayed")
            assert way(talk, answer) == (Delivery.DELIVERED, "2.0.0", ""), "a late delay notice undoes nothing"
            await report(talk, answer, "5.2.2", "failed")
            await report(talk, answer, "2.0.0", "delivered")
            assert way(talk, answer) == (Delivery.BOUNCED, "5.2.2", "ящик получателя переполнен")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "action", "line"),
    [
        ("5.2.2", "failed", f"Последний ответ не доставлен: {IVAN.address} (ящик получателя переполнен)"),
        ("4.4.1", "delayed", f"Последний ответ ещё в пути: {IVAN.address} (сервер получателя не отвечает)"),
        ("2.0.0", "delivered", ""),
    ],
)
def test_support_sees_with_the_next_mail_that_the_last_answer_has_not_arrived(
    tmp_path: Path, status: str, action: str, line: str
) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, answer = await answered(talk)
            await report(talk, answer, status, action)
            await talk.letters()
            await talk.mail(IVAN.address, "Вы там?", subject="Re: [#1] Счёт")
            [told] = [one for one in await talk.letters() if one.row.to_address == BILLING_TEAM]
            assert line in told.text
            assert ("Последний ответ" in told.text) is bool(line)
            talk.clock.forward(timedelta(hours=1))
            await talk.reply(team, BILLING_TEAM, "Да, вот ещё раз.")
            await talk.letters()
            await talk.mail(IVAN.address, "Теперь вижу.", subject="Re: [#1] Счёт")
            [told] = [one for one in await talk.letters() if one.row.to_address == BILLING_TEAM]
            assert "Последний ответ" not in told.text, "a newer answer counts"

    asyncio.run(main())


def test_a_letter_that_the_relay_puts_off_is_delayed_until_it_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            await talk.reply(team, BILLING_TEAM, "Держите.")
            [row] = await talk.desk.store.run(outbox.claim, talk.clock(), 9)
            [queued] = [one for one in talk.desk.store.read_now(deliveries.of_ticket, 1) if one.id == row.id]
            assert queued.state is Delivery.QUEUED
            await postponed(talk.desk, row, "452 4.2.2 mailbox full", talk.clock() + timedelta(minutes=1))
            [late] = [one for one in talk.desk.store.read_now(deliveries.of_ticket, 1) if one.id == row.id]
            assert (late.state, reason_of(talk.desk, late, "en")) == (
                Delivery.DELAYED,
                "the recipient's mailbox is full",
            )

    asyncio.run(main())


def test_the_team_is_asked_for_another_address_and_can_give_it_by_reply(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            _, answer = await answered(talk)
            await report(talk, answer, "5.1.1", "failed")
            [told] = await talk.letters()
            assert "Причина: такого адреса нет (5.1.1)" in told.text
            assert "Больше мы на этот адрес не пишем" in told.text
            assert "строкой «#копия АДРЕС»" in told.text
            await talk.reply(told, BILLING_TEAM, f"#копия {OLGA.address}")
            assert talk.events(1)[-1] == "cc_joined"

    asyncio.run(main())


def test_a_letter_tried_again_has_no_past(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            _, answer = await answered(talk)
            await report(talk, answer, "5.2.2", "failed")
            assert await talk.desk.store.run(outbox.retry, answer.row.id, talk.clock())
            assert way(talk, answer)[0] is not Delivery.BOUNCED

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "ru", "en"),
    [
        ("5.1.1", "такого адреса нет", "there is no such address"),
        ("5.2.2", "ящик получателя переполнен", "the recipient's mailbox is full"),
        ("4.2.2", "ящик получателя переполнен", "the recipient's mailbox is full"),
        ("5.3.4", "слишком большое", "too big"),
        ("5.7.1", "отказал: правила", "refused: its rules"),
        ("4.7.1", "повторить позже", "try again later"),
        ("5.7.99", "соображений безопасности", "reasons of security"),
        ("4.4.1", "не отвечает", "does not answer"),
        ("5.0.0", "отказался принять", "refused the letter"),
        ("4.0.0", "временная", "temporary"),
        ("5.9.9", "отказался принять", "refused the letter"),
    ],
)
def test_every_status_has_words(tmp_path: Path, status: str, ru: str, en: str) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            say = talk.desk.renderer.delivery_reason
            assert ru in say(status, "ru")
            assert en in say(status, "en")
            assert say("", "ru") == ""

    asyncio.run(main())


_REPORT = """\
From: reports@isp.example
To: billing@desk.example
Subject: report
Message-ID: <{kind}@isp.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary=b

--b
Content-Type: text/plain

About a letter.
--b
Content-Type: message/{kind}

{fields}
--b{copy}--
"""


@pytest.mark.parametrize("kind", ["feedback-report", "disposition-notification"])
def test_a_complaint_or_receipt_belongs_to_the_ticket_of_the_letter_that_it_names(tmp_path: Path, kind: str) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            _, answer = await answered(talk)
            name = answer.message["Message-ID"]
            is_receipt = kind == "disposition-notification"
            fields = f"Original-Message-ID: {name}" if is_receipt else "Feedback-Type: abuse"
            copy = "" if is_receipt else f"\nContent-Type: message/rfc822\n\nSubject: x\nMessage-ID: {name}\n\ny\n--b"
            raw = _REPORT.format(kind=kind, fields=fields, copy=copy).encode()
            await talk.take(raw, mail_from="reports@isp.example", rcpt_tos=("billing@desk.example",))
            await receive_waiting(talk.desk)
            assert (talk.status(1), talk.events(1)[-1]) == ("pending", "receipt")
            forged = raw.replace(str(name).strip("<>").encode(), b"1.c.other@desk.example").replace(b"@isp", b"@isp2")
            await talk.take(forged, mail_from="reports@isp.example", rcpt_tos=("billing@desk.example",))
            await receive_waiting(talk.desk)
            assert talk.events(1).count("receipt") == 1, "what names no letter of ours belongs to no ticket"

    asyncio.run(main())
