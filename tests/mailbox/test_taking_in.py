"""What becomes of the messages of a folder: each in the ledger once, whatever the server does. In one process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from maild.core.errors import MaildError
from maild.core.mail import Door
from maild.core.policy import MailboxRules
from maild.desk.accept import accept
from maild.desk.clock import close_due
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.mailbox import keeper
from maild.mailbox.intake import Intake, Reading, mark_read, move_to
from maild.mailbox.keeper import MailboxState, keep
from maild.mailbox.login import Place, connect
from maild.mailbox.reconcile import Reconciled, reconcile
from maild.mime.stored import Stored, stored_facts
from maild.store import ledger, mailboxes
from maild.store.ledger import LedgerRow
from tests.imapserver import CUT, DROP, NO, PASSWORD, USER, WITHHOLD, Box, ImapServer
from tests.mailbox.desks import mail
from tests.mailin.doors import until

T = TypeVar("T")


def place(server: ImapServer) -> Place:
    return Place("127.0.0.1", server.port, USER, is_tls=False, password=lambda: PASSWORD)


def intake_of(desk: Desk, **changes: Any) -> Intake:
    made = Intake(desk, "support", "INBOX", "billing", 100_000, Path("/"))
    return replace(made, **changes)


def sweep(server: ImapServer, *intakes: Intake, times: int = 1, is_first: bool = False) -> list[str]:
    """Sweep on a new connection each time, and understand what came; what went wrong each time."""

    async def once(intake: Intake) -> str:
        mailbox = await connect(place(server))
        try:
            await intake.sweep(mailbox, is_first=is_first)
        except MaildError as error:
            return type(error).__name__
        finally:
            mailbox.close()
        return ""

    async def run() -> list[str]:
        found = [await once(intake) for _ in range(times) for intake in intakes]
        while await receive_waiting(intakes[0].desk):
            pass
        return found

    return asyncio.run(run())


def mails(desk: Desk) -> list[LedgerRow]:
    return desk.store.read_now(ledger.rows)


def compared(server: ImapServer, desk: Desk) -> Reconciled:
    async def run() -> Reconciled:
        mailbox = await connect(place(server))
        try:
            return await reconcile(desk, mailbox, "support", "INBOX")
        finally:
            mailbox.close()

    return asyncio.run(run())


def subjects(desk: Desk) -> list[str]:
    return [row.subject for row in mails(desk)]


def test_mail_counts_from_the_first_sweep_on(server: ImapServer, desk: Desk) -> None:
    server.put(mail(1))
    intake = intake_of(desk)
    assert sweep(server, intake) == [""]
    server.put(mail(2))
    server.put(mail(3))
    assert sweep(server, intake, times=2) == ["", ""]
    assert subjects(desk) == ["Question 2", "Question 3"]
    assert {row.door for row in mails(desk)} == {Door.IMAP.value}
    assert {row.state for row in mails(desk)} == {"done"}
    assert compared(server, desk) == Reconciled("support", 2, 2, ())
    assert server.asked("SELECT") == 0, "nothing is to be changed there"


def test_old_mail_is_taken_on_request_in_silence(server: ImapServer, desk: Desk) -> None:
    for number in (1, 2):
        server.put(mail(number))
    sweep(server, intake_of(desk))
    server.put(mail(3))
    sweep(server, intake_of(desk, takes_old=True), times=2)
    assert sorted(subjects(desk)) == ["Question 1", "Question 2", "Question 3"]
    letters = desk.store.read_now(
        lambda tx: tx.all("SELECT DISTINCT t.subject FROM outbox o JOIN tickets t ON t.number = o.ticket")
    )
    assert letters == [("Question 3",)]
    assert compared(server, desk).on_server == 3


def test_the_moment_is_the_servers_and_the_recipient_the_fields(server: ImapServer, desk: Desk) -> None:
    sweep(server, intake_of(desk))
    server.put(b"Return-Path: <bounce@client.example>\r\n" + mail(1, "tech@desk.example, other@x.example"))
    server.put(mail(2))
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    for message in server.folders["INBOX"].messages:
        message.date = moment
    sweep(server, intake_of(desk))
    envelopes = [envelope for _, envelope in desk.store.read_now(ledger.recent, 2)]
    assert [envelope.rcpt_tos for envelope in envelopes] == [("billing@desk.example",), ("tech@desk.example",)]
    assert [envelope.mail_from for envelope in envelopes] == ["client2@customer.example", "bounce@client.example"]
    assert {envelope.received_at for envelope in envelopes} == {moment}
    assert {(envelope.mailbox, envelope.is_trusted_peer) for envelope in envelopes} == {("support", True)}


def test_other_uids_have_no_second_effect(server: ImapServer, desk: Desk) -> None:
    server.put(mail(1))
    server.folders["INBOX"].messages[0].date = datetime.now(UTC) - timedelta(days=1)
    intake = intake_of(desk)
    sweep(server, intake)
    server.put(mail(2))
    sweep(server, intake)
    server.renumber()
    server.put(mail(3))
    sweep(server, intake, intake_of(desk), times=2)
    assert subjects(desk) == ["Question 2", "Question 3"]
    assert len(desk.store.read_now(lambda tx: tx.all("SELECT number FROM tickets"))) == 2
    assert compared(server, desk) == Reconciled("support", 2, 2, ())


def test_a_connection_that_is_cut_inside_a_mail_takes_no_part_of_it(server: ImapServer, desk: Desk) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    for number in range(1, 6):
        server.put(mail(number))
    server.fail("FETCH", CUT, when=lambda line: "BODY" in line, times=2)
    found = sweep(server, intake, times=3)
    assert found == ["ConnectionLost", "ConnectionLost", ""]
    assert sorted(subjects(desk)) == [f"Question {number}" for number in range(1, 6)]
    assert compared(server, desk).missing == ()


@pytest.mark.parametrize("does", [NO, DROP, WITHHOLD])
def test_a_message_that_the_server_does_not_give_away_keeps_nobody_waiting(
    server: ImapServer, desk: Desk, does: str
) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    for number in range(1, 4):
        server.put(mail(number))

    def asks_for_second(line: str) -> bool:
        return "BODY" in line and any(word in ("2", "1:3", "1:2", "2:3") for word in line.split())

    server.fail("FETCH", does, times=1000, when=asks_for_second)
    sweep(server, intake, times=3)
    assert "Question 1" in subjects(desk)
    assert "Question 3" in subjects(desk)
    sweep(server, intake, times=8)
    assert compared(server, desk) == Reconciled("support", 3, 2, (2,)), "nobody has it, and that is told"
    before = server.asked("FETCH")
    assert sweep(server, intake) == [""]
    assert server.asked("FETCH") == before, "it is not tried for ever"


def test_a_message_that_trips_us_keeps_nobody_waiting(
    server: ImapServer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    for number in range(1, 4):
        server.put(mail(number))

    def facts(raw: bytes) -> Stored:
        if b"Question 2" in raw:
            raise ValueError("a bug")
        return stored_facts(raw)

    monkeypatch.setattr("maild.mailbox.intake.stored_facts", facts)
    assert sweep(server, intake, times=8) == [""] * 8
    assert sorted(subjects(desk)) == ["Question 1", "Question 3"]
    assert compared(server, desk).missing == (2,)
    monkeypatch.undo()
    sweep(server, intake_of(desk))  # as after a new start
    assert compared(server, desk).missing == ()


@pytest.mark.parametrize(
    ("refused", "lines", "does"),
    [("(UID BODY.PEEK[])", 20_000, DROP), ("(UID BODY.PEEK[]", 1, NO), ("(UID BODY.PEEK[]", 1, DROP)],
)
def test_a_message_that_comes_in_part_only_is_held_as_such(
    server: ImapServer, desk: Desk, refused: str, lines: int, does: str
) -> None:
    """The first 256 KiB of it, or its header section alone."""
    intake = intake_of(desk, max_size=10**6)
    sweep(server, intake)
    server.put(mail(1, body="It does not work.\r\n" * lines))
    server.fail("FETCH", does, times=1000, when=lambda line: refused in line and (lines == 1 or "<0." not in line))
    sweep(server, intake, times=7)
    [row] = mails(desk)
    assert (row.state, row.reason, row.subject) == ("held", "only its beginning could be fetched", "Question 1")
    assert compared(server, desk).missing == ()


def test_a_message_that_is_too_large_is_held_with_its_beginning(server: ImapServer, desk: Desk) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    server.put(mail(1, body="x" * 70 + "\r\n" * 400_000))
    server.put(mail(2))
    sweep(server, intake)
    large, small = sorted(mails(desk), key=lambda row: row.subject)
    assert (large.state, large.reason) == ("held", "only its beginning could be fetched")
    assert small.state == "done"
    assert len(desk.store.read_now(ledger.raw, large.id) or b"") < 300_000
    assert compared(server, desk).missing == ()


def test_taken_mail_may_be_marked_or_moved_also_after_a_crash(server: ImapServer, desk: Desk) -> None:
    marking = intake_of(desk, settled=mark_read)
    sweep(server, marking)
    server.put(mail(1))
    sweep(server, marking)
    assert server.folders["INBOX"].messages[0].flags == {"\\Seen"}
    moving = intake_of(desk, settled=move_to("Done"))
    server.put(mail(2))
    server.fail("MOVE", NO, times=2)
    assert sweep(server, moving) == [""], "the mail is safe"
    assert len(server.folders["INBOX"].messages) == 2
    sweep(server, intake_of(desk, settled=move_to("Done")))
    assert server.folders["INBOX"].messages == []
    assert len(server.folders["Done"].messages) == 2
    assert sorted(subjects(desk)) == ["Question 1", "Question 2"]


def test_mail_that_goes_away_meanwhile_is_no_trouble(server: ImapServer, desk: Desk) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    for number in range(1, 4):
        server.put(mail(number))
    server.fail("FETCH", WITHHOLD, when=lambda line: "BODY" in line)
    sweep(server, intake)
    del server.folders["INBOX"].messages[1]
    assert sweep(server, intake, times=2) == ["", ""]
    assert sorted(subjects(desk)) == ["Question 1", "Question 3"]


def test_the_same_mail_by_two_doors_is_one(server: ImapServer, desk: Desk) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    server.put(mail(1))
    sweep(server, intake)
    [(_, envelope)] = desk.store.read_now(ledger.recent, 1)
    asyncio.run(accept(desk, mail(1), replace(envelope, door=Door.SMTP, peer="192.0.2.1")))
    assert len(mails(desk)) == 1


def test_spam_that_the_server_has_put_aside_is_held_until_somebody_moves_it(server: ImapServer, desk: Desk) -> None:
    server.folders["Junk"] = Box()

    async def read() -> None:
        mailbox = await connect(place(server))
        state = MailboxState("support")
        working = asyncio.create_task(Reading(intake_of(desk), state).work(mailbox))
        await asyncio.to_thread(server.wait_asked, "IDLE", server.asked("IDLE") + 1)
        working.cancel()
        await asyncio.wait([working])
        while await receive_waiting(desk):
            pass

    asyncio.run(read())
    server.put(mail(1), "Junk")
    asyncio.run(read())
    [row] = mails(desk)
    assert (row.state, row.reason) == ("held", "in the spam folder of a mailbox")
    assert compared(server, desk) == Reconciled("support", 0, 0, ())
    junk = server.folders["Junk"].messages.pop()
    server.put(junk.raw)
    asyncio.run(read())
    [row] = mails(desk)
    assert (row.state, row.ticket) == ("done", 1)


def test_a_ticket_does_not_close_before_its_mailbox_has_been_looked_into(server: ImapServer, desk: Desk) -> None:
    desk.policy = replace(desk.policy, mailboxes=(MailboxRules("support", is_intake=True, trust=desk.policy.trust),))
    intake = intake_of(desk)
    sweep(server, intake)
    server.put(mail(1))
    sweep(server, intake)
    solved = datetime.now(UTC)
    desk.store.run_now(
        lambda tx: tx.run(
            "UPDATE tickets SET status = 'solved', solved_at = ?, reopen_until = ?",
            int(solved.timestamp() * 10**6), int((solved + timedelta(hours=48)).timestamp() * 10**6),
        )
    )  # fmt: skip
    desk.now = lambda: solved + timedelta(hours=49)
    assert asyncio.run(close_due(desk)) == 0
    sweep(server, intake)
    assert asyncio.run(close_due(desk)) == 1


# Who keeps a mailbox, and what happens when it cannot be kept


def keeping(desk: Desk, server: ImapServer, state: MailboxState, holder: str) -> Awaitable[None]:
    return keep(desk, place(server), Reading(intake_of(desk), state, sweep_every=0.5).work, state, holder)


async def eventually(ask: Callable[[], bool], what: str) -> None:
    async def asked() -> bool:
        return ask()

    await until(asked, what)


def test_one_node_keeps_a_mailbox_and_another_takes_over(
    server: ImapServer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_RENEW", 0.05)

    async def play() -> None:
        first, second = MailboxState("support"), MailboxState("support")
        one = asyncio.ensure_future(keeping(desk, server, first, "one"))
        await eventually(lambda: first.is_connected, "the first node connects")
        two = asyncio.ensure_future(keeping(desk, server, second, "two"))
        await eventually(lambda: second.is_elsewhere, "the second node waits")
        await asyncio.to_thread(server.wait_asked, "IDLE")
        assert server.logins == 1
        await desk.store.run(lambda tx: tx.run("UPDATE leases SET holder = 'two'"))  # as if the first had been asleep
        await eventually(lambda: second.is_connected and first.is_elsewhere, "the second node takes over")
        server.put(mail(1))
        await eventually(lambda: len(mails(desk)) == 1, "the mail comes in")
        two.cancel()
        await eventually(lambda: first.is_connected, "the lease was given back")
        one.cancel()
        await asyncio.wait([one, two])

    asyncio.run(play())
    assert desk.store.read_now(lambda tx: tx.all("SELECT name FROM leases")) == []


def test_a_server_that_tells_of_nothing_is_looked_at_all_the_same(server: ImapServer, desk: Desk) -> None:
    server.is_deaf = True

    async def play() -> None:
        task = asyncio.ensure_future(keeping(desk, server, MailboxState("support"), "one"))
        await asyncio.to_thread(server.wait_asked, "IDLE")
        server.put(mail(1))
        await eventually(lambda: len(mails(desk)) == 1, "the sweep finds it")
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(play())


def test_a_clock_that_jumps_calls_for_a_sweep(server: ImapServer, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maild.mailbox.intake._PROBE", 0.05)

    async def play() -> None:
        mailbox = await connect(place(server))
        task = asyncio.ensure_future(Reading(intake_of(desk), MailboxState("support")).work(mailbox))
        await asyncio.to_thread(server.wait_asked, "IDLE")
        desk.now = lambda: datetime.now(UTC) + timedelta(hours=49)

        def has_swept() -> bool:
            swept = desk.store.read_now(mailboxes.last_sweeps, ["support"])["support"]
            return swept is not None and swept > datetime.now(UTC)

        await eventually(has_swept, "another sweep")
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(play())


def test_a_server_that_is_away_is_asked_again_and_a_wrong_password_seldom(
    server: ImapServer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(keeper, "_LONGEST_PAUSE", 0.1)

    async def play() -> None:
        state = MailboxState("support")
        task = asyncio.ensure_future(keeping(desk, server, state, "one"))
        await asyncio.to_thread(server.wait_asked, "IDLE")
        assert state.trouble == ""
        await asyncio.to_thread(server.stop)
        await eventually(lambda: state.trouble != "", "it is told")
        server.put(mail(1))
        await asyncio.to_thread(server.start)
        await eventually(lambda: len(mails(desk)) == 1 and state.trouble == "", "it is well again")
        server.fail("LOGIN", NO, times=3)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await eventually(lambda: state.needs_admin, "it needs the admin")
        notes = "SELECT to_address FROM outbox WHERE letter = 'mailbox'"
        await eventually(lambda: len(desk.store.read_now(lambda tx: tx.all(notes))) == 1, "the team is told")
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(play())
