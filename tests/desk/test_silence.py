"""Reminders before the deadline, and tickets that count as solved because their customer stays silent."""

import asyncio
from datetime import timedelta
from pathlib import Path

from maild.core.tokens import Action
from maild.desk.clock import auto_solve_due, close_due, remind_due
from tests.desk.conversation import Conversation, Written, conversation, opened, solved
from tests.values import BILLING_TEAM, IVAN, WINDOW, make_policy

TICK = timedelta(microseconds=1)
PATIENCE, BEFORE = make_policy().auto_solve_after, make_policy().remind_before
DAY = timedelta(days=1)


async def answered(talk: Conversation) -> Written:
    team, _ = await opened(talk)
    await talk.reply(team, BILLING_TEAM, "Счёт во вложении.")
    [letter] = await talk.letters()
    return letter


def test_silence_solves_when_the_answer_said_so_and_not_a_microsecond_earlier(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            letter = await answered(talk)
            assert "мы отметим обращение решённым" in letter.text
            talk.clock.forward(PATIENCE - TICK)
            assert await auto_solve_due(talk.desk) == 0
            talk.clock.forward(TICK)
            assert [await auto_solve_due(talk.desk) for _ in range(2)] == [1, 0]
            assert talk.status(1) == "solved"
            [told] = await talk.letters()
            assert told.kind == ("solved", IVAN.address)
            assert "новых вопросов с тех пор не было" in told.text
            talk.clock.forward(WINDOW)
            assert await close_due(talk.desk) == 1

    asyncio.run(main())


def test_a_word_from_the_customer_ends_the_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.reply(await answered(talk), IVAN.address, "А за октябрь?")
            talk.clock.forward(2 * PATIENCE)
            assert await auto_solve_due(talk.desk) == 0
            assert talk.status(1) == "open"

    asyncio.run(main())


def test_a_second_answer_begins_the_waiting_anew(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            await talk.reply(team, BILLING_TEAM, "Смотрим.")
            talk.clock.forward(PATIENCE - DAY)
            await talk.reply(team, BILLING_TEAM, "Счёт во вложении.")
            await talk.letters()
            talk.clock.forward(DAY)
            assert await auto_solve_due(talk.desk) == 0
            talk.clock.forward(PATIENCE - DAY)
            assert await auto_solve_due(talk.desk) == 1

    asyncio.run(main())


def test_thanks_bring_it_forward_to_a_day(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.reply(await answered(talk), IVAN.address, "Спасибо!")
            assert (talk.status(1), talk.events(1)[-1]) == ("pending", "courtesy")
            talk.clock.forward(DAY - TICK)
            assert await auto_solve_due(talk.desk) == 0
            talk.clock.forward(TICK)
            assert await auto_solve_due(talk.desk) == 1

    asyncio.run(main())


def test_without_patience_nothing_is_announced_and_nothing_solved(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, auto_solve_after=timedelta()) as talk:
            letter = await answered(talk)
            assert "отметим" not in letter.text
            talk.clock.forward(100 * DAY)
            assert await auto_solve_due(talk.desk) == 0

    asyncio.run(main())


def test_a_mail_received_in_time_and_not_yet_understood_keeps_the_ticket_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            letter = await answered(talk)
            talk.clock.forward(PATIENCE - TICK)
            await talk.spool(IVAN.address, "Не то", In_Reply_To=letter.message["Message-ID"])
            talk.clock.forward(DAY)
            assert await auto_solve_due(talk.desk) == 0

    asyncio.run(main())


def test_one_reminder_a_round_six_hours_before_its_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            talk.clock.forward(WINDOW - BEFORE - TICK)
            assert await remind_due(talk.desk) == 0
            talk.clock.forward(TICK)
            assert [await remind_due(talk.desk) for _ in range(2)] == [1, 0]
            [letter] = await talk.letters()
            assert letter.kind == ("reminder", IVAN.address)
            assert "закроется окончательно" in letter.text
            assert talk.events(1)[-1] == "reminded"
            await talk.reply(letter, IVAN.address, "Не работает")
            await talk.press(1, Action.SOLVED)
            await talk.letters()
            talk.clock.forward(WINDOW - BEFORE)
            assert await remind_due(talk.desk) == 0, "he has confirmed this round"

    asyncio.run(main())


def test_after_downtime_a_reminder_still_goes_out_in_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            talk.clock.forward(WINDOW - TICK)
            assert await remind_due(talk.desk) == 1

    asyncio.run(main())


def test_no_reminder_at_or_after_the_deadline(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            talk.clock.forward(WINDOW)
            assert await remind_due(talk.desk) == 0

    asyncio.run(main())
