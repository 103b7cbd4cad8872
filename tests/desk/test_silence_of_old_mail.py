"""Old mail that is brought in is kept as what it is, with its own dates; nobody is written to, and no clock starts."""

import asyncio
from datetime import timedelta
from pathlib import Path

from maild.desk.clock import auto_solve_due, close_due, remind_due
from maild.desk.holds import expire_holds
from maild.desk.notices import announce_holds
from maild.desk.receive import receive_waiting
from maild.store import lists, outbox
from tests.desk.conversation import Conversation, conversation
from tests.values import BILLING, IVAN, NOW, STRANGER, TECH

YEAR = timedelta(days=365)


async def bring_in(talk: Conversation, words: str, *fields: str, author: str = IVAN.address, to: str = BILLING) -> int:
    """A mail of a year ago, or of `fields`."""
    raw = "\r\n".join([f"From: {author}", "Subject: Old", *fields, "", words, ""]).encode()
    mail = await talk.take(
        raw, mail_from=author, rcpt_tos=(to,), received_at=NOW - YEAR, is_silent=True, is_trusted_peer=False
    )
    await receive_waiting(talk.desk)
    return mail


def test_an_old_question_is_a_ticket_of_its_own_day_that_nobody_hears_of(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            for number in range(5):  # more than the budget for one address would allow
                await bring_in(talk, f"Where is invoice {number}?")
            [ticket, *others] = talk.desk.store.read_now(lists.ticket_rows)
            assert len(others) == 4
            assert (ticket.status, ticket.created_at) == ("new", NOW - YEAR)
            assert talk.events(1) == talk.events(5) == ["opened"]
            assert talk.desk.store.read_now(outbox.rows) == []

    asyncio.run(main())


def test_an_old_round_is_over_at_once_and_silence_solves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await bring_in(talk, "Where is it?", "Message-ID: <old1@client.example>")
            await bring_in(talk, "#solved", "Message-ID: <old2@client.example>", "In-Reply-To: <old1@client.example>")
            assert talk.events(1) == ["opened", "customer_wrote", "solved", "confirmed", "closed"]
            assert talk.status(1) == "closed"
            for job in (close_due, auto_solve_due, remind_due):
                await job(talk.desk)
            assert await talk.letters() == []

    asyncio.run(main())


def test_holds_of_old_mail_are_not_announced_but_listed(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            mail = await bring_in(talk, "I am away.", "Auto-Submitted: auto-replied")
            assert talk.row(mail).state == "held"
            await announce_holds(talk.desk)
            talk.clock.forward(talk.desk.policy.hold_days)
            assert await expire_holds(talk.desk) == 0, "it has been held since today"
            talk.clock.forward(timedelta(seconds=1))
            assert await expire_holds(talk.desk) == 1
            assert talk.desk.store.read_now(outbox.rows) == []

    asyncio.run(main())


def test_an_old_copy_of_a_mail_for_another_category_tells_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            mail = await bring_in(talk, "Where?", author=STRANGER.address)
            assert await bring_in(talk, "Where?", author=STRANGER.address, to=TECH) == mail
            assert talk.row(mail).state == "done"
            assert talk.desk.store.read_now(outbox.rows) == []

    asyncio.run(main())


def test_what_comes_after_it_is_answered_as_usual(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await bring_in(talk, "Where is it?", "Message-ID: <old1@client.example>")
            await talk.mail(IVAN.address, "Still missing!", In_Reply_To="<old1@client.example>")
            assert [letter.kind[0] for letter in await talk.letters()] == ["new_message"]

    asyncio.run(main())
