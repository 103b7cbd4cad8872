"""A person is written to in one language: told by his mails, chosen by a link, whatever the desk speaks."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest

from maild.core.tokens import LanguageClaim, language_token, new_nonce, page_nonce
from maild.desk.languages import switch_language
from maild.desk.receive import receive_waiting
from maild.store import people
from tests.desk.conversation import Conversation, Written, conversation
from tests.values import BILLING, BILLING_TEAM, BORDER, IVAN, OLGA

ENGLISH = "Hello, where is my invoice for November?"
RUSSIAN = "Здравствуйте, где мой счёт?"
GENERAL = "help@desk.example"
URL = "https://help.desk.example"


def stored(talk: Conversation) -> dict[str, str]:
    return talk.desk.store.read_now(people.languages, [IVAN.address, OLGA.address, BILLING_TEAM])


def language_of(letter: Written) -> str:
    return "ru" if "Ответ пишите выше" in letter.text else "en"


async def asked(talk: Conversation, words: str, **fields: str) -> Written:
    """Ivan's acknowledgement."""
    await talk.mail(IVAN.address, words, **fields)
    talk.clock.forward(timedelta(hours=1))
    return next(one for one in await talk.letters() if one.row.to_address == IVAN.address)


async def choose(talk: Conversation, language: str) -> None:
    token = language_token(talk.desk.keys, LanguageClaim(IVAN.address, language))
    nonce = page_nonce(talk.desk.keys, token, new_nonce(language.encode() * 5), talk.clock())
    await switch_language(talk.desk, token, nonce)


def test_the_language_of_the_first_mail_is_kept_for_all_that_follow(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            assert language_of(await asked(talk, ENGLISH)) == "en"
            assert stored(talk) == {IVAN.address: "en"}
            assert language_of(await asked(talk, "1042?", subject="1042")) == "en", "a mail without words"
            assert language_of(await asked(talk, "ok")) == "en"

    asyncio.run(main())


def test_cyrillic_corrects_what_was_thought_of_latin_letters_but_no_choice(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await asked(talk, ENGLISH)
            await asked(talk, RUSSIAN)
            assert stored(talk) == {IVAN.address: "ru"}
            assert language_of(await asked(talk, ENGLISH)) == "ru", "logs and quotes are in English too"
            await choose(talk, "en")
            assert language_of(await asked(talk, RUSSIAN)) == "en"
            assert stored(talk) == {IVAN.address: "en"}

    asyncio.run(main())


def test_a_mail_that_nobody_vouches_for_teaches_nothing_of_its_author(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            raw = f"From: {IVAN.address}\r\nTo: {BILLING}\r\nSubject: Hi\r\n\r\n{ENGLISH}\r\n".encode()
            await talk.take(raw, mail_from=IVAN.address, rcpt_tos=(BILLING,))
            await receive_waiting(talk.desk)
            [_, answered] = await talk.letters()
            assert (language_of(answered), stored(talk)) == ("en", {})

    asyncio.run(main())


def test_an_answer_goes_to_each_participant_in_his_own_language(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await asked(talk, RUSSIAN)
            await talk.mail(IVAN.address, "И ещё вопрос.", Cc=OLGA.address)
            team = next(one for one in await talk.letters() if one.row.to_address == BILLING_TEAM)
            await talk.mail(OLGA.address, ENGLISH, to="tech@desk.example")
            await talk.letters()
            await talk.reply(team, BILLING_TEAM, "#cc accept\n\nДержите.")
            answers = {one.row.to_address: language_of(one) for one in await talk.letters() if one.kind[0] == "answer"}
            assert answers == {IVAN.address: "ru", OLGA.address: "en"}

    asyncio.run(main())


@pytest.mark.parametrize(("words", "offer"), [(RUSSIAN, "Letters in English"), (ENGLISH, "Письма на русском")])
def test_letters_to_customers_offer_the_other_language_and_those_to_support_do_not(
    tmp_path: Path, words: str, offer: str
) -> None:
    async def main() -> None:
        async with conversation(tmp_path, public_url=URL, general_address=GENERAL) as talk:
            await talk.mail(IVAN.address, words)
            letters = {one.row.to_address: one for one in await talk.letters()}
            [link] = re.findall(rf"{offer}: {URL}/l/([\w.-]+)", letters[IVAN.address].text)
            assert f'href="{URL}/l/{link}"' in letters[IVAN.address].everything
            assert "/l/" not in letters[BILLING_TEAM].everything
            await talk.mail(IVAN.address, "list", to=GENERAL, subject="")
            [listed] = await talk.letters()
            assert f"{offer}: {URL}/l/" in listed.text

    asyncio.run(main())


def test_without_web_pages_there_is_no_such_link(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, public_url="") as talk:
            letter = await asked(talk, RUSSIAN)
            assert "/l/" not in letter.everything
            assert letter.text.endswith("-- \nКактус\n")

    asyncio.run(main())


def test_a_link_that_a_quote_carried_along_is_taken_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, public_url=URL) as talk:
            link = f"{URL}/l/{language_token(talk.desk.keys, LanguageClaim(IVAN.address, 'en'))}"
            await talk.mail(IVAN.address, f"Что это за ссылка? {link}")
            team = next(one for one in await talk.letters() if one.row.to_address == BILLING_TEAM)
            assert "Что это за ссылка? […]" in team.text

    asyncio.run(main())


def test_names_are_used_as_people_write_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            author = f'From: "Иван Сергеевич" <{IVAN.address}>\r\nTo: {BILLING}'
            result = f"Authentication-Results: {BORDER}; dmarc=pass header.from=client.example"
            raw = f"{result}\r\nReceived: from x by {BORDER}\r\n{author}\r\nSubject: Счёт\r\n\r\n{RUSSIAN}\r\n".encode()
            await talk.take(raw, mail_from=IVAN.address, rcpt_tos=(BILLING,))
            await receive_waiting(talk.desk)
            texts = [one.text for one in await talk.letters()]
            assert any("Здравствуйте, Иван Сергеевич!" in text for text in texts)

    asyncio.run(main())
