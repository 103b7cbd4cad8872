"""What one message, letter or move that makes trouble does to the others in a shared mailbox: nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maild.core.tokens import Action
from maild.desk import filing
from maild.desk.accept import accept
from maild.desk.receive import receive_waiting
from maild.mailbox import team
from maild.mailbox.protocol import ConnectionLost, Mailbox, ServerRefused
from maild.mailbox.team import Team
from maild.mailbox.troubles import Troubles
from maild.store import filings, mailboxes
from maild.store.filings import Mark
from maild.store.mailboxes import Progress
from tests.dovecot import Dovecot, dovecot
from tests.mailbox.test_team import MINUTE, Cut, Office, letter_id, play, put_into_sent, read_sent, turns
from tests.values import BILLING, IVAN, NOW, TECH, make_envelope

DAY = timedelta(days=1)
BYE = "BYE"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot(*(f"{name}@office.example" for name in range(40))) as running:
        yield running


class Broken:
    """A mailbox that refuses one question, if `is_bad` says so of the selected folder and what is asked.

    `code` is that of its refusal, BYE if it hangs up instead.
    """

    def __init__(self, mailbox: Mailbox, name: str, is_bad: Callable[..., bool], code: str = "") -> None:
        self._mailbox, self._name, self._is_bad = mailbox, name, is_bad
        self._error = ConnectionLost("BYE") if code == BYE else ServerRefused("NO [SERVERBUG] Internal error", code)
        self._selected = ""

    async def select(self, folder: str, *, read_only: bool = False) -> Any:
        self._selected = folder
        return await self._mailbox.select(folder, read_only=read_only)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._mailbox, name)
        if name != self._name:
            return found

        async def asked(*args: Any) -> Any:
            if self._is_bad(self._selected, *args):
                raise self._error
            return await found(*args)

        return asked


async def breaks(
    there: Office, name: str, is_bad: Callable[..., bool], *, code: str = "", troubles: Troubles | None = None
) -> None:
    """From now on, on a new connection."""
    mailbox: Any = Broken(there.mailbox, name, is_bad, code)
    there.team = Team(there.talk.desk, there.team.queue, mailbox, troubles)
    await there.team.begin()


def mark(there: Office, folder: str) -> Mark:
    found = there.talk.desk.store.read_now(filings.mark_of, there.team.queue.name, folder)
    assert found is not None
    return found


@pytest.mark.parametrize("question", ["headers", "messages"])
def test_a_message_that_cannot_be_read_keeps_nobody_waiting(server: Dovecot, tmp_path: Path, question: str) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        put_into_sent(there, "wife@home.example", "Буду в семь.", 1)
        put_into_sent(there, IVAN.address, "Счёт в пути.", 2, In_Reply_To="<m1@client.example>")
        there.program.append('"Tickets/New"', None, None, b"Subject: broken\r\n\r\nx\r\n")
        bad = {"Sent": 1, "Tickets/New": 2}
        troubles = Troubles(there.talk.clock)
        for attempt in range(3):
            await breaks(there, question, lambda folder, uids: bad.get(folder) in list(uids), troubles=troubles)
            await read_sent(there)
            assert there.status() == "pending"
            assert there.count("Tickets/Pending") == 1
            marks = [mark(there, folder).uidnext for folder in ("Sent", "Tickets/New")]
            assert marks == ([1, 2] if attempt < 2 else [3, 3])
            there.talk.clock.forward(MINUTE)

    play(server, tmp_path, story)


@pytest.mark.parametrize(("question", "folder", "bad"), [("headers", "Tickets/New", 2), ("fetch", "Sent", 1)])
def test_a_message_that_ends_each_connection_is_passed_over(
    server: Dovecot, tmp_path: Path, question: str, folder: str, bad: int
) -> None:
    def is_bad(selected: str, uids: Any) -> bool:
        return selected == folder and bad in (uids if isinstance(uids, list) else [uids])

    async def story(there: Office) -> None:
        await there.asked()
        for number in (1, 2):
            put_into_sent(there, IVAN.address, "Счёт в пути.", number, In_Reply_To="<m1@client.example>")
        for _ in range(2):
            there.program.append('"Tickets/New"', None, None, b"Subject: x\r\n\r\nx\r\n")
        troubles = Troubles(there.talk.clock)
        losses = 0
        while mark(there, folder).uidnext <= bad + 1:
            await breaks(there, question, is_bad, code=BYE, troubles=troubles)
            try:
                await read_sent(there)
            except ConnectionLost:
                losses += 1
            assert losses <= 4, "three of its own, one of many"
            there.talk.clock.forward(MINUTE)
        await read_sent(there)
        assert there.status() == "pending"
        assert there.count("Tickets/Pending") == 1

    play(server, tmp_path, story)


@pytest.mark.parametrize(("code", "is_given_up"), [("TOOBIG", True), ("OVERQUOTA", False)])
def test_a_copy_that_is_refused_stops_nothing(server: Dovecot, tmp_path: Path, code: str, is_given_up: bool) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        put_into_sent(there, BILLING, "Счёт отправлен.", 1, In_Reply_To=letter_id(there))
        await read_sent(there)
        assert await there.sent() == [("answer", IVAN.address)]
        await breaks(there, "append", lambda _, name, *rest: name == "Sent", code=code)
        await there.turn()
        left = there.talk.desk.store.read_now(filings.wanted_copies, there.team.queue.name)
        assert (left == []) == is_given_up
        there.move("Tickets/Pending", "Tickets/Solved")
        await there.after_the_delay()
        assert there.status() == "solved"
        await breaks(there, "append", lambda *_: False)
        await there.turn()
        assert there.count("Sent") == (1 if is_given_up else 2)

    play(server, tmp_path, story)


def test_a_folder_that_takes_nothing_stops_no_other_move(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        await there.asked("Другое.", subject="Акт")
        await there.talk.press(1, Action.SOLVED)
        put_into_sent(there, IVAN.address, "Вот акт.", 1, In_Reply_To="<m2@client.example>")
        await breaks(there, "move", lambda _, uids, name: name == "Tickets/Solved")
        await read_sent(there)
        assert (there.status(1), there.status(2)) == ("solved", "pending")
        assert [there.count(f"Tickets/{name}") for name in ("New", "Pending", "Solved")] == [1, 1, 0]
        await there.talk.press(1, Action.CONTINUE)
        await there.turn()
        there.move("Tickets/New", "Tickets/Solved")
        await there.after_the_delay()
        assert there.status(1) == "solved", "a person has moved it"

    play(server, tmp_path, story)


def test_an_inbox_that_gives_nothing_away_stops_nothing(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        desk, name = there.talk.desk, there.team.queue.name
        raw = f"From: {IVAN.address}\r\nTo: {BILLING}\r\nMessage-ID: <m9@client.example>\r\n\r\nx\r\n".encode()
        there.program.append("INBOX", None, None, raw)
        validity = (await there.mailbox.select("INBOX", read_only=True)).uidvalidity
        key = mailboxes.source_key(name, validity, 1)
        await accept(desk, raw, make_envelope(mail_from=IVAN.address, rcpt_tos=(BILLING,)), key)
        await receive_waiting(desk)
        troubles = Troubles(there.talk.clock)
        await breaks(there, "move", lambda *_: True, troubles=troubles)
        await there.turn()
        assert [there.count(folder) for folder in ("INBOX", "Tickets/New")] == [1, 1], "the letter is filed"
        await breaks(there, "move", lambda *_: False, troubles=troubles)
        there.talk.clock.forward(MINUTE)
        await there.turn()
        assert [there.count(folder) for folder in ("INBOX", "Tickets/New")] == [0, 2]

    play(server, tmp_path, story, inbox="INBOX")


def test_a_move_that_cannot_be_obeyed_waits_while_others_are(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = filing.obey

    async def obey(desk: Any, move: filings.Filing, queue: Any) -> None:
        if move.ticket == 1:
            raise ZeroDivisionError
        await real(desk, move, queue)

    async def story(there: Office) -> None:
        await there.asked()
        await there.asked("И где второй?", subject="Другое")
        monkeypatch.setattr(filing, "obey", obey)
        for _ in range(2):
            there.move("Tickets/New", "Tickets/Solved")
        await there.after_the_delay()
        assert [there.status(number) for number in (1, 2)] == ["new", "solved"]
        monkeypatch.setattr(filing, "obey", real)
        there.talk.clock.forward(5 * MINUTE)
        await there.turn()
        assert there.status(1) == "solved"

    play(server, tmp_path, story)


def test_only_letters_that_were_looked_for_count_as_deleted(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "_SEARCHED", 1)

    async def story(there: Office) -> None:
        await there.asked()
        await there.asked("И где второй?", subject="Другое")
        uids = b",".join(there.uids("Tickets/New")).decode()
        there.program.uid("COPY", uids, '"Tickets/Solved"')
        await there.after_the_delay()
        there.program.select('"Tickets/New"')
        there.program.uid("STORE", uids, "+FLAGS", r"(\Deleted)")
        there.program.expunge()
        await there.turn()
        there.talk.clock.forward(MINUTE)
        await there.turn()
        there.talk.clock.forward(MINUTE)
        await there.turn()
        assert [there.status(number) for number in (1, 2)] == ["solved", "solved"]

    play(server, tmp_path, story)


def test_the_folder_of_a_new_category_is_looked_at_before_it_is_used(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        policy = there.talk.desk.policy
        billing, tech = policy.categories
        there.talk.desk.policy = replace(policy, categories=(billing, replace(tech, folder="Tickets/Other")))
        await there.talk.mail(IVAN.address, "Не работает.", to=TECH)
        await there.talk.letters()
        await there.team.turn()
        assert there.count("Tickets/Other") == 1
        await there.talk.press(1, Action.SOLVED)
        await there.turn()
        assert [there.count(f"Tickets/{name}") for name in ("Other", "Solved")] == [0, 1]

    play(server, tmp_path, story)


def test_a_server_that_refuses_keywords_gets_letters_without(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked(subject="Срочно")
        await breaks(there, "append", lambda _, name, raw, flags, *rest: bool(flags))
        there.talk.desk.store.run_now(lambda tx: tx.run("UPDATE tickets SET priority = 'high' WHERE number = ?", 1))
        await there.talk.mail(IVAN.address, "Ещё.", subject="Re: [#1] Срочно")
        await there.talk.letters()
        await there.turn()
        assert there.count("Tickets/New") == 2

    play(server, tmp_path, story)


def test_of_a_sent_folder_made_anew_only_the_last_week_is_news(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        address, desk = there.team.queue.address, there.talk.desk
        for number, age in ((1, 8), (2, 1)):
            at = (NOW - age * DAY).astimezone(UTC)
            raw = (
                f"From: {address}\r\nTo: {IVAN.address}\r\nMessage-ID: <sent{number}@office.example>\r\n"
                "In-Reply-To: <m1@client.example>\r\n\r\nAnswer.\r\n"
            )
            there.program.append("Sent", None, f'"{at:%d-%b-%Y %H:%M:%S} +0000"', raw.encode())
        desk.store.run_now(filings.set_mark, there.team.queue.name, "Sent", Mark(1, 9))
        await there.turn()
        assert await receive_waiting(desk) == 1
        assert mark(there, "Sent").uidnext == 3

    play(server, tmp_path, story)


def test_mail_of_our_own_or_from_the_future_is_not_unclear_for_ever(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        desk, name = there.talk.desk, there.team.queue.name
        desk.store.run_now(mailboxes.begin, Progress(name, 1, 1, 0, 1, NOW))
        raw = (
            f"From: {there.team.queue.address}\r\nTo: wife@home.example\r\nMessage-ID: <w@office.example>\r\n\r\nx\r\n"
        )
        late = datetime(2035, 1, 1, tzinfo=UTC)
        there.program.append("Sent", None, f'"{late:%d-%b-%Y %H:%M:%S} +0000"', raw.encode())
        await there.turn()
        assert mark(there, "Sent").uidnext == 1
        there.talk.clock.forward(MINUTE)
        desk.store.run_now(mailboxes.swept, name, desk.now())
        await there.turn()
        assert mark(there, "Sent").uidnext == 2
        await there.asked()
        there.program.append("Sent", None, None, there.texts("Tickets/New")[0])
        await there.turn()
        assert mark(there, "Sent").uidnext == 3

    play(server, tmp_path, story, inbox="INBOX")


def test_our_own_move_whose_answer_was_lost_is_no_command(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        await there.talk.press(1, Action.SOLVED)
        mailbox: Any = Cut(there.mailbox, "move")
        dying = Team(there.talk.desk, there.team.queue, mailbox)
        await dying.begin()
        with pytest.raises(ConnectionLost):
            await turns(dying)
        await there.talk.mail(IVAN.address, "Нет, не решено.", subject="Re: [#1] Счёт")
        assert there.status() == "open"
        there.team = Team(there.talk.desk, there.team.queue, there.mailbox)
        await there.team.begin()
        for _ in range(3):
            await there.after_the_delay()
        assert there.status() == "open"
        assert there.count("Tickets/Solved") == 0
        there.move("Tickets/New", "Tickets/Solved")
        await there.after_the_delay()
        assert there.status() == "solved", "later a person may move it there"

    play(server, tmp_path, story)


def test_of_two_copies_in_the_inbox_one_goes_into_its_folder(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        desk, name = there.talk.desk, there.team.queue.name
        raw = (
            f"From: {IVAN.address}\r\nTo: {BILLING}\r\nSubject: x\r\nMessage-ID: <m1@client.example>\r\n\r\nx\r\n"
        ).encode()
        validity = (await there.mailbox.select("INBOX", read_only=True)).uidvalidity
        for uid in (1, 2):
            there.program.append("INBOX", None, None, raw)
            key = mailboxes.source_key(name, validity, uid)
            await accept(desk, raw, make_envelope(mail_from=IVAN.address, rcpt_tos=(BILLING,)), key)
        await receive_waiting(desk)
        await there.turn(times=4)
        assert [there.count(folder) for folder in ("INBOX", "Tickets/New")] == [1, 2], "with the letter"

    play(server, tmp_path, story, inbox="INBOX")


def test_a_mail_without_a_message_id_follows_its_ticket_and_commands_it(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        desk, name = there.talk.desk, there.team.queue.name
        raw = f"From: {IVAN.address}\r\nTo: {BILLING}\r\nSubject: x\r\n\r\nx\r\n".encode()
        there.program.append("INBOX", None, None, raw)
        validity = (await there.mailbox.select("INBOX", read_only=True)).uidvalidity
        key = mailboxes.source_key(name, validity, 1)
        await accept(desk, raw, make_envelope(mail_from=IVAN.address, rcpt_tos=(BILLING,)), key)
        await receive_waiting(desk)
        await there.turn(times=4)
        assert [there.count(folder) for folder in ("INBOX", "Tickets/New")] == [0, 2], "with the letter"
        for target, status in (("Solved", "solved"), ("Pending", "pending")):
            source = next(folder for folder in ("Tickets/New", "Tickets/Solved") if there.count(folder))
            plain = [uid for uid, text in zip(there.uids(source), there.texts(source), strict=True) if text == raw]
            there.move(source, f"Tickets/{target}", plain[0])
            await there.after_the_delay()
            assert (there.status(), there.count(f"Tickets/{target}")) == (status, 2)

    play(server, tmp_path, story, inbox="INBOX")


def test_what_lay_in_the_inbox_before_the_desk_came_is_not_waited_for(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        desk, name = there.talk.desk, there.team.queue.name
        for _ in range(2):
            there.program.append("INBOX", None, None, b"Subject: x\r\n\r\nx\r\n")
        validity = (await there.mailbox.select("INBOX", read_only=True)).uidvalidity
        desk.store.run_now(mailboxes.begin, Progress(name, validity, 1, 0, 1, NOW, is_second=True))
        desk.store.run_now(mailboxes.pass_over, name, validity, [1], mailboxes.OLDER, NOW)
        await there.turn()
        assert there.team._inbox is not None
        assert there.team._inbox._waiting == {2}

    play(server, tmp_path, story, inbox="INBOX")


def test_letters_leave_a_folder_the_configuration_no_longer_knows(tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        assert there.count("INBOX.Tickets.New") == 1
        queue = replace(there.team.queue, new="Tickets/Work")
        there.talk.desk.policy = replace(there.talk.desk.policy, queues=(queue,))
        there.team = Team(there.talk.desk, queue, there.mailbox)
        await there.team.begin()
        await there.turn()
        assert [there.count(f"INBOX.Tickets.{name}") for name in ("New", "Work")] == [0, 1]

    with dovecot("dots@office.example", separator=".", prefix="INBOX.") as running:
        play(running, tmp_path, story, address="dots@office.example")
