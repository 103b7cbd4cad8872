"""Tickets whose topic has fields: asked for, filled in by reply, complete."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

from maild.core.orders import Move
from maild.core.policy import Field, Policy, Text
from maild.core.tokens import FieldsClaim, read_fields_token
from maild.desk import act
from maild.desk.receive import receive_waiting
from maild.store import lists
from tests.desk.conversation import Conversation, conversation
from tests.values import BILLING_TEAM, IVAN, make_policy, make_trust

REFUND = "billing+refund@desk.example"
NOTHING = Text("", "")
CONTRACT = Field("contract", Text("Номер договора", "Contract"), "text", True, (), "[0-9]{6}", Text("шесть цифр", ""))
PAID = Field("paid", Text("Дата оплаты", "Paid on"), "date", True, (), "", NOTHING)


def with_fields() -> Policy:
    policy = make_policy()
    billing = policy.categories[0]
    topic = replace(billing.topics[0], fields=(CONTRACT, PAID))
    return replace(policy, categories=(replace(billing, topics=(topic,)), *policy.categories[1:]))


POLICY = {"categories": with_fields().categories}


def fields_of(talk: Conversation) -> dict[str, str]:
    found = talk.desk.store.read_now(lists.ticket_row, 1)
    assert found is not None
    return dict(found.fields)


def test_what_is_missing_is_asked_for_until_it_is_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **POLICY) as talk:
            await talk.mail(IVAN.address, "Верните деньги.\nДата оплаты: позавчера", to=REFUND)
            assert (talk.status(1), talk.events(1)) == ("incomplete", ["opened", "incomplete"])
            team, asked = await talk.letters()
            assert (team.kind, asked.kind) == (("new_ticket", BILLING_TEAM), ("missing_fields", IVAN.address))
            assert "\nНомер договора:\nДата оплаты:\n" in asked.text
            assert "«позавчера»: нужна дата" in asked.text
            assert "Номер договора (не заполнено)" in team.text
            [form] = re.findall(r"^https://desk\.example/fields/(\S+)$", asked.text, re.MULTILINE)
            assert read_fields_token(talk.desk.keys, form) == FieldsClaim(1, IVAN.address)
            assert form not in team.everything

            await talk.reply(asked, IVAN.address, "Номер договора: 120417")
            assert (talk.status(1), fields_of(talk)) == ("incomplete", {"contract": "120417"})
            again = [letter for letter in await talk.letters() if letter.kind[1] == IVAN.address]
            assert [letter.kind[0] for letter in again] == ["missing_fields"]
            assert "\nНомер договора:" not in again[0].text.partition("=-=-=")[0]

            quoted = again[0].text.replace("Дата оплаты:\n", "Дата оплаты: 03.11.2026\n", 1)
            await talk.mail(
                IVAN.address,
                "\n".join(f"> {line}" for line in quoted.splitlines()),
                subject="Re: " + str(again[0].message["Subject"]),
                In_Reply_To=again[0].message["Message-ID"],
            )
            assert talk.status(1) == "new"
            assert talk.events(1)[-2:] == ["customer_wrote", "completed"]
            assert fields_of(talk) == {"contract": "120417", "paid": "2026-11-03"}
            done = {letter.kind: letter for letter in await talk.letters()}
            assert ("acknowledgement", IVAN.address) in done
            assert "Дата оплаты: 2026-11-03" in done["new_message", BILLING_TEAM].text

    asyncio.run(main())


def test_a_complete_letter_opens_a_new_ticket_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **POLICY) as talk:
            await talk.mail(IVAN.address, "contract: 120417\npaid: 2026-11-03\n\nВерните деньги.", to=REFUND)
            assert (talk.status(1), talk.events(1)) == ("new", ["opened"])
            assert [letter.kind[0] for letter in await talk.letters()] == ["new_ticket", "acknowledgement"]

    asyncio.run(main())


def test_a_reply_that_fills_in_nothing_is_not_answered_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **POLICY) as talk:
            await talk.mail(IVAN.address, "Верните деньги.", to=REFUND)
            asked = (await talk.letters())[-1]
            await talk.reply(asked, IVAN.address, "А где этот номер?")
            assert talk.status(1) == "incomplete"
            assert [letter.kind[0] for letter in await talk.letters()] == ["new_message"]

    asyncio.run(main())


def test_in_open_trust_a_stranger_gets_no_form(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **POLICY, trust=make_trust(authserv_ids=())) as talk:
            await talk.mail(IVAN.address, "Верните деньги.", to=REFUND)
            asked = (await talk.letters())[-1]
            assert asked.kind == ("missing_fields", IVAN.address)
            assert "/fields/" not in asked.everything

    asyncio.run(main())


def test_a_stranger_is_asked_by_labels_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **POLICY) as talk:
            raw = (
                "From: evil.example <stranger@else.example>\r\nSubject: evil.example\r\n"
                "Message-ID: <s@else.example>\r\n\r\nДата оплаты: http://evil.example/\r\n"
            ).encode()
            await talk.take(raw, mail_from="stranger@else.example", rcpt_tos=(REFUND,))
            await receive_waiting(talk.desk)
            asked = (await talk.letters())[-1]
            assert asked.kind == ("missing_fields", "stranger@else.example")
            assert "evil" not in asked.everything
            assert "Дата оплаты:" in asked.text

            raw = raw.replace(b"Message-ID: <s@", b"In-Reply-To: <s@else.example>\r\nMessage-ID: <t@")
            raw += "Дата оплаты: 03.11.2026\r\nНомер договора: 120417\r\n".encode()
            await talk.take(raw, mail_from="stranger@else.example", rcpt_tos=(REFUND,))
            await receive_waiting(talk.desk)
            told = [one for one in await talk.letters() if one.kind[1] == "stranger@else.example"]
            assert [one.kind[0] for one in told] == ["acknowledgement_minimal"]
            assert "evil" not in told[0].everything

    asyncio.run(main())


def test_a_move_to_a_topic_with_fields_asks_for_them_by_mail_and_by_command(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **POLICY) as talk:
            await talk.mail(IVAN.address, "Верните деньги.")
            team, _ = await talk.letters()
            await talk.reply(team, BILLING_TEAM, "#move billing/refund")
            assert talk.status(1) == "incomplete"
            assert talk.events(1)[-2:] == ["moved", "incomplete"]
            [asked] = await talk.letters()
            assert asked.kind == ("missing_fields", IVAN.address)
            assert "\nНомер договора:\nДата оплаты:\n" in asked.text
            assert "займутся другие сотрудники" in asked.text
            assert asked.message["Subject"] == team.message["Subject"], "one ticket, one subject"
            await talk.reply(asked, IVAN.address, "Номер договора: 120417\nДата оплаты: 03.11.2026")
            assert (talk.status(1), talk.events(1)[-1]) == ("new", "completed")
            await talk.letters()

            await act.order(talk.desk, 1, "cli:anna", Move("billing", ""))
            await act.order(talk.desk, 1, "cli:anna", Move("billing", "refund"))
            assert talk.status(1) == "new", "it has them already"
            assert await talk.letters() == []

            await talk.mail(IVAN.address, "И за октябрь.")
            await act.order(talk.desk, 2, "cli:anna", Move("billing", "refund"))
            assert talk.status(2) == "incomplete"
            assert ("missing_fields", IVAN.address) in [letter.kind for letter in await talk.letters()]
            await act.order(talk.desk, 2, "cli:anna", Move("tech", ""))
            assert (talk.status(2), talk.events(2)[-1]) == ("new", "completed")

    asyncio.run(main())


def test_a_move_beside_an_answer_waits_for_the_customer_and_beside_a_solving_asks_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, **POLICY) as talk:
            for number, (words, status, kinds) in enumerate(
                [
                    ("#move billing/refund\n\nПередаю.", "pending", ["answer", "missing_fields"]),
                    ("#move billing/refund\n#solved", "solved", ["solved"]),
                    ("#open\n#move billing/refund", "new", []),
                ],
                start=1,
            ):
                await talk.mail(IVAN.address, "Верните деньги.")
                team = (await talk.letters())[0]
                await talk.reply(team, BILLING_TEAM, words)
                assert talk.status(number) == status
                told = [letter.kind[0] for letter in await talk.letters() if letter.kind[1] == IVAN.address]
                assert sorted(told) == kinds

    asyncio.run(main())
