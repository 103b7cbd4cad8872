"""A whole conversation through a real store: who gets which letter, and what stands in it."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

from maild.core.tokens import Action, Purpose, read_action, read_detail, read_message_id, verify
from maild.desk.clock import close_due
from maild.desk.letters import freeze
from maild.desk.receive import receive_waiting
from maild.store import outbox
from tests.desk.conversation import Conversation, Written, conversation, opened, solved
from tests.values import ANNA, BILLING, BILLING_TEAM, IVAN, OLGA, TECH, TECH_TEAM, WINDOW

TOKEN = re.compile(r"\+(t\d+\.[a-z2-7]{16})@", re.IGNORECASE)
OUR_ID = re.compile(r"\d+\.[can]\.[a-z2-7]{16}\.[a-z2-7]{16}@[\w.]+")
PEOPLE = (IVAN.address, OLGA.address, BILLING_TEAM, TECH_TEAM, ANNA)


def holders(talk: Conversation, letter: Written) -> set[tuple[str, Purpose]]:
    """For whom, and for what, the tokens in a letter are."""
    found = set()
    addresses = [read_detail(detail) for detail in TOKEN.findall(letter.everything)]
    signed = [token[1] for token in addresses if token]
    signed += [token for token in map(read_message_id, OUR_ID.findall(letter.everything)) if token]
    for token in signed:
        held = verify(talk.desk.keys, token, PEOPLE)
        assert held is not None, "a token that nobody holds"
        found.add(held)
    return found


def test_a_conversation_from_the_question_to_the_follow_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, ack = await opened(talk)
            assert (team.kind, ack.kind) == (("new_ticket", BILLING_TEAM), ("acknowledgement", IVAN.address))
            assert talk.status(1) == "new"

            await talk.reply(team, BILLING_TEAM, "Держите: https://files.example/1")
            [answer] = await talk.letters()
            assert (answer.kind, talk.status(1)) == (("answer", IVAN.address), "pending")
            assert "https://files.example/1" in answer.text

            await talk.reply(answer, IVAN.address, "Это не тот счёт.")
            [message] = await talk.letters()
            assert (message.kind, talk.status(1)) == (("new_message", BILLING_TEAM), "open")
            assert "Это не тот счёт." in message.text

            await talk.reply(message, BILLING_TEAM, "#решено\n\nВот верный.")
            [letter] = await talk.letters()
            assert (letter.kind, talk.status(1)) == (("solved", IVAN.address), "solved")
            assert "25 ноября 2026" in letter.text, "until when it can be reopened, in the desk's time zone"
            assert "15:00" in letter.text

            await talk.press(1, Action.CONTINUE)
            [again] = await talk.letters()
            assert (again.kind, talk.status(1)) == (("reopened", BILLING_TEAM), "open")

            await talk.reply(again, BILLING_TEAM, "#решено")
            [letter] = await talk.letters()
            talk.clock.forward(WINDOW)
            assert await close_due(talk.desk) == 1
            [closed] = await talk.letters()
            assert (closed.kind, talk.status(1)) == (("closed", IVAN.address), "closed")

            await talk.reply(letter, IVAN.address, "А теперь снова не тот.")
            follow = await talk.letters()
            assert [one.kind for one in follow] == [("follow_up_team", BILLING_TEAM), ("follow_up", IVAN.address)]
            assert all("1" in one.text and "2" in one.text for one in follow)
            assert (talk.status(1), talk.status(2)) == ("closed", "new")
            assert talk.events(1) == [
                "opened", "agent_answered", "customer_wrote", "agent_answered", "solved", "reopened", "solved",
                "closed", "follow_up",
            ]  # fmt: skip
            assert talk.events(2) == ["opened", "follow_up"]

            for one in talk.sent:
                check_letter(talk, one)

    asyncio.run(main())


def check_letter(talk: Conversation, letter: Written) -> None:
    """What is true of every letter."""
    fields = letter.message
    is_for_team = letter.row.to_address in (BILLING_TEAM, TECH_TEAM)
    assert {holder for holder, _ in holders(talk, letter)} == {letter.row.to_address}, "no token of anybody else"
    if not is_for_team:
        assert {purpose for _, purpose in holders(talk, letter)} == {Purpose.CUSTOMER}
        assert BILLING_TEAM not in letter.everything
        assert ANNA not in letter.everything
        assert f"<{BILLING}>" in fields["From"]
    assert fields["Message-ID"] == f"<{letter.row.message_id}>"
    assert f"[#{letter.row.ticket}]" in fields["Subject"]
    assert fields["X-Maild-Loop"] == talk.desk.instance
    assert letter.row.to_address in fields["To"]
    human = letter.row.letter in ("answer", "solved") and letter.row.message is not None
    assert bool(fields["Auto-Submitted"]) is not human
    assert letter.row.mail_from is not None
    assert letter.row.mail_from.startswith(f"billing+b{letter.row.id}.")


def test_a_thread_holds_together_in_every_mail_program(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, ack = await opened(talk)
            assert ack.message["In-Reply-To"] == "<m1@client.example>"
            assert team.message["References"] == "<m1@client.example>", "a team letter names the mail it announces"
            await talk.reply(team, BILLING_TEAM, "Держите.")
            [answer] = await talk.letters()
            assert str(answer.message["References"]).split() == ["<m1@client.example>", ack.message["Message-ID"]]
            await talk.reply(answer, IVAN.address, "Спасибо, но где второй?")
            [message] = await talk.letters()
            references = str(message.message["References"]).split()
            assert references[0] == "<m1@client.example>"
            assert references[-1] == "<m3@client.example>"
            assert ack.message["Message-ID"] not in references, "nobody sees what only others got"
            subjects = {str(one.message["Subject"]) for one in talk.sent}
            assert len(subjects) == 1, "one subject per ticket"

    asyncio.run(main())


def test_people_are_called_by_the_names_they_are_known_by(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.spool(f"Иван Петров <{IVAN.address}>", "Где счёт?")
            await receive_waiting(talk.desk)
            team, ack = await talk.letters()
            await talk.reply(ack, IVAN.address, "И за октябрь тоже.")
            [more] = await talk.letters()
            assert "Иван Петров via" in str(more.message["From"])
            await talk.reply(team, ANNA, "#вопрос\nЗа какой год?")
            answer, copy = sorted(await talk.letters(), key=lambda one: one.kind)
            assert "Анна via" in str(copy.message["From"])
            assert "Ждём вашего ответа" in answer.text

    asyncio.run(main())


def test_a_name_that_is_an_address_is_not_shown_as_the_author(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.mail(f'"{ANNA} ＠ CEO" <{IVAN.address}>', "Переведите деньги.")
            team = (await talk.letters())[0]
            assert ANNA not in team.everything
            assert f"{IVAN.address} via" in str(team.message["From"])

    asyncio.run(main())


def test_a_letter_is_written_once_and_the_same_at_every_attempt(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.mail(IVAN.address, "Где?")
            rows = await talk.desk.store.run(outbox.claim, talk.clock(), 9)
            first = [(await freeze(talk.desk, row)).frozen for row in rows]
            talk.clock.forward(timedelta(hours=1))
            await talk.mail(IVAN.address, "И ещё вопрос", subject="[#1]")
            again = await talk.desk.store.run(outbox.claim, talk.clock(), 2)
            assert [row.frozen for row in again] == first
            assert [(await freeze(talk.desk, row)).frozen for row in again] == first

    asyncio.run(main())


def test_action_links_are_the_readers_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            [letter] = await solved(talk)
            tokens = set(re.findall(r"https://desk\.example/a/([\w.-]+)", letter.everything))
            claims = [read_action(talk.desk.keys, token) for token in tokens]
            assert {(claim.number, claim.person) for claim in claims if claim} == {(1, IVAN.address)}
            assert {claim.action for claim in claims if claim} == set(Action)
            mailtos = set(re.findall(r"mailto:(\S+?)\?\S*body=%23(\w+)", letter.everything.replace("%2B", "+")))
            assert {body for _, body in mailtos} == {"solved", "continue"}
            for letter in talk.sent:
                if letter.row.letter not in ("answer", "solved"):
                    assert "/a/" not in letter.everything

    asyncio.run(main())


def test_a_note_stays_inside_and_the_team_sees_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            await talk.reply(team, ANNA, "Держите.\n#note он скандалит")
            letters = {one.kind: one for one in await talk.letters()}
            assert set(letters) == {("copy", BILLING_TEAM), ("answer", IVAN.address)}
            copies = [one for one in talk.sent if one.row.letter == "copy"]
            assert len(copies) == 2
            assert any("скандалит" in one.text for one in copies)
            await talk.reply(letters["answer", IVAN.address], IVAN.address, "Ещё вопрос")
            await talk.letters()
            for one in talk.sent:
                if one.row.to_address == IVAN.address:
                    assert "скандалит" not in one.everything

            await talk.reply(copies[0], BILLING_TEAM, "Пусть подождёт.")
            assert await talk.letters() == [], "an answer to a copy stays inside"
            assert talk.events(1)[-1] == "note_added"

    asyncio.run(main())


def test_a_stranger_gets_fixed_words_and_no_word_of_what_was_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            raw = (
                b"From: ivan@client.example\r\nSubject: BUY PILLS\r\nMessage-ID: <s@x.example>\r\n\r\nbuy pills now\r\n"
            )
            await talk.take(raw)
            await receive_waiting(talk.desk)
            _, ack = await talk.letters()
            assert ack.kind == ("acknowledgement_minimal", IVAN.address)
            assert "pills" not in ack.everything.lower()
            assert TOKEN.search(ack.everything)

    asyncio.run(main())


def test_a_mail_to_two_categories_is_one_ticket_and_each_team_is_told_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            raw = b"From: ivan@client.example\r\nSubject: a\r\nMessage-ID: <1@x.example>\r\n\r\nHi\r\n"
            for rcpt_tos in ((BILLING,), (TECH,), (TECH,), (BILLING, TECH)):
                await talk.take(raw, rcpt_tos=rcpt_tos)
                await receive_waiting(talk.desk)
            kinds = [one.kind for one in await talk.letters()]
            assert kinds == [
                ("new_ticket", BILLING_TEAM), ("acknowledgement_minimal", IVAN.address), ("new_ticket", TECH_TEAM),
            ]  # fmt: skip
            assert talk.events(1) == ["opened"]
            assert "Hi" in talk.sent[-1].text

    asyncio.run(main())


def test_the_same_mail_by_two_doors_at_once_is_one_message(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            raw = b"From: ivan@client.example\r\nSubject: a\r\nMessage-ID: <1@x.example>\r\n\r\nHi\r\n"
            rows = await asyncio.gather(*(talk.take(raw, rcpt_tos=(to,)) for to in (BILLING, BILLING, TECH, BILLING)))
            assert len(set(rows)) == 1
            await receive_waiting(talk.desk)
            await talk.take(raw)
            assert await receive_waiting(talk.desk) == 0
            kinds = sorted(one.kind for one in await talk.letters())
            assert kinds == [
                ("acknowledgement_minimal", IVAN.address), ("new_ticket", BILLING_TEAM), ("new_ticket", TECH_TEAM),
            ]  # fmt: skip
            assert talk.row(rows[0]).ticket == 1

    asyncio.run(main())


def test_an_address_that_only_stands_in_for_from_is_never_written_to(tmp_path: Path) -> None:
    async def go() -> None:
        async with conversation(tmp_path) as talk:
            raw = b"From: <>\r\nReply-To: victim@other.example\r\nSubject: x\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n"
            number = await talk.take(raw, mail_from="", rcpt_tos=(BILLING,))
            await receive_waiting(talk.desk)
            row = talk.row(number)
            assert (row.state, row.ticket) == ("held", None)
            assert not [one for one in await talk.letters() if "other.example" in one.row.to_address]

    asyncio.run(go())
