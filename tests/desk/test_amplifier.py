"""maild is no amplifier: budgets with one note, spam without answers, two desks that end by themselves (SPEC 6)."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from maild.core.letter import Letter
from maild.desk.notices import announce_holds
from maild.desk.receive import receive_waiting
from maild.store import ledger
from tests.desk.conversation import Conversation, Written, conversation
from tests.values import BILLING, BILLING_TEAM, BORDER, make_policy, make_trust

MALLORY = "mallory@elsewhere.example"
POLICY = make_policy()


def kinds(letters: list[Written], to: str) -> list[str]:
    return [letter.row.letter for letter in letters if letter.row.to_address == to]


async def test_over_the_budget_the_team_gets_one_note_an_hour(tmp_path: Path) -> None:
    async with conversation(tmp_path) as talk:
        for number in range(6):
            await talk.mail(MALLORY, f"Купите слона {number}")
        letters = await talk.letters()
        assert kinds(letters, MALLORY) == ["acknowledgement"] * 3
        assert kinds(letters, BILLING_TEAM).count("budget") == 1
        [note] = [letter for letter in letters if letter.row.letter == "budget"]
        assert "budgets" in note.text
        assert note.message["Auto-Submitted"] == "auto-generated"
        assert talk.events(5).count("dropped") == 1
        talk.clock.forward(timedelta(minutes=59))
        await talk.mail(MALLORY, "Ещё слон")
        assert "budget" not in kinds(await talk.letters(), BILLING_TEAM)
        talk.clock.forward(timedelta(minutes=2))
        for number in range(4):
            await talk.mail(MALLORY, f"И ещё {number}")
        letters = await talk.letters()
        assert kinds(letters, MALLORY) == ["acknowledgement"] * 3
        assert kinds(letters, BILLING_TEAM).count("budget") == 1


async def test_after_spam_an_address_is_not_answered_until_a_person_lets_it_through(tmp_path: Path) -> None:
    async with conversation(tmp_path, trust=make_trust(spam_field="X-Spam-Flag: YES")) as talk:
        spam = await talk.take(
            b"X-Spam-Flag: YES\r\nReceived: from x by " + BORDER.encode() + b"; Mon, 23 Nov 2026 12:00:00 +0000\r\n"
            b"From: " + MALLORY.encode() + b"\r\nSubject: x\r\nMessage-ID: <s@e.example>\r\n\r\nx\r\n"
        )
        await receive_waiting(talk.desk)
        assert (talk.row(spam).state, talk.row(spam).reason) == ("held", "marked as spam")
        assert await talk.letters() == []
        await talk.mail(MALLORY, "Я тут писал")
        assert kinds(await talk.letters(), MALLORY) == []
        talk.desk.store.run_now(ledger.replay, spam, is_released=True)
        await receive_waiting(talk.desk)
        await talk.mail(MALLORY, "Получили?")
        assert "acknowledgement" in kinds(await talk.letters(), MALLORY)


pytestmark = pytest.mark.anyio
A, B = BILLING, "support@other.example"
A_TEAM, B_TEAM = BILLING_TEAM, "team@other.example"
Wire = Callable[[bytes], bytes]


@asynccontextmanager
async def two_desks(folder: Path) -> AsyncIterator[tuple[Conversation, Conversation]]:
    billing = POLICY.categories[0]
    other = (replace(billing, address=B, team=(B_TEAM,)),)
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    async with (
        conversation(folder / "a") as one,
        conversation(folder / "b", categories=other, general_address="", agents=(), name="Other") as two,
    ):
        two.desk.instance = "another desk"
        yield one, two


async def carry(letters: list[Written], to: Conversation, address: str, wire: Wire, verdict: str) -> int:
    """Hand the letters to that desk over, as its border host takes them in; how many."""
    taken = [letter for letter in letters if letter.row.to_address == address]
    for letter in taken:
        domain = str(letter.message["From"]).rpartition("@")[2].strip("> ")
        top = (
            f"Authentication-Results: {BORDER}; dmarc={verdict} header.from={domain}\r\n"
            f"Received: from x by {BORDER}; Mon, 23 Nov 2026 12:00:00 +0000\r\n"
        )
        sender = str(letter.row.mail_from)
        await to.take(top.encode() + wire(letter.data), mail_from=sender, rcpt_tos=(address,))
    await receive_waiting(to.desk)
    return len(taken)


async def exchange(one: Conversation, two: Conversation, wire: Wire, verdict: str = "pass") -> int:
    """One desk's customer is the other desk; how many letters go between them before it is quiet."""
    await one.mail(B, "Где ваш счёт?")
    carried = 0
    for _ in range(50):
        passed = await carry(await one.letters(), two, B, wire, verdict)
        passed += await carry(await two.letters(), one, A, wire, verdict)
        if not passed:
            return carried
        carried += passed
    raise AssertionError("the two never stop")


def stripped(*names: str) -> Wire:
    """A relay that takes fields out, folded lines with them."""
    pattern = rb"(?im)^(?:" + "|".join(names).encode() + rb"):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*"
    return lambda data: re.sub(pattern, b"", data)


def notes(talk: Conversation, team: str) -> list[str]:
    """What a team was told beside its tickets."""
    about_itself = {Letter.HOLDS.value, Letter.BUDGET.value}
    return [kind for kind in kinds(talk.sent, team) if kind in about_itself]


async def test_two_desks_that_say_what_they_are_stop_at_once(tmp_path: Path) -> None:
    async with two_desks(tmp_path) as (one, two):
        assert await exchange(one, two, lambda data: data) == 1
        assert two.row(1).kind == "auto_response"


async def test_two_desks_over_a_wire_that_hides_it_stop_after_a_few_letters(tmp_path: Path) -> None:
    hidden = stripped("Auto-Submitted", "X-Auto-Response-Suppress", "X-Maild-[A-Za-z]+")
    async with two_desks(tmp_path) as (one, two):
        assert await exchange(one, two, hidden) <= 4
        for talk in (one, two):
            mails = talk.desk.store.read_now(ledger.rows)
            assert all(mail.ticket or mail.state == "held" for mail in mails), "nothing is lost"


async def test_two_desks_over_a_wire_that_hides_everything_stop_within_the_budgets(tmp_path: Path) -> None:
    """Nor can they know each other's letters again: neither reference nor reply address nor Message-ID survives."""
    wire = stripped(
        "Auto-Submitted", "X-[A-Za-z-]+", "References", "In-Reply-To", "Reply-To", "Message-ID", "Precedence"
    )
    async with two_desks(tmp_path) as (one, two):
        carried = await exchange(one, two, wire, "none")
        assert 2 < carried <= 2 * POLICY.budgets.per_address_hour
        for talk, team in ((one, A_TEAM), (two, B_TEAM)):
            await announce_holds(talk.desk)
            await talk.letters()
            assert notes(talk, team) == ["budget"]
            mails = talk.desk.store.read_now(ledger.rows)
            assert all(mail.ticket or mail.state == "held" for mail in mails), "nothing is lost"
