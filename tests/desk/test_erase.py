"""A person who is erased is found nowhere any more; the skeletons of his tickets are, and other people's words."""

import asyncio
import re
from pathlib import Path

import pytest

from maild.core.errors import NotAllowed
from maild.core.tokens import Action
from maild.desk.desk import Desk
from maild.desk.erase import erase, known_of
from maild.store import audit, drafts, ledger, lists, outbox, tickets
from maild.store.db import Tx
from tests.desk.conversation import Conversation, conversation, solved
from tests.factory import make_desk
from tests.values import ANNA, BILLING, BILLING_TEAM, BORDER, IVAN, NOW, OLGA, make_policy

WORDS = "Где мой счёт на 47114711 рублей?"  # so long a number does not come about by itself in a random one


def everything(desk: Desk) -> str:
    """All text of the database but the audit list, and all raw mails."""

    def read(tx: Tx) -> str:
        columns = [(table, column) for table, column in tx.text_columns() if table != "audit"]
        texts = [str(row[0]) for table, column in columns for row in tx.all(f'SELECT "{column}" FROM "{table}"')]
        raws = [ledger.raw(tx, row.id) or b"" for row in ledger.rows(tx)]
        return "\n".join([*texts, *(raw.decode("utf-8", "replace") for raw in raws)])

    return desk.store.read_now(read)


async def shared(talk: Conversation) -> int:
    """Olga's ticket, into which support lets Ivan, who writes there as well."""
    await talk.mail(OLGA.address, "Мой вопрос.", Cc=IVAN.address)
    team = next(letter for letter in await talk.letters() if letter.row.to_address == BILLING_TEAM)
    await talk.reply(team, BILLING_TEAM, "#cc accept\n\nОтвет Ольге.")
    letters = await talk.letters()
    to_ivan = next(letter for letter in letters if letter.row.to_address == IVAN.address)
    await talk.reply(to_ivan, IVAN.address, "Слова Ивана.")
    await talk.letters()
    assert to_ivan.row.ticket is not None
    return to_ivan.row.ticket


def test_nothing_of_his_is_left_but_the_skeletons_of_his_tickets(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.mail(f"<{IVAN.address}>", WORDS, subject="Счёт 47114711")
            team, *_ = await talk.letters()
            await talk.reply(team, BILLING_TEAM, "#решено\n\nВот он, Иван.")
            await talk.letters()
            await talk.press(1, Action.SOLVED)
            number = await shared(talk)
            draft = drafts.Draft("d1", IVAN.address, "billing", "", "Черновик про 47114711", ticket=number)
            talk.desk.store.run_now(drafts.put, draft, talk.clock())
            talk.desk.store.run_now(drafts.add_files, "d1", [("47114711.txt", "text/plain", b"47114711")])
            await talk.mail(IVAN.address, "Ещё вопрос про 47114711")
            assert IVAN.address in everything(talk.desk)
            stand_in, known = erase(talk.desk, IVAN.address, "cli:root@t")
            assert (known.own, known.shared, known.unclosed) == ((1, 3), (number,), (1, 3))
            left = everything(talk.desk)
            assert IVAN.address not in left
            assert "47114711" not in left
            assert "Слова Ивана" not in left
            assert "Вот он" not in left, "support's answers quote him"
            assert "Мой вопрос." in left
            assert "Ответ Ольге." in left
            assert await talk.letters() == [], "nobody is written to"
            first, _, third = talk.desk.store.read_now(lists.ticket_rows)
            assert (first.subject, first.status, first.participants) == ("(erased)", "closed", (stand_in,))
            assert third.status == "closed"
            assert talk.events(1) == ["opened", "agent_answered", "solved", "confirmed", "closed"]
            rows = talk.desk.store.read_now(lists.messages_of, 1)
            assert {(row.author, row.text, row.reply) for row in rows} == {(stand_in, "", ""), (BILLING_TEAM, "", "")}
            people = talk.desk.store.read_now(tickets.tickets_by_number, [number])[number].participants
            assert [person.address for person in people] == [OLGA.address]
            [act] = talk.desk.store.read_now(audit.rows)
            assert (act.act, act.who, act.what) == ("person erased", "cli:root@t", stand_in)
            assert IVAN.address not in act.reason

    asyncio.run(main())


def test_whoever_writes_again_is_somebody_new(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await solved(talk)
            erase(talk.desk, IVAN.address, "cli:root@t")
            await talk.mail(IVAN.address, "Это снова я", subject="Re: [#1] Счёт", In_Reply_To="<m1@client.example>")
            assert talk.events(2) == ["opened", "claims_ticket"]
            letters = [letter.kind for letter in await talk.letters()]
            assert ("acknowledgement", IVAN.address) in letters
            assert not known_of(talk.desk, "nobody@client.example")

    asyncio.run(main())


def test_an_address_that_only_contains_his_stays(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            others = (f"x{IVAN.address}", f"{IVAN.address}.tr", f"x-{IVAN.address}")
            for other in others:
                await talk.mail(other, f"Пишите мне: {other}, а не <{IVAN.address}>.")
            await talk.letters()
            erase(talk.desk, IVAN.address, "cli:root@t")
            words = [row.text for n in (1, 2, 3) for row in talk.desk.store.read_now(lists.messages_of, n)]
            for other, text in zip(others, words, strict=True):
                assert re.search(rf"{re.escape(other)}, а не <erased-\w+@erased\.invalid>", text), text

    asyncio.run(main())


def test_mail_that_waits_or_is_held_is_not_handled_any_more(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            held = await talk.mail(IVAN.address, "away", Auto_Submitted="auto-replied")
            waiting = await talk.spool(IVAN.address, "Вопрос")
            erase(talk.desk, IVAN.address, "cli:root@t")
            assert [(talk.row(mail).state, talk.row(mail).reason) for mail in (held, waiting)] == [
                ("done", "erased")
            ] * 2

    asyncio.run(main())


@pytest.mark.parametrize("address", [BILLING, BILLING_TEAM, ANNA])
def test_support_and_the_desk_are_not_erased(tmp_path: Path, address: str) -> None:
    with make_desk(tmp_path, policy=make_policy()) as desk, pytest.raises(NotAllowed, match="belongs to the desk"):
        erase(desk, address, "cli:root@t")


def test_on_postgresql_it_is_the_same(tmp_path: Path, postgres_url: str) -> None:
    raw = (
        f"Authentication-Results: {BORDER}; dmarc=pass\r\nFrom: {IVAN.address}\r\nSubject: 47114711\r\n\r\n{WORDS}\r\n"
    )

    async def main() -> None:
        with make_desk(tmp_path, postgres_url, now=lambda: NOW, policy=make_policy()) as desk:
            talk = Conversation(desk, lambda: NOW)  # type: ignore[arg-type] # a clock that stands still
            await talk.take(raw.encode(), mail_from=IVAN.address, rcpt_tos=(BILLING,))
            await talk.mail(IVAN.address, WORDS)
            assert "47114711" in everything(desk)
            erase(desk, IVAN.address, "cli:root@t")
            assert re.findall(f"47114711|{IVAN.address}", everything(desk)) == []
            assert {row.state for row in desk.store.read_now(outbox.rows)} == {"failed"}

    asyncio.run(main())


def test_an_underline_in_his_address_stands_for_no_other_letter(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            await talk.mail("a_b@client.example", "Вопрос.")
            letter = next(one.row.id for one in await talk.letters() if one.row.to_address == BILLING_TEAM)

            def names_another(tx: Tx) -> None:
                tx.run("UPDATE outbox SET state = 'sent', ticket = NULL, context = ?", '{"by": "axb@client.example"}')

            talk.desk.store.run_now(names_another)
            erase(talk.desk, "a_b@client.example", "cli:root@t")
            kept = talk.desk.store.read_now(outbox.load, letter)
            assert kept is not None
            assert kept.context == {"by": "axb@client.example"}

    asyncio.run(main())
