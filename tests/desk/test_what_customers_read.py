"""What a customer's page of his ticket shows of mails with everything that they quote: nothing of others' business."""

import asyncio
import re
from pathlib import Path

from maild.core.search import beginnings
from maild.desk import act
from maild.desk.conversation import PIECE, look_at_message, look_at_ticket
from maild.store import grants, lists, words
from tests.desk.conversation import Conversation, Written, conversation
from tests.values import BILLING_TEAM, IVAN, OLGA

URL = "https://help.desk.example"
EVERY = 2**63 - 1


async def pages(talk: Conversation, person: str, number: int = 1) -> str:
    """All that the portal has to show of a ticket."""
    view = await look_at_ticket(talk.desk, number, person)
    shown = [one.reply + one.text for one in view.said]
    for one in view.said:
        assert (len(one.reply), len(one.text)) == (one.reply_length, one.text_length)
        whole = await look_at_message(talk.desk, number, person, one.id, 0)
        assert whole.next_start is None
        shown.append(whole.piece)
    return "\n".join(shown)


def quoting(letter: Written) -> str:
    return "\n".join(f"> {line}" for line in letter.text.splitlines())


def test_what_support_quotes_is_supports_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, public_url=URL) as talk:
            await talk.mail(IVAN.address, "Где счёт?")
            await talk.letters()
            await act.speak(talk.desk, 1, "cli:root@t", note="Должник. Проверить прошлогоднее.")
            await talk.mail(IVAN.address, "Так где он?", subject="[#1] Счёт")
            [team] = [one for one in await talk.letters() if one.row.to_address == BILLING_TEAM][-1:]
            assert "Должник" in team.text
            await talk.reply(team, BILLING_TEAM, "Вот он.")
            kept = talk.desk.store.read_now(lists.messages_of, 1)[-1]
            assert (kept.role, "Должник" in kept.text) == ("agent", True), "support's own export has it"
            shown = await pages(talk, IVAN.address)
            assert "Вот он." in shown
            assert "Должник" not in shown
            assert BILLING_TEAM not in shown
            for asked, count in (("вот", 1), ("должник", 0)):
                found = talk.desk.store.read_now(words.find, IVAN.address, beginnings(asked), before=EVERY, limit=9)
                assert len(found) == count, asked
            await talk.letters()
            await talk.mail(IVAN.address, "показать", subject="[#1]")
            [letter] = await talk.letters()
            assert "Вот он." in letter.everything
            assert "Должник" not in letter.everything

    asyncio.run(main())


def test_nobody_reads_the_links_and_addresses_of_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path, public_url=URL) as talk:
            await talk.mail(IVAN.address, "Где счёт?")
            team, *_ = await talk.letters()
            talk.desk.store.run_now(grants.give, IVAN.address, OLGA.address, talk.clock())
            await talk.reply(team, BILLING_TEAM, "Вот он.")
            [answer] = [one for one in await talk.letters() if one.row.to_address == IVAN.address]
            secret = re.findall(rf"{URL}/a/[\w.-]+", answer.text)[0]
            address = re.findall(r"[^\s<>]+@[^\s<>]+", str(answer.message["Reply-To"]))[-1]
            assert "+t1." in address
            quote = quoting(answer)
            await talk.reply(answer, IVAN.address, f"Не тот. {URL}/login/abc.def")
            pad = "\n" + f"{'ы' * 70}\n" * (PIECE // 71 - 2)
            await talk.mail(IVAN.address, f"Вот: {address}{pad}{secret}{pad}\n{quote}", subject="[#1] Счёт")
            for person in (IVAN.address, OLGA.address):
                view = await look_at_ticket(talk.desk, 1, person)
                shown = "".join(one.reply + one.text for one in view.said)
                start: int | None = 0
                while start is not None:
                    part = await look_at_message(talk.desk, 1, person, view.said[0].id, start)
                    assert part.next_start is None or len(part.piece) == PIECE
                    shown += part.piece
                    start = part.next_start
                assert "Не тот. […]" in shown
                assert shown.count("Вот: billing@desk.example") == 3
                for token in (f"{URL}/a/", f"{URL}/login/", "+t1."):
                    assert token not in shown, token

    asyncio.run(main())
