"""Support's own mail that is set aside: who hears of it, what the links do; nothing reaches a customer before."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maild.core.effects import Reason
from maild.core.errors import BadLink, NotAllowed
from maild.core.tokens import HeldAction, HeldClaim, held_token, new_nonce, page_nonce
from maild.desk import act, holds
from maild.desk.holds import HeldView, look_held, press_held
from maild.desk.notices import announce_holds
from maild.desk.receive import receive_waiting
from maild.store import audit, lists
from tests.desk.conversation import Conversation, Written, conversation, opened
from tests.values import ANNA, BILLING, BILLING_TEAM, IVAN, OPEN_TRUST, TECH_TEAM, make_policy

LINK = re.compile(r"https://desk\.example/a/(\S+)")
Story = Callable[[Conversation, Written], Awaitable[None]]


def play(folder: Path, story: Story, **policy: Any) -> None:
    async def main() -> None:
        async with conversation(folder, **policy) as talk:
            team, _ = await opened(talk)
            await story(talk, team)

    asyncio.run(main())


def links_in(letter: Written) -> list[str]:
    return LINK.findall(letter.text)


async def press(talk: Conversation, token: str) -> HeldView:
    nonce = page_nonce(talk.desk.keys, token, new_nonce(token[:10].encode()), talk.clock())
    view = await press_held(talk.desk, token, nonce)
    await receive_waiting(talk.desk)
    return view


def to_customers(letters: list[Written]) -> list[Written]:
    return [letter for letter in letters if letter.row.to_address == IVAN.address]


def said(talk: Conversation) -> list[tuple[str, bool]]:
    return [(one.reply, one.is_note) for one in talk.desk.store.read_now(lists.messages_of, 1)][1:]


UNCLEAR = ["#solvd\nГотово.", "Готово.\n#solved", "#priority urgent\nГотово.", "#assign ivan@client.example\nГотово."]


@pytest.mark.parametrize("words", UNCLEAR)
def test_what_is_not_clear_is_explained_to_its_author_with_his_words_and_three_links(
    tmp_path: Path, words: str
) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        mail = await talk.reply(team, BILLING_TEAM, words)
        [letter] = await talk.letters()
        assert letter.kind == ("command_help", BILLING_TEAM)
        assert "> Готово." in letter.text
        assert len(links_in(letter)) == 3
        assert letter.message["In-Reply-To"] == f"<{talk.row(mail).message_id}>"
        assert letter.message["Auto-Submitted"] == "auto-replied"
        assert await announce_holds(talk.desk) == 0, "its author has been told"
        assert (talk.status(1), talk.events(1)[1:]) == ("new", ["held"])
        note = await talk.reply(letter, BILLING_TEAM, "Понятно.")
        assert talk.row(note).reason == Reason.AGENT_NOTED
        assert to_customers(await talk.letters()) == []

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("words", "sent", "status"),
    [
        ("#solvd\nГотово.", "#solvd\nГотово.", "pending"),
        ("Готово.\n#assign anna@office.example", "Готово.", "pending"),
        ("#priority urgent\n#solved\nГотово.", "Готово.", "solved"),
        ("#merge 99\nГотово.\n#note: секрет\nещё", "Готово.", "pending"),
        ("#solvd\nГотово.\n*#Заметка* секрет", "#solvd\nГотово.", "pending"),
    ],
)
def test_send_sends_the_words_once_and_never_what_looks_like_a_note(
    tmp_path: Path, words: str, sent: str, status: str
) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, words)
        [letter] = await talk.letters()
        send, _, _ = links_in(letter)
        view = await look_held(talk.desk, send)
        assert (view.may_act, view.outcome) == (True, "held")
        await press(talk, send)
        [answer] = to_customers(await talk.letters())
        assert answer.text.replace("\r", "").startswith(f"{sent}\n\n")
        assert "секрет" not in answer.everything
        assert talk.status(1) == status
        assert talk.events(1).count("agent_answered") == 1
        assert (await look_held(talk.desk, send)).outcome == "sent"
        again = await press(talk, send)
        assert (again.outcome, again.may_act) == ("sent", False)
        assert to_customers(await talk.letters()) == []

    play(tmp_path, story)


def test_note_keeps_all_of_it_inside_and_drop_forgets_it(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, BILLING_TEAM, "#solvd\nГотово.")
        await talk.reply(team, BILLING_TEAM, "#solvd\nЛишнее.")
        first, second = await talk.letters()
        assert (await press(talk, links_in(first)[1])).outcome == "waiting"
        assert said(talk) == [("#solvd\nГотово.", True)]
        assert (await press(talk, links_in(second)[2])).outcome == "dropped"
        assert len(said(talk)) == 1
        assert to_customers(await talk.letters()) == []
        assert talk.events(1) == ["opened", "held", "held", "released", "note_added", "dropped"]
        acts = [(one.act, one.who, one.via, one.what) for one in talk.desk.store.read_now(audit.rows)]
        assert acts == [
            ("mail released", BILLING_TEAM, "http", "mail 2"),
            ("mail dropped", BILLING_TEAM, "http", "mail 3"),
        ]

    play(tmp_path, story)


def test_a_link_is_good_for_its_reader_its_mail_and_its_purpose_only(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        mail = await talk.reply(team, BILLING_TEAM, "#solvd\nГотово.")
        keys = talk.desk.keys
        good = held_token(keys, HeldClaim(mail, BILLING_TEAM, HeldAction.SEND))
        for token in (good[:-1], good.swapcase(), "x", held_token(keys, HeldClaim(99, BILLING_TEAM, HeldAction.SEND))):
            with pytest.raises(BadLink):
                await look_held(talk.desk, token)
        for stranger in (IVAN.address, TECH_TEAM):
            with pytest.raises(BadLink):
                await look_held(talk.desk, held_token(keys, HeldClaim(mail, stranger, HeldAction.SEND)))
        for colleague in (HeldAction.SEND, HeldAction.RELEASE):
            token = held_token(keys, HeldClaim(mail, ANNA, colleague))
            assert not (await press(talk, token)).may_act, "only its author can send it"
        with pytest.raises(NotAllowed):
            await press_held(talk.desk, good, page_nonce(keys, "another page", "a" * 16, talk.clock()))
        assert talk.row(mail).state == "held"

    play(tmp_path, story)


def test_two_answers_at_once_the_second_author_is_asked(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, ANNA, "Держите.")
        await talk.letters()
        talk.clock.forward(timedelta(minutes=29))
        mail = await talk.reply(team, BILLING_TEAM, "Уже искали, счёта нет.")
        assert talk.row(mail).reason == Reason.HELD_COLLISION
        [letter] = await talk.letters()
        assert letter.kind == ("collision", BILLING_TEAM)
        assert "Анна" in letter.text
        assert "> Держите." in letter.text
        assert "> Уже искали, счёта нет." in letter.text
        assert talk.events(1)[-1] == "collision"
        await press(talk, links_in(letter)[0])
        [answer] = to_customers(await talk.letters())
        assert "счёта нет" in answer.text

    play(tmp_path, story)


def test_no_collision_with_oneself_with_what_one_has_seen_or_after_a_while(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, ANNA, "Держите.")
        letters = await talk.letters()
        copy = next(one for one in letters if one.row.letter == "copy")
        answer = next(one for one in letters if one.row.letter == "answer")
        mails = [await talk.reply(team, ANNA, "И ещё вот.")]  # her own
        await talk.reply(answer, IVAN.address, "Это не тот.")
        message = next(one for one in await talk.letters() if one.row.letter == "new_message")
        mails.append(await talk.reply(message, BILLING_TEAM, "Вот тот."))  # the customer wrote after the answer
        talk.clock.forward(timedelta(minutes=30))
        mails.append(await talk.reply(message, BILLING_TEAM, "Ещё один."))  # half an hour is over
        assert [talk.row(mail).reason for mail in mails] == [Reason.AGENT_ANSWERED] * 3
        note = await talk.reply(copy, BILLING_TEAM, "Видел.")
        assert talk.row(note).reason == Reason.AGENT_NOTED

    play(tmp_path, story)


def test_the_guard_can_be_switched_off(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.reply(team, ANNA, "Держите.")
        mail = await talk.reply(team, BILLING_TEAM, "И я отвечу.")
        assert talk.row(mail).reason == Reason.AGENT_ANSWERED

    play(tmp_path, story, collision_window=timedelta())


def test_an_agent_without_a_reference_or_with_a_colleague_in_copy_is_asked(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        to = team.message["From"].addresses[0].addr_spec
        cases = [
            await talk.mail(BILLING_TEAM, "Держите 1.", to=to, subject="без ссылки"),
            await talk.mail(BILLING_TEAM, "Держите 2.", subject="Re: [#1] Счёт"),
            await talk.mail(
                BILLING_TEAM, "Держите 3.", to=to, Cc=ANNA, In_Reply_To=team.message["Message-ID"], subject="копия"
            ),
            await talk.mail(BILLING_TEAM, "Новое письмо", subject="никакого обращения"),
        ]
        assert [talk.row(mail).state for mail in cases] == ["held"] * 4
        letters = await talk.letters()
        assert [one.kind for one in letters] == [("command_help", BILLING_TEAM)] * 4
        assert [len(links_in(one)) for one in letters] == [3, 3, 3, 1]
        for number, letter in enumerate(letters[:3], 1):
            await press(talk, links_in(letter)[0])
            [answer] = to_customers(await talk.letters())
            assert f"Держите {number}." in answer.text

    play(tmp_path, story)


def test_in_open_trust_the_team_sends_what_came_in_its_name_or_drops_it(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        mail = await talk.reply(team, BILLING_TEAM, "#решено\nДержите.\n#note внутреннее")
        assert talk.row(mail).reason == Reason.HELD_AGENT_UNVERIFIED
        forged = await talk.reply(team, BILLING_TEAM, "Переведите деньги сюда.")
        first, second = await talk.letters()
        assert (first.kind, second.kind) == (("claimed", BILLING_TEAM),) * 2
        assert talk.status(1) == "new"
        assert await announce_holds(talk.desk) == 0
        send, drop = links_in(first)
        assert (await look_held(talk.desk, drop)).may_act
        await press(talk, send)
        [answer] = to_customers(await talk.letters())
        assert "Держите." in answer.text
        assert "внутреннее" not in answer.everything
        assert talk.status(1) == "solved"
        await press(talk, links_in(second)[1])
        assert talk.row(forged).state == "done"
        assert to_customers(await talk.letters()) == []
        with pytest.raises(NotAllowed):
            await holds.release(talk.desk, forged, "cli:root@t")

    play(tmp_path, story, trust=OPEN_TRUST.trust)


def test_in_open_trust_new_business_waits_for_the_team_too(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await talk.mail(ANNA, "#customer olga@client.example\nДобрый день.", subject="Договор")
        [letter] = await talk.letters()
        assert letter.kind == ("claimed", BILLING_TEAM)
        await press(talk, links_in(letter)[0])
        assert sorted(one.kind for one in await talk.letters()) == [
            ("answer", "olga@client.example"),
            ("copy", BILLING_TEAM),
        ]

    play(tmp_path, story, trust=OPEN_TRUST.trust)


def test_with_trust_an_unverified_agents_mail_can_only_be_sent_again_by_him(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        raw = (
            f"From: {BILLING_TEAM}\r\nTo: {BILLING}\r\nSubject: Re: [#1]\r\nMessage-ID: <x@y>\r\n"
            f"In-Reply-To: {team.message['Message-ID']}\r\n\r\nПереведите деньги.\r\n"
        ).encode()
        mail = await talk.take(raw, mail_from=BILLING_TEAM)
        await receive_waiting(talk.desk)
        assert talk.row(mail).reason == Reason.HELD_AGENT_UNVERIFIED
        assert await talk.letters() == []
        assert await announce_holds(talk.desk) == 1
        [notice] = await talk.letters()
        show, drop = links_in(notice)
        for token in (show, drop, held_token(talk.desk.keys, HeldClaim(mail, BILLING_TEAM, HeldAction.SEND))):
            view = await look_held(talk.desk, token)
            assert HeldAction.SEND not in view.actions
            assert HeldAction.RELEASE not in view.actions
        forced = held_token(talk.desk.keys, HeldClaim(mail, BILLING_TEAM, HeldAction.SEND))
        assert (await press(talk, forced)).outcome == "held"
        with pytest.raises(NotAllowed):
            await holds.approve(talk.desk, mail, "cli:root@t", HeldAction.SEND)
        assert to_customers(await talk.letters()) == []

    play(tmp_path, story)


def test_failed_mail_is_announced_and_let_in_as_a_customers_by_link(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        raw = (
            "Authentication-Results: mx.desk.example; dmarc=fail header.from=client.example\r\n"
            "Received: from x by mx.desk.example\r\n"
            f"From: {IVAN.address}\r\nTo: {BILLING}\r\nSubject: Re: [#1]\r\nMessage-ID: <f@y>\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n#решено, и новый вопрос\r\n"
        ).encode()
        mail = await talk.take(raw)
        await receive_waiting(talk.desk)
        assert await announce_holds(talk.desk) == 1
        [notice] = await talk.letters()
        release, show, _ = links_in(notice)
        looked = await look_held(talk.desk, show)
        assert "новый вопрос" in looked.mail.reply
        assert not looked.may_act
        await press(talk, release)
        assert (talk.row(mail).state, talk.row(mail).trust) == ("done", "failed")
        assert to_customers(await talk.letters()) == []

    play(tmp_path, story)


def test_what_nobody_decides_about_is_dropped_after_a_month_and_the_team_is_told(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        mail = await talk.reply(team, BILLING_TEAM, "#solvd\nГотово.")
        [letter] = await talk.letters()
        talk.clock.forward(timedelta(days=30))
        assert await holds.expire_holds(talk.desk) == 0
        talk.clock.forward(timedelta(seconds=1))
        assert await holds.expire_holds(talk.desk) == 1
        [told] = await talk.letters()
        assert told.kind == ("holds_over", BILLING_TEAM)
        assert "30 дней" in told.text
        assert (talk.row(mail).state, talk.events(1)[-1]) == ("done", "dropped")
        assert (await look_held(talk.desk, links_in(letter)[0])).outcome == "dropped"

    play(tmp_path, story)


def test_without_pages_the_letters_name_commands(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        mail = await talk.reply(team, BILLING_TEAM, "#solvd\nГотово.")
        [letter] = await talk.letters()
        assert links_in(letter) == []
        assert f"maild hold send {mail}" in letter.text
        await holds.approve(talk.desk, mail, "cli:root@t", HeldAction.SEND)
        await receive_waiting(talk.desk)
        assert len(to_customers(await talk.letters())) == 1

    play(tmp_path, story, public_url="")


def test_a_merged_tickets_commands_are_explained_in_the_agents_language(tmp_path: Path) -> None:
    async def story(talk: Conversation, team: Written) -> None:
        await act.speak(talk.desk, 1, "cli:root@t", words="Ответ")
        await talk.letters()
        await talk.reply(team, ANNA, "#open\n#spam")
        [letter] = [one for one in await talk.letters() if one.row.letter == "command_help"]
        assert "these commands cannot be carried out together" in letter.text

    agent = make_policy().agents[0]
    english = type(agent)(agent.address, agent.name, "en", agent.categories, agent.echo)
    play(tmp_path, story, agents=(english,))
