"""The 48 hours: closed exactly once, at the deadline, and not while something from before it is under way."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from maild.core.errors import BadLink, NotAllowed
from maild.core.tokens import Action, Claim, action_token
from maild.desk import act, holds
from maild.desk.act import NONCE_AGE, click, look
from maild.desk.clock import close_due, forget_nonces
from maild.desk.delivery import gave_up
from maild.desk.letters import freeze
from maild.desk.receive import receive_waiting
from maild.store import outbox
from tests.desk.conversation import Conversation, conversation, opened, solved
from tests.desk.test_receive import FAILED
from tests.values import BILLING_TEAM, IVAN, OLGA, WINDOW

TICK = timedelta(microseconds=1)


def test_a_ticket_closes_at_its_deadline_and_not_a_microsecond_earlier(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            talk.clock.forward(WINDOW - TICK)
            assert await close_due(talk.desk) == 0
            talk.clock.forward(TICK)
            assert await close_due(talk.desk) == 1
            assert await close_due(talk.desk) == 0
            assert talk.status(1) == "closed"

    asyncio.run(main())


@pytest.mark.slow
def test_many_jobs_at_once_close_each_ticket_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More tickets than three transactions take."""
    monkeypatch.setattr("maild.desk.clock._BATCH", 10)

    async def main() -> None:
        async with conversation(tmp_path) as talk:
            for number in range(35):
                ticket = await act.open_towards(
                    talk.desk, "cli", OLGA, category="billing", topic="", subject=f"{number}", words="Вот."
                )
                await act.speak(talk.desk, ticket, "cli", solves=True)
            await talk.letters()
            talk.clock.forward(WINDOW)
            assert sum(await asyncio.gather(*(close_due(talk.desk) for _ in range(5)))) == 35
            closed = [one.kind for one in await talk.letters()]
            assert closed == [("closed", OLGA.address)] * 35
            assert all(talk.events(number).count("closed") == 1 for number in range(1, 36))

    asyncio.run(main())


def test_a_reply_received_before_the_deadline_and_understood_after_it_opens_the_ticket(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            [letter] = await solved(talk)
            talk.clock.forward(WINDOW - TICK)
            reference = letter.message["Message-ID"]
            await talk.spool(IVAN.address, "Не работает", In_Reply_To=reference)
            talk.clock.forward(timedelta(days=1))
            assert await close_due(talk.desk) == 0, "it waits to be understood"
            await receive_waiting(talk.desk)
            assert talk.status(1) == "open"

    asyncio.run(main())


def test_a_ticket_waits_for_a_held_mail_from_before_its_deadline(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            row = await talk.take(FAILED)
            await receive_waiting(talk.desk)
            talk.clock.forward(2 * WINDOW)
            assert await close_due(talk.desk) == 0
            await holds.release(talk.desk, row, "cli:root@t")
            await receive_waiting(talk.desk)
            assert talk.status(1) == "open", "it was in time"

    asyncio.run(main())


def test_a_ticket_waits_for_its_solved_letter(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            await talk.reply(team, BILLING_TEAM, "#решено")
            talk.clock.forward(2 * WINDOW)
            assert await close_due(talk.desk) == 0
            await talk.letters()
            assert await close_due(talk.desk) == 1

    asyncio.run(main())


def test_a_solved_letter_that_cannot_be_delivered_opens_the_ticket_and_tells_the_team(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            await talk.reply(team, BILLING_TEAM, "#решено")
            [row] = await talk.desk.store.run(outbox.claim, talk.clock(), 9)
            await gave_up(talk.desk, await freeze(talk.desk, row), "550 no such user")
            assert talk.status(1) == "open"
            assert talk.events(1)[-2:] == ["delivery_failed", "reopened"]
            [notice] = await talk.letters()
            assert notice.kind == ("delivery_failed", BILLING_TEAM)
            assert "550 no such user" in notice.text
            await gave_up(talk.desk, notice.row, "550 no such team")
            assert await talk.letters() == [], "no notice about a notice"

    asyncio.run(main())


def test_the_bounce_of_a_letter_finds_its_ticket(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            [letter] = await solved(talk)
            assert letter.row.mail_from
            report = (
                "From: mailer-daemon@mx.client.example\r\nTo: x\r\nSubject: Undelivered\r\nMessage-ID: <d@mx>\r\n"
                'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
                "--b\r\n\r\nno\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
                f"Final-Recipient: rfc822; {IVAN.address}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
            ).encode()
            await talk.take(report, mail_from="", rcpt_tos=(letter.row.mail_from,))
            await receive_waiting(talk.desk)
            assert talk.status(1) == "open"
            assert talk.events(1)[-2:] == ["bounce", "reopened"]
            [notice] = await talk.letters()
            assert notice.kind == ("delivery_failed", BILLING_TEAM)

    asyncio.run(main())


async def page(talk: Conversation, action: Action, person: str = IVAN.address) -> tuple[bool, bool]:
    view = await look(talk.desk, action_token(talk.desk.keys, Claim(1, person, action)))
    return view.possible.may_act, view.possible.is_past


def test_a_link_acts_once_and_shows_today_s_state(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            assert await page(talk, Action.CONTINUE) == (True, False)
            await talk.press(1, Action.CONTINUE)
            assert await page(talk, Action.CONTINUE) == (False, False)
            await talk.press(1, Action.CONTINUE)
            assert talk.events(1).count("reopened") == 1
            await talk.press(1, Action.SOLVED)
            assert talk.status(1) == "solved"
            talk.clock.forward(WINDOW)
            for action in Action:
                assert await page(talk, action) == (False, True), "past, though no job has run"
                await talk.press(1, action)
            assert talk.status(1) == "solved"

    asyncio.run(main())


def test_foreign_links_and_pages_are_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            for token in (
                "x",
                action_token(talk.desk.keys, Claim(9, IVAN.address, Action.SOLVED)),
                action_token(talk.desk.keys, Claim(1, OLGA.address, Action.SOLVED)),
                action_token((b"other key",), Claim(1, IVAN.address, Action.SOLVED)),
            ):
                with pytest.raises(BadLink):
                    await look(talk.desk, token)
                with pytest.raises(BadLink):
                    await click(talk.desk, token, "nonce")
            with pytest.raises(NotAllowed):
                await click(talk.desk, action_token(talk.desk.keys, Claim(1, IVAN.address, Action.SOLVED)), "nonce")
            assert talk.events(1)[-1] == "solved"

    asyncio.run(main())


def test_used_nonces_are_forgotten_when_no_page_can_use_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            await talk.press(1, Action.SOLVED)
            talk.clock.forward(NONCE_AGE)
            assert await forget_nonces(talk.desk) == 0
            talk.clock.forward(TICK)
            assert await forget_nonces(talk.desk) == 1

    asyncio.run(main())


def test_support_speaks_from_the_command_line_like_by_mail(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await opened(talk)
            assert await act.speak(talk.desk, 1, "cli:root@t", words="Держите.", note="он ждёт") == 1
            letters = await talk.letters()
            assert ("answer", IVAN.address) in [one.kind for one in letters]
            assert talk.events(1)[-2:] == ["agent_answered", "note_added"]
            await act.speak(talk.desk, 1, "cli:root@t", solves=True)
            await talk.letters()
            talk.clock.forward(WINDOW)
            with pytest.raises(NotAllowed, match="is closed"):
                await act.speak(talk.desk, 1, "cli:root@t", opens=True)
            assert await act.speak(talk.desk, 1, "cli:root@t", words="И ещё.") == 2, "an answer opens a follow-up"
            with pytest.raises(NotAllowed, match="no ticket 9"):
                await act.speak(talk.desk, 9, "cli:root@t", words="x")

    asyncio.run(main())
