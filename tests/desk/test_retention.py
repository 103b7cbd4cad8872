"""`[retention]` at work: in batches, on any number of nodes, each thing once; the audit list tells of it."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from maild.core.errors import BadLink
from maild.core.policy import Retention
from maild.core.tokens import Action
from maild.desk import holds
from maild.desk.clock import close_due
from maild.desk.retention import retain
from maild.store import audit, ledger, lists
from tests.desk.conversation import Conversation, conversation, solved
from tests.factory import make_desk
from tests.values import IVAN, NOW, STRANGER, WINDOW, make_policy

DAY = timedelta(days=1)
YEAR = timedelta(days=365)


async def closed(talk: Conversation) -> None:
    """Ticket 1 is opened, solved and closed."""
    await solved(talk)
    talk.clock.forward(WINDOW)
    await close_due(talk.desk)
    await talk.letters()


def acts(talk: Conversation) -> list[tuple[str, str]]:
    return [(row.act, row.what) for row in talk.desk.store.read_now(audit.rows)]


def has_raw(talk: Conversation, mail: int) -> bool:
    return talk.desk.store.read_now(ledger.has_raw, mail)


def test_a_ticket_goes_so_long_after_its_close_and_its_mail_on_its_own_day(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, retention=Retention(closed=30 * DAY, raw=YEAR)) as talk:
            await closed(talk)
            await talk.mail(STRANGER.address, "And I?")
            talk.clock.forward(30 * DAY)
            assert await retain(talk.desk) == 0, "not a moment too early"
            talk.clock.forward(timedelta(seconds=1))
            assert await retain(talk.desk) == 1
            assert acts(talk) == [("tickets deleted", "1")]
            assert [row.number for row in talk.desk.store.read_now(lists.ticket_rows)] == [2]
            with pytest.raises(BadLink):
                await talk.press(1, Action.CONTINUE)
            assert has_raw(talk, 1)
            talk.clock.forward(YEAR)
            assert await retain(talk.desk) == 2, "the question and support's answer; the open ticket's mail stays"
            assert [has_raw(talk, mail) for mail in (1, 2, 3)] == [False, False, True]
            assert acts(talk)[1:] == [("raw mails deleted", "1, 2")]
            await talk.mail(IVAN.address, "Again!", subject="Re: [#1] Счёт", In_Reply_To="<m1@client.example>")
            assert talk.events(3) == ["opened"], "of a ticket that is gone nothing is known"

    asyncio.run(main())


def test_nothing_is_deleted_unless_the_admin_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await closed(talk)
            talk.clock.forward(10 * YEAR)
            assert await retain(talk.desk) == 0

    asyncio.run(main())


def test_what_was_dropped_can_be_read_until_retention_holds_is_over(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, retention=Retention(holds=7 * DAY, raw=DAY)) as talk:
            mail = await talk.mail(STRANGER.address, "away", Auto_Submitted="auto-replied")
            talk.clock.forward(29 * DAY)
            await holds.drop(talk.desk, mail, "cli:root@t")
            talk.clock.forward(7 * DAY)
            assert await retain(talk.desk) == 0
            assert has_raw(talk, mail)
            talk.clock.forward(timedelta(seconds=1))
            assert await retain(talk.desk) == 1
            assert not has_raw(talk, mail)
            assert talk.row(mail).reason.startswith("dropped by cli:root@t")

    asyncio.run(main())


def test_many_go_in_batches_and_each_of_them_once(tmp_path: Path, postgres_url: str) -> None:
    """Two nodes on one database at the same moment."""
    policy = make_policy(retention=Retention(raw=DAY))

    async def main() -> None:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        with (
            make_desk(tmp_path / "a", postgres_url, now=lambda: NOW, policy=policy) as first,
            make_desk(tmp_path / "b", postgres_url, now=lambda: NOW, policy=policy) as second,
        ):
            first.store.run_now(
                lambda tx: tx.run(
                    "INSERT INTO mails (message_id, content_key, size, received_at, state, attempts, reason, sender,"
                    " subject, kind, trust, is_released, leased_until, octets) SELECT CAST(n AS TEXT), 'x', 1, n,"
                    " 'done', 0, '', '', '', '', '', FALSE, 0, decode('00', 'hex') FROM generate_series(1, 350) n"
                )
            )
            counts = await asyncio.gather(retain(first), retain(second))
            assert sum(counts) + await retain(first) == 350, "and what both had passed over"
            listed = [int(one) for row in first.store.read_now(audit.rows) for one in row.what.split(", ")]
            assert sorted(listed) == sorted(set(listed))
            assert len(listed) == 350

    asyncio.run(main())
