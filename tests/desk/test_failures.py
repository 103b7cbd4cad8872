"""Letters that do not arrive: the ticket opens again, the team is told once, nobody writes into the void."""

import asyncio
from datetime import timedelta
from pathlib import Path

from maild.core.address import with_detail
from maild.desk.delivery import gave_up
from maild.desk.receive import receive_waiting
from maild.store import outbox
from tests.desk.conversation import Conversation, Written, conversation, opened
from tests.desk.test_plain_addresses import dsn
from tests.values import BILLING, BILLING_TEAM, IVAN

LATER = timedelta(hours=1)  # beyond the window in which a second answer is asked about first
SAYS_NOT_TRIED = "5.1.1 not tried: an earlier letter to this address came back"


async def bounce(talk: Conversation, letter: Written, status: str = "5.1.1", to: str | None = None) -> int:
    """The MTA returns a letter to its envelope sender, or to another address of ours."""
    sender = to or str(letter.row.mail_from)
    mail = await talk.take(dsn(letter, letter.row.to_address, status), mail_from="", rcpt_tos=(sender,))
    await receive_waiting(talk.desk)
    return mail


async def solve(talk: Conversation, answers: Written) -> Written:
    await talk.reply(answers, BILLING_TEAM, "#решено\n\nГотово.")
    return next(one for one in await talk.letters() if one.row.letter == "solved")


def states(talk: Conversation, address: str) -> list[tuple[str, str | None]]:
    rows = talk.desk.store.read_now(outbox.rows)
    return [(row.state, row.last_reply) for row in rows if row.to == address]


def test_a_solved_letter_that_bounces_opens_the_ticket_again_and_the_team_is_told_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            letter = await solve(talk, team)
            await bounce(talk, letter, "5.2.2")
            assert (talk.status(1), talk.events(1)[-2:]) == ("open", ["bounce", "reopened"])
            [told] = await talk.letters()
            assert told.kind == ("delivery_failed", BILLING_TEAM)
            assert IVAN.address in told.text

            talk.clock.forward(LATER)
            await solve(talk, team)
            mail = await talk.take(
                dsn(letter, IVAN.address, "5.2.2").replace(b"<dsn", b"<again"),
                mail_from="",
                rcpt_tos=(str(letter.row.mail_from),),
            )
            await receive_waiting(talk.desk)
            assert (talk.row(mail).state, talk.status(1)) == ("done", "solved"), "an old bounce undoes no new round"
            assert await talk.letters() == []

    asyncio.run(main())


def test_a_solved_letter_that_is_given_up_opens_the_ticket_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            await talk.reply(team, BILLING_TEAM, "#решено\n\nГотово.")
            [row] = [one for one in await talk.desk.store.run(outbox.claim, talk.clock(), 9) if one.letter == "solved"]
            await gave_up(talk.desk, row, "550 5.7.1 refused")
            assert (talk.status(1), talk.events(1)[-2:]) == ("open", ["delivery_failed", "reopened"])
            assert [one.kind for one in await talk.letters()] == [("delivery_failed", BILLING_TEAM)]

    asyncio.run(main())


def test_nobody_writes_to_an_address_that_does_not_exist_until_it_writes(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            await talk.reply(team, BILLING_TEAM, "Держите.")
            [answer] = await talk.letters()
            await bounce(talk, answer)
            await talk.letters()

            talk.clock.forward(LATER)
            await talk.reply(team, BILLING_TEAM, "#решено\n\nВы получили?")
            [told] = await talk.letters()
            assert told.kind == ("delivery_failed", BILLING_TEAM), "nothing to Ivan, and the team knows"
            assert "[#1]" in told.text
            assert states(talk, IVAN.address)[-1] == ("failed", SAYS_NOT_TRIED)
            assert talk.status(1) == "solved", "who solves although he was told has decided so"
            assert talk.events(1)[-1] == "delivery_failed"

            talk.clock.forward(LATER)
            await talk.reply(team, BILLING_TEAM, "И ещё раз.")
            assert await talk.letters() == [], "the team is told once in a ticket"
            assert [state for state, _ in states(talk, IVAN.address)[-2:]] == ["failed", "failed"]
            assert talk.events(1)[-1] == "delivery_failed", "its history tells each time"

            await talk.mail(IVAN.address, "Ящик снова работает, где счёт?")
            kinds = {one.kind for one in await talk.letters()}
            assert kinds == {("new_ticket", BILLING_TEAM), ("acknowledgement", IVAN.address)}

    asyncio.run(main())


def test_a_bounce_that_only_knows_the_message_id_stops_no_letters(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            await talk.reply(team, BILLING_TEAM, "Держите.")
            [answer] = await talk.letters()
            forged = with_detail(BILLING, f"b{answer.row.id}.{'a' * 16}")
            await bounce(talk, answer, to=forged)
            assert talk.events(1)[-1] == "bounce"
            await talk.letters()
            talk.clock.forward(LATER)
            await talk.reply(team, BILLING_TEAM, "А это?")
            assert [one.kind for one in await talk.letters()] == [("answer", IVAN.address)]

    asyncio.run(main())
