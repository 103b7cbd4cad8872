"""The workers: order, trouble, poison, holds, and what a person does about them."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from maild.core.effects import Reason
from maild.core.errors import NotAllowed
from maild.desk import holds, receive
from maild.desk.receive import receive_waiting
from maild.mime.parse import parse
from maild.store import ledger
from maild.store.db import Tx
from tests.desk.conversation import Conversation, conversation, opened, solved
from tests.values import ANNA, BILLING, BILLING_TEAM, BORDER, IVAN, TECH

RETRY = timedelta(seconds=30)
FAILED = (
    f"Authentication-Results: {BORDER}; dmarc=fail header.from=client.example\r\nReceived: from x by {BORDER}; now\r\n"
    "From: ivan@client.example\r\nSubject: Re: [#1]\r\nMessage-ID: <f@client.example>\r\n"
    "References: <m1@client.example>\r\n\r\nIs it done?\r\n"
).encode()


def test_mails_are_handled_in_the_order_they_came(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            rows = [await talk.spool(f"p{number}@client.example", "Где?") for number in range(45)]
            while await receive_waiting(talk.desk):
                pass
            assert [talk.row(row).ticket for row in rows] == list(range(1, 46))

    asyncio.run(main())


def poison(tx: Tx) -> None:
    """From now on some mails cannot be handled, as if a bug met them."""
    tx.run(
        "CREATE TRIGGER poison BEFORE INSERT ON messages WHEN NEW.reply LIKE '%poison%'"
        " BEGIN SELECT RAISE(ABORT, 'a bug'); END"
    )


def test_a_mail_that_cannot_be_handled_is_tried_three_times_and_held(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.desk.store.run(poison)
            before = await talk.mail(IVAN.address, "Первый")
            bad = await talk.mail(IVAN.address, "poison")
            after = await talk.mail(IVAN.address, "Второй")
            assert [talk.row(row).state for row in (before, bad, after)] == ["done", "spooled", "done"]
            assert await receive_waiting(talk.desk) == 0, "not at once"
            for state in ("spooled", "held"):
                talk.clock.forward(RETRY)
                assert await receive_waiting(talk.desk) == 1
                assert talk.row(bad).state == state
            assert talk.row(bad).reason == Reason.HELD_TROUBLE
            talk.clock.forward(RETRY)
            assert await receive_waiting(talk.desk) == 0

            await talk.desk.store.run(lambda tx: tx.run("DROP TRIGGER poison"))
            await holds.replay(talk.desk, bad, "cli:root@t")
            await receive_waiting(talk.desk)
            assert (talk.row(bad).state, talk.row(bad).ticket) == ("done", 3)
            assert [one.kind[1] for one in await talk.letters()].count(BILLING_TEAM) == 3

    with caplog.at_level(logging.CRITICAL, "maild"):
        asyncio.run(main())


def test_a_row_that_cannot_even_be_read_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            bad, good = await talk.spool(IVAN.address, "a"), await talk.spool(IVAN.address, "b")
            await talk.desk.store.run(lambda tx: tx.run("UPDATE mails SET octets = x'00' WHERE id = ?", bad))
            for _ in range(ledger.MAX_ATTEMPTS):
                await receive_waiting(talk.desk)
                talk.clock.forward(RETRY)
            assert talk.row(good).state == "done"
            assert (talk.row(bad).state, talk.row(bad).reason) == ("held", Reason.HELD_TROUBLE)

    with caplog.at_level(logging.CRITICAL, "maild"):
        asyncio.run(main())


def test_two_workers_settle_a_mail_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            rows = [await talk.spool(IVAN.address, f"Вопрос {number}") for number in range(30)]
            handled = await asyncio.gather(*(receive_waiting(talk.desk) for _ in range(4)))
            assert sum(handled) == 30
            assert {talk.row(row).state for row in rows} == {"done"}
            assert sorted(talk.row(row).ticket or 0 for row in rows) == list(range(1, 31))

    asyncio.run(main())


def test_a_mail_settled_elsewhere_meanwhile_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            row = await talk.spool(IVAN.address, "Где?")
            spooled = await talk.desk.store.read(ledger.load, row)
            mail = parse(spooled.raw)
            for _ in range(2):
                await receive._receive(talk.desk, spooled, mail)
            assert talk.row(row).ticket == 1
            assert talk.events(1) == ["opened"]

    asyncio.run(main())


async def held_mail(talk: Conversation) -> int:
    """A forged word on Ivan's solved ticket; its ledger row."""
    await solved(talk)
    row = await talk.take(FAILED)
    await receive_waiting(talk.desk)
    found = talk.row(row)
    assert (found.state, found.reason, found.ticket) == ("held", Reason.HELD_TRUST_FAILED, 1)
    assert await talk.letters() == []
    assert talk.status(1) == "solved"
    return row


def test_a_released_mail_speaks_with_a_customers_rights(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            row = await held_mail(talk)
            await holds.release(talk.desk, row, "cli:root@t")
            await receive_waiting(talk.desk)
            assert (talk.row(row).state, talk.status(1)) == ("done", "open")
            assert talk.events(1)[-4:] == ["held", "released", "customer_wrote", "reopened"]
            [letter] = await talk.letters()
            assert letter.kind == ("reopened", BILLING_TEAM)
            with pytest.raises(NotAllowed, match="is not held"):
                await holds.release(talk.desk, row, "cli:root@t")

    asyncio.run(main())


def test_a_dropped_mail_stays_dropped_whatever_else_is_delivered(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            row = await held_mail(talk)
            await holds.drop(talk.desk, row, "cli:root@t")
            assert talk.events(1)[-1] == "dropped"
            assert "sender failed" in talk.row(row).reason
            await talk.take(FAILED, rcpt_tos=(TECH,))
            await receive_waiting(talk.desk)
            assert talk.row(row).state == "done"
            assert await talk.letters() == []
            with pytest.raises(NotAllowed, match="no mail 99"):
                await holds.drop(talk.desk, 99, "x")

    asyncio.run(main())


def test_what_claims_to_be_an_agents_cannot_be_released(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            team, _ = await opened(talk)
            reply_id = team.message["Message-ID"]
            raw = f"From: {ANNA}\r\nMessage-ID: <x@y>\r\nIn-Reply-To: {reply_id}\r\n\r\nPay me\r\n".encode()
            row = await talk.take(raw, rcpt_tos=(str(team.message["From"]).rpartition("<")[2].rstrip(">"),))
            await receive_waiting(talk.desk)
            assert talk.row(row).reason == Reason.HELD_AGENT_UNVERIFIED
            with pytest.raises(NotAllowed, match="send it again"):
                await holds.release(talk.desk, row, "cli:root@t")
            assert await talk.letters() == []

    asyncio.run(main())


def test_what_could_not_be_parsed_is_held_and_not_released(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            raw = b"From: ivan@client.example\r\n" + b"X: y\r\n" * 1100 + b"\r\nHello\r\n"
            row = await talk.take(raw)
            await receive_waiting(talk.desk)
            assert (talk.row(row).state, talk.row(row).reason) == ("held", Reason.HELD_UNPARSABLE)
            with pytest.raises(NotAllowed, match="could not be parsed"):
                await holds.release(talk.desk, row, "cli:root@t")
            assert await talk.desk.store.read(ledger.raw, row) == raw

    asyncio.run(main())


@pytest.mark.parametrize(
    ("author", "to", "reason", "words"),
    [
        ("", "billing@desk.example", Reason.HELD_NO_AUTHOR, "no author"),
        ("From: ivan@client.example\r\n", "gone@desk.example", Reason.HELD_NO_RECIPIENT, "no category"),
    ],
)
def test_what_would_be_held_again_is_not_released(
    tmp_path: Path, author: str, to: str, reason: Reason, words: str
) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            row = await talk.take(f"{author}Subject: Hello\r\n\r\nHello\r\n".encode(), rcpt_tos=(to,))
            await receive_waiting(talk.desk)
            assert (talk.row(row).state, talk.row(row).reason) == ("held", reason)
            with pytest.raises(NotAllowed, match=words):
                await holds.release(talk.desk, row, "cli:root@t")
            assert (talk.row(row).state, talk.events(1)) == ("held", [])

    asyncio.run(main())


def test_budgets_hold_through_the_database(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            for number in range(5):
                await talk.mail(IVAN.address, "Где?", subject=f"Вопрос {number}")
            letters = [one.row.letter for one in await talk.letters()]
            assert letters.count("acknowledgement") == 3
            assert letters.count("new_ticket") == 5
            assert talk.events(4) == ["opened", "dropped"]
            talk.clock.forward(timedelta(hours=1))
            await talk.mail(IVAN.address, "Где?")
            assert "acknowledgement" in [one.row.letter for one in await talk.letters()]

    asyncio.run(main())


def test_our_own_letter_coming_back_is_held(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            _, ack = await opened(talk)
            row = await talk.take(ack.data, mail_from=BILLING)
            await receive_waiting(talk.desk)
            assert talk.row(row).reason == Reason.HELD_LOOP
            assert await talk.letters() == []

    asyncio.run(main())
