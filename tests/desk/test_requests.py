"""`list` and `show`: what a customer learns of his tickets by mail, and a stranger does not."""

import asyncio
from pathlib import Path

import pytest

from maild.core.requests import Request, Scope, read_request
from maild.desk import act
from maild.desk.receive import receive_waiting
from tests.desk.conversation import Conversation, conversation
from tests.values import BILLING_TEAM, IVAN, OLGA

GENERAL = "help@desk.example"


@pytest.mark.parametrize(
    ("words", "scope"),
    [
        ("list", Scope.MINE),
        ("List.", Scope.MINE),
        ("#list all", Scope.ALL),
        ("список", Scope.MINE),
        ("Список входящие", Scope.INCOMING),
        ("список  исходящие", Scope.OUTGOING),
    ],
)
def test_a_list_is_asked_for_in_one_line(words: str, scope: Scope) -> None:
    assert read_request(words) == Request(scope)


@pytest.mark.parametrize("words", ["", "list please", "listing", "show me", "список литературы", "list\nall of it"])
def test_other_words_ask_for_nothing(words: str) -> None:
    assert read_request(words) is None


def test_show_is_one_word() -> None:
    assert read_request("Показать") == read_request("show") == Request(None)


async def two_tickets(talk: Conversation) -> None:
    """One that Ivan opened and support has answered, one that support opened towards him."""
    await talk.mail(IVAN.address, "Где счёт?", subject="Мой вопрос")
    team, _ = await talk.letters()
    await talk.reply(team, BILLING_TEAM, "Вот он.")
    await act.open_towards(
        talk.desk, "cli", IVAN, category="tech", topic="", subject="Работы на линии", words="Завтра с утра."
    )
    await talk.letters()


async def asked(talk: Conversation, words: str, author: str = IVAN.address, **fields: str) -> str:
    await talk.mail(author, words, to=GENERAL, **{"subject": "", **fields})
    [letter] = await talk.letters()
    assert letter.kind[1] == author
    return letter.text


def test_lists_hold_what_their_names_say_and_mark_what_is_new(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await two_tickets(talk)
            mine, everything = await asked(talk, "список"), await asked(talk, "list all")
            assert "[#1] Мой вопрос (новый ответ)" in mine
            assert "[#2]" not in mine.partition("показать")[0]
            assert everything.index("[#2] Работы на линии") < everything.index("[#1]"), "newest first"
            assert "[#1]" not in await asked(talk, "список входящие")
            assert "[#2]" not in (await asked(talk, "list outgoing")).partition("показать")[0]
            assert "Таких обращений нет" in await asked(talk, "список", OLGA.address)
            assert talk.desk.store.read_now(lambda tx: tx.one("SELECT COUNT(*) FROM tickets")) == (2,)

    asyncio.run(main())


def test_show_sends_the_thread_to_a_participant_and_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await two_tickets(talk)
            before = talk.events(1)
            words = await asked(talk, "показать", subject="[#1]")
            assert "> Вот он." in words
            assert "> Где счёт?" in words
            assert (talk.status(1), talk.events(1)) == ("pending", before)

    asyncio.run(main())


def test_another_customer_is_not_shown_a_ticket_whose_number_he_guesses(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await two_tickets(talk)
            await talk.mail(OLGA.address, "show", to=GENERAL, subject="[#1]")
            letters = await talk.letters()
            assert ("show", OLGA.address) not in [letter.kind for letter in letters]
            assert not any("Вот он" in letter.everything for letter in letters if letter.kind[1] == OLGA.address)

    asyncio.run(main())


def test_who_only_knows_a_reference_can_have_no_thread_sent(tmp_path: Path) -> None:
    """In the name of Ivan, a hundred times: he would get a hundred threads that he did not ask for."""

    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await two_tickets(talk)
            raw = (
                f"From: {IVAN.address}\r\nSubject: [#1]\r\nIn-Reply-To: <m1@client.example>\r\n"
                "Message-ID: <s@x.example>\r\n\r\nshow\r\n"
            )
            mail = await talk.take(raw.encode(), mail_from="mallory@evil.example", rcpt_tos=(GENERAL,))
            await receive_waiting(talk.desk)
            assert ("show", IVAN.address) not in [letter.kind for letter in await talk.letters()]
            assert talk.row(mail).ticket == 1

    asyncio.run(main())


def test_a_stranger_who_asks_for_a_list_gets_the_catalogue_within_his_budget(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await two_tickets(talk)
            for number in range(5):
                raw = f"From: {OLGA.address}\r\nSubject: list\r\nMessage-ID: <l{number}@x.example>\r\n\r\n\r\n".encode()
                await talk.take(raw, mail_from=OLGA.address, rcpt_tos=(GENERAL,))
                await receive_waiting(talk.desk)
            letters = await talk.letters()
            assert [letter.kind for letter in letters] == [
                *[("catalogue", OLGA.address)] * 3,
                ("budget", BILLING_TEAM),
            ]
            assert "Мой вопрос" not in "".join(letter.everything for letter in letters)

    asyncio.run(main())
