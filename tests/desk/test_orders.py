"""Commands by mail, in both languages, through the store: what they do, who is told, and what customers never see."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maild.core.mail import Mailbox
from maild.core.policy import Agent
from maild.desk.clock import auto_solve_due, wake_due
from maild.store import lists, muted
from maild.store.lists import TicketRow
from tests.desk.conversation import Conversation, Written, conversation, opened
from tests.values import ANNA, BILLING, BILLING_TEAM, IVAN, OLGA, TECH_TEAM, make_policy

BORIS = "boris@office.example"  # an agent of all categories, who wants receipts
AGENTS = (*make_policy().agents, Agent(BORIS, "Boris", "en", (), echo=True))
Story = Callable[[Conversation, Written], Awaitable[None]]


@asynccontextmanager
async def asked(folder: Path, **policy: Any) -> AsyncIterator[tuple[Conversation, Written]]:
    """Ivan has asked; the letter to the team."""
    async with conversation(folder, **{"agents": AGENTS, **policy}) as talk:
        team, _ = await opened(talk)
        yield talk, team


def play(folder: Path, story: Story, **policy: Any) -> None:
    async def main() -> None:
        async with asked(folder, **policy) as (talk, team):
            await story(talk, team)

    asyncio.run(main())


def row(talk: Conversation, number: int = 1) -> TicketRow:
    found = talk.desk.store.read_now(lists.ticket_row, number)
    assert found is not None
    return found


def history(talk: Conversation, number: int = 1) -> list[tuple[str, str, str, str]]:
    return [(one.event, one.who, one.via, one.reason) for one in talk.desk.store.read_now(lists.events_of, number)]


def kinds(letters: list[Written]) -> list[tuple[str, str]]:
    return sorted(letter.kind for letter in letters)


@pytest.mark.parametrize(
    ("lines", "check"),
    [
        ("#assign anna@office.example", ("assignee", ANNA)),
        ("#назначить Анна <ANNA@office.example>", ("assignee", ANNA)),
        ("#priority high", ("priority", "high")),
        ("#приоритет низкий", ("priority", "low")),
        ("#tag +vip +Срочно", ("tags", ("vip", "срочно"))),
        ("#метка +a +b\n#tag \u2013a", ("tags", ("b",))),
        ("#move tech/refund", ("category", "tech")),
        ("#переместить Tech", ("category", "tech")),
        ("#cc olga@client.example", ("participants", (IVAN.address, OLGA.address))),
        ("#копия olga@client.example", ("participants", (IVAN.address, OLGA.address))),
    ],
)
def test_an_order_alone_changes_the_ticket_and_says_nothing_to_the_customer(
    tmp_path: Path, lines: str, check: tuple[str, object]
) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        mail = await talk.reply(team, BILLING_TEAM, lines)
        assert talk.row(mail).state == "done", talk.row(mail).reason
        assert getattr(row(talk), check[0]) == check[1]
        assert not [one for one in await talk.letters() if one.row.to_address in (IVAN.address, OLGA.address)]
        assert talk.status(1) == "new"

    play(tmp_path, story)


def test_several_orders_and_an_answer_in_one_mail(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, "#tag +счёт\n#priority high\n#копия olga@client.example\n\nДержите.")
        letters = await talk.letters()
        assert kinds(letters) == [("answer", IVAN.address), ("answer", OLGA.address)], "whoever joins gets the answer"
        assert not any(word in one.everything for one in letters for word in ("#tag", "#priority", "#копия"))
        assert [one[0] for one in history(talk)][1:] == ["tagged", "prioritised", "cc_joined", "agent_answered"]
        assert history(talk)[1] == ("tagged", BILLING_TEAM, "smtp", "+счёт")
        assert talk.status(1) == "pending"

    play(tmp_path, story)


def test_people_in_copy_join_when_support_accepts_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.mail(IVAN.address, "Где мой счёт?", Cc="Ольга <olga@client.example>")
            team, _ = await talk.letters()
            assert row(talk).participants == (IVAN.address,)
            await talk.reply(team, BILLING_TEAM, "#копия принять\nОтвечаем обоим.")
            assert kinds(await talk.letters()) == [("answer", IVAN.address), ("answer", OLGA.address)]
            again = await talk.reply(team, BILLING_TEAM, "#cc accept")
            assert talk.row(again).state == "held", "nobody is left"

    asyncio.run(main())


def test_whoever_is_assigned_can_answer_the_letter_he_gets_and_hears_of_what_comes(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, f"#assign {ANNA}")
        [handed] = await talk.letters()
        assert handed.kind == ("handed_over", ANNA)
        assert "Где мой счёт?" in handed.text
        await talk.reply(handed, ANNA, "Держите.")
        letters = await talk.letters()
        assert kinds(letters) == [("answer", IVAN.address), ("copy", BILLING_TEAM)]
        answer = next(one for one in letters if one.row.letter == "answer")
        await talk.reply(answer, IVAN.address, "Не тот.")
        assert kinds(await talk.letters()) == [("new_message", ANNA), ("new_message", BILLING_TEAM)]

    play(tmp_path, story)


def test_a_moved_ticket_is_the_other_teams_and_no_longer_the_first_ones(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, "#переместить tech")
        [handed] = await talk.letters()
        assert handed.kind == ("handed_over", TECH_TEAM)
        assert history(talk)[-1] == ("moved", BILLING_TEAM, "smtp", "tech")
        late = await talk.reply(team, BILLING_TEAM, "Держите.")
        assert talk.row(late).state == "held"
        await talk.letters()
        await talk.reply(handed, TECH_TEAM, "Отвечает техника.")
        [answer] = await talk.letters()
        assert answer.kind == ("answer", IVAN.address)
        assert "tech@desk.example" in answer.message["From"]

    play(tmp_path, story)


@pytest.mark.parametrize("line", ["#merge 1", "#объединить № 1", "#merge [#1]"])
def test_a_merged_ticket_is_closed_and_its_later_mail_follows_it(tmp_path: Path, line: str) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.mail(OLGA.address, "И я не получила счёт", subject="Тоже нет счёта")
        other, ack = await talk.letters()
        await talk.reply(other, BILLING_TEAM, line)
        assert await talk.letters() == []
        assert (talk.status(2), row(talk, 2).merged_into) == ("closed", 1)
        assert row(talk).participants == (IVAN.address, OLGA.address)
        assert history(talk, 2)[-2:] == [
            ("closed", BILLING_TEAM, "smtp", "by_command"),
            ("merged", BILLING_TEAM, "smtp", "#1"),
        ]
        assert history(talk)[-1] == ("merged", BILLING_TEAM, "smtp", "#2")
        texts = [one.reply for one in talk.desk.store.read_now(lists.messages_of, 1)]
        assert texts == ["Где мой счёт?", "И я не получила счёт"]
        later = await talk.reply(ack, OLGA.address, "Так когда?")
        assert talk.row(later).ticket == 1
        assert kinds(await talk.letters()) == [("new_message", BILLING_TEAM)]

    play(tmp_path, story)


def test_merging_is_for_open_tickets_of_ones_own_categories(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.mail(OLGA.address, "Сломалось", to="tech@desk.example")
        await talk.letters()
        for line in ("#merge 1", "#merge 2", "#merge 99", "#merge", "#merge one"):
            mail = await talk.reply(team, BILLING_TEAM, line)
            assert talk.row(mail).state == "held", line
        assert {letter.kind for letter in await talk.letters()} == {("command_help", BILLING_TEAM)}
        assert row(talk).merged_into is None

    play(tmp_path, story)


@pytest.mark.parametrize("line", ["#spam", "#спам"])
def test_spam_is_closed_without_a_letter_and_its_author_is_not_answered_any_more(tmp_path: Path, line: str) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, line)
        assert await talk.letters() == []
        assert talk.status(1) == "closed"
        assert history(talk)[1:] == [
            ("spam", BILLING_TEAM, "smtp", "by_command"),
            ("closed", BILLING_TEAM, "smtp", "by_command"),
        ]
        assert talk.desk.store.read_now(muted.has, IVAN.address, talk.clock())

    play(tmp_path, story)


def test_spam_of_a_solved_ticket_cannot_be_reopened(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, "#solved")
        [solved] = await talk.letters()
        await talk.reply(team, BILLING_TEAM, "#spam")
        await talk.reply(solved, IVAN.address, "Ещё одно предложение")
        assert (talk.status(1), talk.status(2)) == ("closed", "new")

    play(tmp_path, story)


@pytest.mark.parametrize("line", ["#snooze 2d", "#отложить 48ч", "#отложить 2 дня"])
def test_a_snoozed_ticket_comes_back_to_support(tmp_path: Path, line: str) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, f"{line}\nПроверим послезавтра.")
        await talk.letters()
        assert talk.status(1) == "pending"
        talk.clock.forward(timedelta(hours=47))
        assert await wake_due(talk.desk) == 0
        talk.clock.forward(timedelta(hours=1))
        assert await wake_due(talk.desk) == 1
        assert await wake_due(talk.desk) == 0
        [letter] = await talk.letters()
        assert letter.kind == ("woken", BILLING_TEAM)
        assert "Где мой счёт?" in letter.text
        assert talk.status(1) == "open"
        assert history(talk)[-1] == ("reopened", "maild", "job", "by_job")

    play(tmp_path, story)


def test_a_snoozed_ticket_whose_customer_wrote_needs_no_reminder(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, "#snooze 2d\nПодождите.")
        [answer] = await talk.letters()
        talk.clock.forward(timedelta(hours=1))
        await talk.reply(answer, IVAN.address, "Жду.")
        await talk.letters()
        talk.clock.forward(timedelta(days=3))
        assert await wake_due(talk.desk) == 1
        assert await talk.letters() == []

    play(tmp_path, story)


@pytest.mark.parametrize("line", ["#ask", "#вопрос"])
def test_a_question_has_no_buttons_and_silence_does_not_solve_it(tmp_path: Path, line: str) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, "Сейчас посмотрим.")
        [first] = await talk.letters()
        assert "/a/" in first.text
        talk.clock.forward(timedelta(hours=1))
        await talk.reply(team, BILLING_TEAM, f"{line}\nКакой у вас номер договора?")
        [answer] = await talk.letters()
        assert answer.kind == ("answer", IVAN.address)
        assert "номер договора" in answer.text
        assert "/a/" not in answer.everything
        assert "mailto:" not in answer.everything
        talk.clock.forward(timedelta(days=30))
        assert await auto_solve_due(talk.desk) == 0
        assert talk.status(1) == "pending"

    play(tmp_path, story)


def test_a_macro_stands_above_the_words_in_the_customers_language(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, "#macro screenshot\n\nИ номер договора.")
        [answer] = await talk.letters()
        assert "пришлите, пожалуйста, снимок экрана" in answer.text
        assert answer.text.index("снимок экрана") < answer.text.index("И номер договора.")
        unknown = await talk.reply(team, BILLING_TEAM, "#шаблон ../words")
        assert talk.row(unknown).state == "held"

    play(tmp_path, story)


@pytest.mark.parametrize("line", ["#customer olga@client.example", "#клиент Ольга <olga@client.example>"])
def test_new_business_opens_a_ticket_towards_a_customer(tmp_path: Path, line: str) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        mail = await talk.mail(ANNA, f"{line}\n#tag +договор\n\nПора продлить договор.", subject="Договор")
        assert talk.row(mail).state == "done", talk.row(mail).reason
        letters = await talk.letters()
        assert kinds(letters) == [("answer", OLGA.address), ("copy", BILLING_TEAM)]
        answer = next(one for one in letters if one.row.letter == "answer")
        assert answer.message["Subject"] == "[#2] Договор"
        assert (row(talk, 2).participants, row(talk, 2).tags) == ((OLGA.address,), ("договор",))
        await talk.reply(answer, OLGA.address, "Хорошо, продлеваем?")
        assert talk.status(2) == "open"

    play(tmp_path, story)


@pytest.mark.parametrize(
    "words",
    [
        "#customer olga@client.example",
        "#customer\nДобрый день.",
        "#customer olga@client.example ivan@client.example\nДобрый день.",
        f"#customer {BILLING}\nДобрый день.",
        f"#customer {BILLING_TEAM}\nДобрый день.",
        "#customer olga@client.example\n#merge 1\nДобрый день.",
    ],
)
def test_new_business_that_is_not_clear_reaches_nobody(tmp_path: Path, words: str) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        mail = await talk.mail(ANNA, words)
        assert talk.row(mail).state == "held"
        assert kinds(await talk.letters()) == [("command_help", ANNA)]

    play(tmp_path, story)


def test_a_receipt_says_to_whom_it_went_what_was_left_out_and_what_ran(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        words = f"#priority high\nHere you are: {team.message['From'].addresses[0].addr_spec}\n#note he is angry"
        await talk.reply(team, BORIS, words)
        letters = await talk.letters()
        [echo] = [one for one in letters if one.row.letter == "echo"]
        assert echo.row.to_address == BORIS
        assert "The answer went to: ivan@client.example" in echo.text
        assert "#priority high" in echo.text
        assert "Left out: the quote, addresses and links of ours, the internal note, " in echo.text
        assert "he is angry" in echo.text
        note = await talk.reply(echo, BORIS, "For us only.")
        assert talk.row(note).reason == "agent's note"
        assert not [one for one in await talk.letters() if one.row.to_address == IVAN.address]

    play(tmp_path, story)


def test_another_teams_note_is_a_note_and_its_commands_are_not_obeyed(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.take(
                b"From: ivan@client.example\r\nTo: billing@desk.example, tech@desk.example\r\nSubject: x\r\n"
                b"Message-ID: <two@client.example>\r\n\r\nWhere?\r\n",
                mail_from=IVAN.address,
                rcpt_tos=(BILLING, "tech@desk.example"),
            )
            await talk.mail(OLGA.address, "Что?")
            letters = await talk.letters()
            tech = next(one for one in letters if one.row.to_address == TECH_TEAM)
            solving = await talk.reply(tech, TECH_TEAM, "#solved")
            assert (talk.row(solving).state, talk.status(1)) == ("held", "new")
            noting = await talk.reply(tech, TECH_TEAM, "Это к нам.")
            assert talk.row(noting).reason == "agent's note"

    asyncio.run(main())


def test_a_participant_who_was_let_in_by_address_has_no_name_yet(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, "#cc olga@client.example")
        found = talk.desk.store.read_now(lambda tx: tx.all("SELECT name, address FROM participants ORDER BY position"))
        assert [Mailbox(*one) for one in found] == [Mailbox("", IVAN.address), Mailbox("", OLGA.address)]

    play(tmp_path, story)
