"""One ticket is one thread, for the customer and for support, in programs that thread by different rules."""

import asyncio
import re
from collections.abc import Sequence
from email.message import EmailMessage
from itertools import permutations
from pathlib import Path

import pytest

from maild.core.tokens import Action
from maild.desk.clock import close_due, remind_due
from tests.desk.conversation import Conversation, conversation
from tests.desk.threading_rules import gmail, jwz, outlook, own_id
from tests.values import BILLING_TEAM, IVAN, OLGA, WINDOW


async def ask(talk: Conversation, author: str, words: str, subject: str) -> int:
    """A question; the number of its ticket."""
    mail = await talk.mail(author, words, subject=subject)
    await talk.letters()
    number = talk.row(mail).ticket
    assert number is not None
    return number


def _number(message: EmailMessage) -> int:
    found = re.search(r"\[#(\d+)\]", str(message["Subject"]))
    return int(found[1]) if found else 0


async def reply(talk: Conversation, reader: str, number: int, words: str) -> None:
    letter = next(one for one in reversed(talk.sent) if one.kind[1] == reader and _number(one.message) == number)
    await talk.reply(letter, reader, words)
    await talk.letters()


async def life(talk: Conversation, number: int, person: str) -> None:
    """Answered, asked again, solved, reopened by a link, solved, reminded, confirmed by a word."""
    await reply(talk, BILLING_TEAM, number, "Пришлите номер договора.")
    await reply(talk, person, number, "120417")
    await reply(talk, BILLING_TEAM, number, "#заметка\nПохоже на старую ошибку.")
    await reply(talk, BILLING_TEAM, number, "#решено\n\nГотово.")
    await talk.press(number, Action.CONTINUE, person)
    await talk.letters()
    await reply(talk, person, number, "Всё ещё не то.")
    await reply(talk, BILLING_TEAM, number, "#решено\n\nТеперь верно.")


async def ending(talk: Conversation, *numbers: int) -> None:
    talk.clock.forward(WINDOW * 43 // 48)
    assert await remind_due(talk.desk) == len(numbers)
    await talk.letters()
    talk.clock.forward(WINDOW * 5 // 48)
    assert await close_due(talk.desk) == len(numbers)
    await talk.letters()


def mailbox(talk: Conversation, reader: str) -> list[EmailMessage]:
    """What lies in the mailbox of a reader: the letters to him, and his own mails in Sent, in order of time."""
    own = [one for one in talk.wrote if str(one["From"]) == reader]
    return [*own, *(one.message for one in talk.sent if one.kind[1] == reader)]


def by_ticket(talk: Conversation, messages: Sequence[EmailMessage]) -> frozenset[frozenset[str]]:
    """The threads as they ought to be, from what the desk itself knows."""
    tickets: dict[str, int] = dict(talk.desk.store.read_now(lambda tx: tx.all("SELECT message_id, ticket FROM mails")))
    found: dict[int, set[str]] = {}
    for message in messages:
        found.setdefault(_number(message) or tickets[own_id(message)], set()).add(own_id(message))
    return frozenset(map(frozenset, found.values()))


def check_threads(talk: Conversation, reader: str) -> list[EmailMessage]:
    """All rules see what the desk sees. A first mail, which has no number yet, hangs on by its Message-ID alone: a
    program that goes by subjects puts it wherever it puts that person's other mails of that subject.
    """
    messages = mailbox(talk, reader)
    assert jwz(messages) == by_ticket(talk, messages)
    numbered = [one for one in messages if _number(one)]
    assert gmail(numbered) == outlook(numbered) == by_ticket(talk, numbered)
    return messages


@pytest.mark.parametrize("other", ["Счёт", "Возврат"])
def test_a_ticket_is_one_thread_and_two_are_two(tmp_path: Path, other: str) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            for subject in ("Re: Счёт", other):
                await ask(talk, IVAN.address, "Где мой счёт?", subject)
            for number in (1, 2):
                await life(talk, number, IVAN.address)
            await ending(talk, 1, 2)
            for reader in (IVAN.address, BILLING_TEAM):
                messages = check_threads(talk, reader)
                assert len(messages) > 14
                assert len(jwz(messages)) == 2

    asyncio.run(main())


def test_the_order_in_which_a_program_meets_the_letters_does_not_matter(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await ask(talk, IVAN.address, "Где мой счёт?", "Счёт")
            await reply(talk, BILLING_TEAM, 1, "Вот он.")
            await reply(talk, IVAN.address, 1, "Не тот.")
            for reader in (IVAN.address, BILLING_TEAM):
                messages = mailbox(talk, reader)
                threads = {jwz(order) for order in permutations(messages)}
                assert threads == {by_ticket(talk, messages)}

    asyncio.run(main())


@pytest.mark.slow
def test_a_long_conversation_stays_one_thread_though_references_are_cut(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await ask(talk, IVAN.address, "Где мой счёт?", "Счёт")
            for turn in range(14):
                await reply(talk, BILLING_TEAM, 1, f"Ответ {turn}.")
                await reply(talk, IVAN.address, 1, f"Вопрос {turn}.")
            for reader in (IVAN.address, BILLING_TEAM):
                assert len(jwz(check_threads(talk, reader))) == 1

    asyncio.run(main())


def test_a_follow_up_is_a_thread_of_its_own_for_support(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await ask(talk, IVAN.address, "Где мой счёт?", "Счёт")
            await reply(talk, BILLING_TEAM, 1, "#решено\n\nВот он.")
            await ending(talk, 1)
            await reply(talk, IVAN.address, 1, "Снова не тот.")
            await reply(talk, BILLING_TEAM, 2, "#решено\n\nВот верный.")
            messages = check_threads(talk, BILLING_TEAM)
            assert {str(one["Subject"]) for one in messages} == {
                "[#1] Счёт", "Re: [#1] Счёт", "[#2] Счёт", "Re: [#2] Счёт",
            }  # fmt: skip

    asyncio.run(main())


def test_a_colleague_who_joins_sees_one_thread_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.mail(IVAN.address, "Где мой счёт?", Cc=OLGA.address)
            await talk.letters()
            await reply(talk, BILLING_TEAM, 1, "#копия принять\n\nПосмотрим.")
            await reply(talk, OLGA.address, 1, "Спасибо, и мне он нужен, договор 17.")
            await reply(talk, BILLING_TEAM, 1, "#решено\n\nВот он.")
            messages = mailbox(talk, OLGA.address)
            assert len(messages) >= 3
            assert len(jwz(messages)) == len(gmail(messages)) == len(outlook(messages)) == 1

    asyncio.run(main())


def test_two_customers_with_one_subject_are_two_threads_for_support(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            for person in (IVAN.address, OLGA.address):
                number = await ask(talk, person, "Где мой счёт?", "Счёт")
                await reply(talk, BILLING_TEAM, number, "Вот он.")
                await reply(talk, person, number, "Не тот.")
            messages = check_threads(talk, BILLING_TEAM)
            assert len(jwz(messages)) == 2

    asyncio.run(main())
