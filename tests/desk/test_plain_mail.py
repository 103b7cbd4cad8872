"""The whole life of a ticket by plain text alone: no HTML is looked at, no link is opened, no address is copied."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from maild.desk.clock import close_due, remind_due
from tests.desk.conversation import Conversation, Written, conversation
from tests.desk.test_cards import POLICY, REFUND
from tests.values import BILLING_TEAM, IVAN, WINDOW

HOUR = timedelta(hours=1)


async def told(talk: Conversation) -> Written:
    """The one letter that goes to Ivan now."""
    [letter] = [one for one in await talk.letters() if one.kind[1] == IVAN.address]
    return letter


async def answer(talk: Conversation, words: str) -> Written:
    """The team answers the newest letter it has; what Ivan gets."""
    newest = next(one for one in reversed(talk.sent) if one.kind[1] == BILLING_TEAM)
    await talk.reply(newest, BILLING_TEAM, words)
    return await told(talk)


def test_a_customer_without_a_browser_gets_through_the_whole_life_of_a_ticket(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, public_url="", **POLICY) as talk:
            await talk.mail(IVAN.address, "Верните, пожалуйста, деньги.", to=REFUND, subject="Возврат")
            asked = await told(talk)
            assert "впишите их после двоеточий" in asked.text
            assert talk.status(1) == "incomplete"

            await talk.reply(asked, IVAN.address, "Номер договора: 120417\nДата оплаты: 03.11.2026")
            assert (await told(talk)).kind[0] == "acknowledgement"
            assert talk.status(1) == "new"

            letter = await answer(talk, "Деньги отправлены.")
            assert "#решено или #продолжить" in letter.text
            assert talk.status(1) == "pending"

            await talk.reply(letter, IVAN.address, "решено")
            solved = await told(talk)
            assert (solved.kind[0], talk.status(1)) == ("solved", "solved")
            assert "до среды, 25 ноября 2026 г., 15:00" in solved.text

            await talk.reply(solved, IVAN.address, "#продолжить\n\nДеньги так и не пришли.")
            assert talk.status(1) == "open"
            solved = await answer(talk, "#решено\n\nОтправили ещё раз.")
            talk.clock.forward(WINDOW - 6 * HOUR)
            assert await remind_due(talk.desk) == 1
            reminder = await told(talk)
            assert "#решено или #продолжить" in reminder.text
            await talk.reply(reminder, IVAN.address, "#продолжить")
            assert talk.status(1) == "open"
            asked = await told(talk)
            assert (asked.kind[0], asked.message["Auto-Submitted"]) == ("what_is_wrong", "auto-replied")
            assert "Что осталось не так?" in asked.text
            await talk.reply(asked, IVAN.address, "#продолжить")
            await talk.reply(asked, IVAN.address, "Пришла половина суммы.")
            assert {one.kind for one in await talk.letters()} == {("new_message", BILLING_TEAM)}, "asked once"

            solved = await answer(talk, "#решено\n\nБанк подтвердил перевод.")
            talk.clock.forward(WINDOW)
            assert await close_due(talk.desk) == 1
            closed = await told(talk)
            assert (closed.kind[0], talk.status(1)) == ("closed", "closed")

            await talk.reply(closed, IVAN.address, "Пришла только половина.")
            follow = await told(talk)
            assert (follow.kind[0], talk.status(2)) == ("follow_up", "new")
            assert "Обращение № 1 уже закрыто" in follow.text
            assert "№ 2" in follow.text

            await talk.mail(IVAN.address, "список", to="help@desk.example", subject="")
            listed = await told(talk)
            assert "[#2] Возврат" in listed.text
            await talk.mail(IVAN.address, "показать", to="help@desk.example", subject="[#1]")
            assert "Пришла только половина." not in (await told(talk)).text

            assert all("http" not in plain(one.message) for one in talk.sent)

    asyncio.run(main())


def test_a_huge_message_is_passed_on_whole_and_repeated_in_part(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            huge = "Строка журнала, одна из многих.\n" * 5_000 + "Последняя строка."
            await talk.mail(IVAN.address, huge)
            [team] = [one for one in await talk.letters() if one.kind[1] == BILLING_TEAM]
            assert "Последняя строка." in team.text
            for turn in range(4):
                letter = await answer(talk, f"Смотрим, {turn}.")
                await talk.reply(letter, IVAN.address, huge)
                [team] = await talk.letters()
                assert "Последняя строка." in team.text.partition("Ранее в этом обращении")[0]
                assert len(letter.data) < 100_000
            assert "Строка журнала, одна из многих.\n> […]" in letter.text

    asyncio.run(main())


def plain(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
