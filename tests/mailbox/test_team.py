"""The shared mailbox as the queue, with a real Dovecot: letters filed, moves obeyed, answers in Sent kept."""

import asyncio
import imaplib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maild.core.policy import Policy
from maild.core.tokens import Action
from maild.desk.clock import close_due
from maild.desk.delivery import give_up_unfiled
from maild.desk.receive import receive_waiting
from maild.mailbox.client import ImapMailbox
from maild.mailbox.login import Place, connect
from maild.mailbox.protocol import ConnectionLost, Mailbox
from maild.mailbox.team import Team
from maild.store import ledger, lists, outbox
from tests.core.test_folders import QUEUE, TECH_FOLDER, policy
from tests.desk.conversation import Conversation, conversation
from tests.dovecot import PASSWORD, Dovecot, dovecot
from tests.values import ANNA, BILLING, BILLING_TEAM, BORDER, IVAN

MINUTE = timedelta(minutes=1)
Story = Callable[["Office"], Awaitable[None]]


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot(*(f"{name}@office.example" for name in range(40))) as running:
        yield running


@dataclass(slots=True)
class Office:
    """A desk whose team works in a mailbox, its role there, and a mail program beside it."""

    talk: Conversation
    team: Team
    mailbox: ImapMailbox
    program: imaplib.IMAP4

    async def turn(self, *, times: int = 2) -> None:
        for _ in range(times):
            await self.team.turn(looks=True)

    async def asked(self, words: str = "Где мой счёт?", **fields: str) -> int:
        """Ivan asks; the letters that go out are out; the number of his mail."""
        mail = await self.talk.mail(IVAN.address, words, **fields)
        await self.talk.letters()
        await self.turn()
        return mail

    async def after_the_delay(self) -> None:
        """A move is seen, and ten seconds later it counts."""
        await self.turn(times=1)
        self.talk.clock.forward(QUEUE.move_delay)
        await self.turn()

    def uids(self, folder: str) -> list[bytes]:
        self.program.select(f'"{folder}"')
        return self.program.uid("SEARCH", "ALL")[1][0].split()  # type: ignore[no-any-return]

    def count(self, folder: str) -> int:
        return len(self.uids(folder))

    def move(self, source: str, target: str, uid: bytes | None = None) -> None:
        """As a person drags a message, the first one if none is named."""
        found = self.uids(source)
        answer, _ = self.program.uid("MOVE", (uid or found[0]).decode(), f'"{target}"')
        assert answer == "OK"

    def texts(self, folder: str) -> list[bytes]:
        return [self.program.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1] for uid in self.uids(folder)]

    def flags(self, folder: str) -> str:
        uids = b",".join(self.uids(folder)).decode()
        return " ".join(str(line) for line in self.program.uid("FETCH", uids, "(FLAGS)")[1])

    def status(self, number: int = 1) -> str:
        return self.talk.status(number)

    def history(self, number: int = 1) -> list[tuple[str, str, str]]:
        rows = self.talk.desk.store.read_now(lists.events_of, number)
        return [(row.event, row.via, row.reason) for row in rows]

    async def sent(self) -> list[tuple[str, str]]:
        return sorted(letter.kind for letter in await self.talk.letters())


def policy_for(address: str, **changes: Any) -> Policy:
    """One team for both categories, whose mailbox that is."""
    plain = policy()
    billing, tech = (replace(each, team=(address,)) for each in plain.categories)
    queue = replace(QUEUE, address=address, **changes)
    return replace(plain, categories=(billing, replace(tech, folder=TECH_FOLDER)), queues=(queue,))


NUMBERS = iter(range(40))


@asynccontextmanager
async def office(server: Dovecot, folder: Path, **changes: Any) -> AsyncIterator[Office]:
    address = changes.pop("address", "") or f"{next(NUMBERS)}@office.example"
    program = imaplib.IMAP4("127.0.0.1", server.imap)
    program.login(address, PASSWORD)
    async with conversation(folder) as talk:
        talk.desk.policy = policy_for(address, **changes)
        place = Place("127.0.0.1", server.imap, address, is_tls=False, password=lambda: PASSWORD)
        mailbox = await connect(place)
        team = Team(talk.desk, talk.desk.policy.queues[0], mailbox)
        await team.begin()
        await team.turn(looks=True)
        yield Office(talk, team, mailbox, program)
        await mailbox.logout()
    program.logout()


def play(server: Dovecot, folder: Path, story: Story, **changes: Any) -> None:
    async def main() -> None:
        async with office(server, folder, **changes) as there:
            await story(there)

    asyncio.run(main())


def test_a_letter_is_filed_unread_and_follows_its_ticket(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        assert there.count("Tickets/New") == 1
        assert "Seen" not in there.flags("Tickets/New")
        assert b"[#1]" in there.texts("Tickets/New")[0]
        await there.talk.press(1, Action.SOLVED)
        await there.turn()
        assert [there.count(f"Tickets/{name}") for name in ("New", "Solved")] == [0, 1]
        there.talk.clock.forward(timedelta(hours=49))
        await there.talk.letters()
        assert await close_due(there.talk.desk) == 1
        await there.turn()
        assert [there.count(f"Tickets/{name}") for name in ("Solved", "Closed")] == [0, 1]
        subscribed = {str(line).split()[-1].strip("'\"") for line in there.program.lsub()[1]}
        assert subscribed >= {"Tickets/New", "Tickets/Spam", TECH_FOLDER}

    play(server, tmp_path, story)


def test_a_drag_to_solved_solves_after_the_delay_and_the_others_follow(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        await there.talk.mail(IVAN.address, "И ещё одно.", subject="Re: [#1] Счёт")
        await there.turn()
        assert there.count("Tickets/New") == 2
        there.move("Tickets/New", "Tickets/Solved")
        await there.turn()
        assert there.status() == "new"
        await there.after_the_delay()
        assert there.status() == "solved"
        assert ("solved", "imap", "by_move") in there.history()
        assert await there.sent() == [("solved", IVAN.address)]
        assert [there.count(f"Tickets/{name}") for name in ("New", "Solved")] == [0, 2]
        await there.turn()
        assert there.history().count(("solved", "imap", "by_move")) == 1
        there.move("Tickets/Solved", "Tickets/New")
        await there.after_the_delay()
        assert there.status() == "open"
        assert [there.count(f"Tickets/{name}") for name in ("New", "Solved")] == [2, 0]

    play(server, tmp_path, story)


def test_moved_back_in_time_nothing_has_happened(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        before = there.history()
        there.move("Tickets/New", "Tickets/Solved")
        await there.turn(times=1)
        there.talk.clock.forward(timedelta(seconds=9))
        there.move("Tickets/Solved", "Tickets/New")
        await there.turn()
        there.talk.clock.forward(MINUTE)
        await there.turn()
        assert (there.status(), there.history()) == ("new", before)
        assert there.count("Tickets/New") == 1
        assert await there.sent() == []

    play(server, tmp_path, story)


def test_what_the_customer_writes_meanwhile_is_not_solved_unread(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        there.move("Tickets/New", "Tickets/Solved")
        await there.turn(times=1)
        there.talk.clock.forward(timedelta(seconds=5))
        await there.asked("Стало ещё хуже!", subject="Re: [#1] Счёт")
        there.talk.clock.forward(timedelta(seconds=6))
        await there.turn()
        assert there.status() == "new"
        assert there.count("Tickets/New") == 2
        assert await there.sent() == []

    play(server, tmp_path, story)


@pytest.mark.parametrize(
    ("target", "status", "event", "lies"),
    [
        ("Tickets/Pending", "pending", ("agent_answered", "imap", "by_move"), "Tickets/Pending"),
        ("Tickets/Spam", "closed", ("spam", "imap", "by_move"), "Tickets/Spam"),
        (TECH_FOLDER, "new", ("moved", "imap", "tech"), TECH_FOLDER),
        ("Tickets/Closed", "new", None, "Tickets/New"),
    ],
)
def test_every_folder_is_a_command_and_closed_is_refused(
    server: Dovecot, tmp_path: Path, target: str, status: str, event: tuple[str, str, str] | None, lies: str
) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        before = there.history()
        there.move("Tickets/New", target)
        await there.after_the_delay()
        assert there.status() == status
        assert event in there.history() if event else there.history() == before
        assert there.count(lies) == 1
        assert sum(there.count(f"Tickets/{name}") for name in ("New", "Pending", "Solved", "Closed", "Spam")) <= 1
        assert await there.sent() == []

    play(server, tmp_path, story)


def test_deleting_does_nothing_but_is_told(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        (uid,) = there.uids("Tickets/New")
        there.program.uid("STORE", uid.decode(), "+FLAGS", r"(\Deleted)")
        there.program.expunge()
        await there.turn()
        there.talk.clock.forward(MINUTE)
        await there.turn()
        assert there.status() == "new"
        assert there.history()[-1][0] == "dropped"
        assert await there.sent() == []
        await there.talk.press(1, Action.SOLVED)
        await there.turn()
        assert there.count("Tickets/Solved") == 0

    play(server, tmp_path, story)


def test_programs_that_copy_and_delete_move_too(server: Dovecot, tmp_path: Path) -> None:
    """mutt marks what it has copied as deleted, mbsync takes it away in its next run; a mere copy is no command."""

    async def story(there: Office) -> None:
        await there.asked()
        (uid,) = there.uids("Tickets/New")
        there.program.uid("COPY", uid.decode(), '"Tickets/Solved"')
        await there.after_the_delay()
        assert there.status() == "new"
        there.program.uid("STORE", uid.decode(), "+FLAGS", r"(\Deleted)")
        there.program.expunge()
        await there.turn()
        there.talk.clock.forward(MINUTE)
        await there.turn()
        there.talk.clock.forward(MINUTE)
        await there.turn()
        assert there.status() == "solved"
        (uid,) = there.uids("Tickets/Solved")
        there.program.uid("COPY", uid.decode(), '"Tickets/Pending"')
        there.program.uid("STORE", uid.decode(), "+FLAGS", r"(\Deleted)")
        await there.after_the_delay()
        assert there.status() == "pending"

    play(server, tmp_path, story)


def letter_id(there: Office, kind: str = "new_ticket") -> str:
    rows = there.talk.desk.store.read_now(outbox.rows)
    return next(f"<{row.message_id}>" for row in rows if row.letter == kind)


def test_keywords_say_whose_it_is_and_how_urgent(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        there.program.uid("STORE", there.uids("Tickets/New")[0].decode(), "+FLAGS", "(mine)")
        await there.talk.mail(ANNA, f"#assign {ANNA}\n#priority high", In_Reply_To=letter_id(there))
        await there.turn()
        found = set(re.findall(r"[\w@.-]+", there.flags("Tickets/New")))
        assert found >= {"assigned-anna@office.example", "priority-high", "mine"}
        await there.talk.mail(ANNA, "#priority normal", In_Reply_To=letter_id(there))
        await there.turn()
        assert "priority" not in there.flags("Tickets/New")
        assert "mine" in there.flags("Tickets/New")

    play(server, tmp_path, story)


def put_into_sent(there: Office, to: str, words: str, number: int, **fields: str) -> None:
    address = there.talk.desk.policy.queues[0].address
    lines = [f"{key.replace('_', '-')}: {value}\r\n" for key, value in fields.items()]
    raw = (
        f"From: {address}\r\nTo: {to}\r\nSubject: Re: Счёт\r\nMessage-ID: <sent{number}@office.example>\r\n"
        f"{''.join(lines)}Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    )
    folder = "INBOX.Sent" if there.program.list('""', "Sent")[1] == [None] else "Sent"
    assert there.program.append(folder, r"(\Seen)", None, raw.encode())[0] == "OK"


async def read_sent(there: Office) -> None:
    await there.turn()
    await receive_waiting(there.talk.desk)
    await there.turn()


def test_an_answer_in_sent_is_kept_and_the_customers_reply_joins(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        put_into_sent(there, IVAN.address, "Счёт в пути.", 1, In_Reply_To="<m1@client.example>")
        put_into_sent(there, "wife@home.example", "Буду в семь.", 2)
        await read_sent(there)
        assert there.status() == "pending"
        assert there.count("Tickets/Pending") == 1
        assert await there.sent() == []
        mail = await there.talk.mail(IVAN.address, "Спасибо, а когда?", In_Reply_To="<sent1@office.example>")
        assert there.talk.row(mail).ticket == 1
        assert there.status() == "open"
        reasons = [row.reason for row in there.talk.desk.store.read_now(ledger.rows)]
        assert reasons == ["new question", "agent's answer, found in Sent", "refers to a message of the ticket"]

    play(server, tmp_path, story)


def test_what_a_server_delivers_into_sent_is_not_sent_by_support(server: Dovecot, tmp_path: Path) -> None:
    """Dovecot, Cyrus and others file mail to `support+Sent@` there, whoever it is from."""

    async def story(there: Office) -> None:
        await there.asked()
        received = f"from x by {BORDER} with LMTP; Mon, 23 Nov 2026 12:00:00 +0000"
        for number, field in enumerate(({"Delivered_To": "office+Sent@office.example"}, {"Received": received})):
            put_into_sent(there, IVAN.address, "Платите сюда.", number, In_Reply_To="<m1@client.example>", **field)
            put_into_sent(there, BILLING, "#customer x@victim.example\r\n\r\nПлатите сюда.", number + 5, **field)
        await read_sent(there)
        assert (there.status(), await there.sent()) == ("new", [])
        verdict = f"{BORDER}; dmarc=pass header.from=office.example"
        vouched = {"Authentication_Results": verdict, "Received": received, "Delivered_To": "office@office.example"}
        put_into_sent(there, IVAN.address, "Вот счёт.", 9, In_Reply_To="<m1@client.example>", **vouched)
        await read_sent(there)
        assert there.status() == "pending", "a copy to oneself, put there by a filter"

    play(server, tmp_path, story)


def test_the_copy_in_sent_of_a_relayed_answer_is_that_answer(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.asked()
        put_into_sent(there, BILLING, "Счёт отправлен.", 1, In_Reply_To=letter_id(there))
        await read_sent(there)
        assert await there.sent() == [("answer", IVAN.address)]
        raw = (
            f"From: {there.talk.desk.policy.queues[0].address}\r\nTo: {BILLING}\r\nSubject: other\r\n"
            f"Message-ID: <sent1@office.example>\r\nIn-Reply-To: {letter_id(there)}\r\n\r\nOther bytes.\r\n"
        )
        mail = await there.talk.take(raw.encode(), mail_from=BILLING_TEAM, rcpt_tos=(BILLING,))
        await receive_waiting(there.talk.desk)
        assert there.talk.row(mail).reason == "repeated: nothing new"
        assert await there.sent() == []
        await there.turn()
        copies = [text for text in there.texts("Sent") if b"To: =?utf-8" in text or IVAN.address.encode() in text]
        assert len(copies) == 1
        assert b"/a/" not in copies[0]
        assert b"+t1." not in copies[0]

    play(server, tmp_path, story)


class Cut:
    """The connection ends right after that has been done, as if the program had been killed before it heard of it."""

    def __init__(self, mailbox: Mailbox, name: str) -> None:
        self._mailbox, self._name = mailbox, name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._mailbox, name)
        if name != self._name:
            return found

        async def cut(*args: Any) -> None:
            await found(*args)
            raise ConnectionLost("cut")

        return cut


async def turns(team: Team) -> None:
    for _ in range(3):
        await team.turn(looks=True)


async def crash_after(there: Office, name: str) -> None:
    """A turn that ends in the middle, and a new start."""
    mailbox: Any = Cut(there.mailbox, name)
    dying = Team(there.talk.desk, there.team.queue, mailbox)
    await dying.begin()
    with pytest.raises(ConnectionLost):
        await turns(dying)
    there.talk.clock.forward(outbox.LEASE)
    there.team = Team(there.talk.desk, there.team.queue, there.mailbox)
    await there.team.begin()
    await there.turn()


def test_a_crash_between_database_and_mailbox_heals(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        await there.talk.mail(IVAN.address, "Где мой счёт?")
        await crash_after(there, "append")
        assert there.count("Tickets/New") == 1
        letters = [row for row in there.talk.desk.store.read_now(outbox.rows) if row.letter == "new_ticket"]
        assert [row.state for row in letters] == ["sent"]
        await there.talk.letters()
        await there.talk.press(1, Action.SOLVED)
        await crash_after(there, "move")
        assert [there.count(f"Tickets/{name}") for name in ("New", "Solved")] == [0, 1]
        assert there.status() == "solved"
        there.move("Tickets/Solved", "Tickets/Pending")
        await there.turn(times=1)
        there.talk.clock.forward(QUEUE.move_delay)
        there.team = Team(there.talk.desk, there.team.queue, there.mailbox)
        await there.team.begin()
        await there.turn()
        assert there.status() == "pending"
        await there.talk.mail(ANNA, "Готово.", In_Reply_To=letter_id(there))
        await there.talk.letters()
        await crash_after(there, "append")
        assert there.count("Sent") == 1

    play(server, tmp_path, story)


def test_folders_made_anew_are_looked_through_again(server: Dovecot, tmp_path: Path) -> None:
    """Another UIDVALIDITY: the UIDs mean nothing any more, the Message-IDs do."""

    async def story(there: Office) -> None:
        await there.asked()
        (text,) = there.texts("Tickets/New")
        there.program.select("INBOX")
        assert there.program.delete('"Tickets/New"')[0] == "OK"
        await asyncio.sleep(1.1)  # UIDVALIDITY counts seconds
        there.program.create('"Tickets/New"')
        there.program.append('"Tickets/New"', None, None, text)
        await there.turn()
        there.talk.clock.forward(MINUTE)
        await there.turn()
        assert (there.status(), [event for event, _, _ in there.history()]) == ("new", ["opened"])
        await there.talk.press(1, Action.SOLVED)
        await there.turn()
        assert [there.count(f"Tickets/{name}") for name in ("New", "Solved")] == [0, 1]

    play(server, tmp_path, story)


def test_a_server_without_extensions_will_do(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        there.mailbox._capabilities = frozenset({"IMAP4REV1"})
        await there.asked()
        there.move("Tickets/New", "Tickets/Closed")
        await there.after_the_delay()
        assert [there.count(f"Tickets/{name}") for name in ("New", "Closed")] == [1, 0]
        await there.talk.press(1, Action.SOLVED)
        await there.turn()
        assert [there.count(f"Tickets/{name}") for name in ("New", "Solved")] == [0, 1]

    play(server, tmp_path, story)


def test_new_may_be_the_inbox_among_other_mail(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        there.program.append("INBOX", None, None, b"Subject: lunch\r\nMessage-ID: <lunch@office.example>\r\n\r\nx\r\n")
        await there.asked()
        assert there.count("INBOX") == 2
        there.move("INBOX", "Tickets/Solved")  # lunch is no ticket
        await there.after_the_delay()
        assert there.status() == "new"
        there.move("INBOX", "Tickets/Solved")
        await there.after_the_delay()
        assert there.status() == "solved"
        assert there.count("Tickets/Solved") == 2

    play(server, tmp_path, story, new="INBOX")


def test_in_open_trust_the_copy_in_sent_vouches_for_the_answer(server: Dovecot, tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        policy = there.talk.desk.policy
        there.talk.desk.policy = replace(policy, trust=replace(policy.trust, authserv_ids=()))
        await there.talk.mail(IVAN.address, "Где мой счёт?")
        await there.talk.letters()
        await there.turn()
        put_into_sent(there, BILLING, "Вот он.", 1, In_Reply_To=letter_id(there))
        (copy,) = there.texts("Sent")
        mail = await there.talk.take(copy, mail_from=policy.queues[0].address, rcpt_tos=(BILLING,))
        await receive_waiting(there.talk.desk)
        assert there.talk.row(mail).reason == "claims to be an agent, not verified"
        assert await there.sent() == []
        await read_sent(there)
        assert there.talk.row(mail).reason == "agent's answer"
        assert await there.sent() == [("answer", IVAN.address)]

    play(server, tmp_path, story)


def test_folders_below_the_inbox_with_dots(tmp_path: Path) -> None:
    """Courier and Cyrus keep everything below INBOX, and divide by dots."""

    async def story(there: Office) -> None:
        await there.asked()
        there.move("INBOX.Tickets.New", "INBOX.Tickets.Solved")
        await there.after_the_delay()
        assert there.status() == "solved"
        put_into_sent(there, IVAN.address, "Вот он.", 1, In_Reply_To="<m1@client.example>")
        await read_sent(there)
        assert ("agent_answered", "imap", "by_mail") in there.history()

    address = f"{next(NUMBERS)}@office.example"
    with dovecot(address, separator=".", prefix="INBOX.") as running:
        play(running, tmp_path, story, address=address)


def test_letters_for_a_mailbox_out_of_reach_are_given_up_after_five_days(tmp_path: Path) -> None:
    async def main() -> None:
        async with conversation(tmp_path) as talk:
            talk.desk.policy = policy_for("1@office.example")
            await talk.mail(IVAN.address, "Где мой счёт?")
            talk.clock.forward(timedelta(days=5))
            assert await give_up_unfiled(talk.desk) == 0
            talk.clock.forward(MINUTE)
            assert await give_up_unfiled(talk.desk) == 1
            assert talk.events(1)[-1] == "delivery_failed"

    asyncio.run(main())
