"""Servers that refuse this and that, lines that break, a busy database: no good mail is lost, cut or kept waiting."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maild.cli import imports
from maild.core.errors import GrantRefused, StoreBusy
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.mailbox import intake as intake_module
from maild.mailbox import keeper
from maild.mailbox.intake import Reading
from maild.mailbox.keeper import MailboxState, keep
from maild.mailbox.login import connect
from maild.mailbox.protocol import LoginRefused, ServerRefused
from maild.mailbox.reconcile import Reconciled
from maild.mailbox.shadow import Shadow
from maild.store import leases
from maild.store.db import Tx
from tests.imapserver import DROP, NO, Box, ImapServer
from tests.mailbox.desks import mail
from tests.mailbox.test_taking_in import compared, eventually, intake_of, mails, place, subjects, sweep

COUNT = 30


def names(line: str, uid: int) -> bool:
    """Is that UID among those that a command asks for?"""
    for part in line.split(" ")[2].split(","):
        first, _, last = part.partition(":")
        if int(first) <= uid <= int(last or first):
            return True
    return False


def expected(count: int = COUNT) -> list[str]:
    return sorted(f"Question {number}" for number in range(1, count + 1))


@pytest.mark.parametrize("is_restarted", [False, True])
def test_what_was_refused_together_is_taken_however_much_follows(
    server: ImapServer, desk: Desk, monkeypatch: pytest.MonkeyPatch, is_restarted: bool
) -> None:
    monkeypatch.setattr(intake_module, "_LOOK_BACK", 5)
    monkeypatch.setattr(intake_module, "_TOGETHER", 1000)
    intake = intake_of(desk)
    sweep(server, intake)
    for number in range(1, COUNT + 1):
        server.put(mail(number))
    server.fail("FETCH", NO, when=lambda line: "BODY" in line and names(line, 3))
    assert sweep(server, intake) == ["ServerRefused"]
    assert 0 < len(mails(desk)) < COUNT
    again = intake_of(desk) if is_restarted else intake
    assert sweep(server, again, is_first=is_restarted) == [""]
    assert sorted(subjects(desk)) == expected()
    assert compared(server, desk) == Reconciled("support", COUNT, COUNT, ())


def test_messages_that_went_away_are_not_looked_for_again(server: ImapServer, desk: Desk) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    server.put(mail(1))
    server.put(mail(2))
    server.fail("FETCH", DROP, when=lambda line: "BODY" in line)
    sweep(server, intake)
    del server.folders["INBOX"].messages[0]
    assert sweep(server, intake) == [""]
    assert not intake._failures
    assert subjects(desk) == ["Question 2"]


@pytest.mark.parametrize("does", [NO, DROP])
def test_a_message_that_the_server_does_not_even_list_hides_no_other(server: ImapServer, desk: Desk, does: str) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    for number in range(1, 6):
        server.put(mail(number))
    server.fail("FETCH", does, times=1000, when=lambda line: "INTERNALDATE" in line and names(line, 3))
    assert sweep(server, intake, times=3)[0] != ""
    assert sorted(subjects(desk)) == [each for each in expected(5) if each != "Question 3"]
    sweep(server, intake, times=5)
    assert compared(server, desk).missing == (3,)
    assert sweep(server, intake) == [""], "it is passed over"
    server.faults.clear()
    sweep(server, intake_of(desk), is_first=True)
    assert sorted(subjects(desk)) == expected(5)


@pytest.mark.parametrize("is_busy", [True, False])
def test_a_busy_database_or_a_bad_line_costs_no_mail_its_end(
    server: ImapServer, desk: Desk, monkeypatch: pytest.MonkeyPatch, is_busy: bool
) -> None:
    intake = intake_of(desk)
    sweep(server, intake)
    server.put(mail(1))

    async def busy(*_: Any) -> int:
        raise StoreBusy("locked")

    if is_busy:
        monkeypatch.setattr(intake_module, "accept", busy)
    else:
        server.fail("FETCH", DROP, times=4, when=lambda line: "BODY" in line)
    assert "" not in sweep(server, intake, times=4)
    assert bool(intake._failures) is not is_busy, "the message has done nothing"
    if is_busy:
        monkeypatch.undo()
    assert sweep(server, intake) == [""]
    [row] = mails(desk)
    assert (row.state, row.subject) == ("done", "Question 1")


def test_a_folder_for_spam_that_is_refused_once_is_read_later_and_keeps_nobody_waiting(
    server: ImapServer, desk: Desk
) -> None:
    server.folders["Junk"] = Box()

    async def read(sweeps: int) -> None:
        mailbox = await connect(place(server))
        asked = server.asked("IDLE")
        reading = Reading(intake_of(desk), MailboxState("support"), sweep_every=0.05)
        working = asyncio.create_task(reading.work(mailbox))
        await asyncio.to_thread(server.wait_asked, "IDLE", asked + sweeps)
        working.cancel()
        await asyncio.wait([working])
        while await receive_waiting(desk):
            pass

    asyncio.run(read(1))
    server.put(mail(1))
    server.put(mail(2), "Junk")
    server.fail("LIST", NO)
    server.fail("EXAMINE", NO, when=lambda line: "Junk" in line)
    asyncio.run(read(4))
    assert [(row.subject, row.state) for row in sorted(mails(desk), key=lambda row: row.id)] == [
        ("Question 1", "done"),
        ("Question 2", "held"),
    ]


def test_other_uids_leave_old_mail_old_unless_it_is_asked_for(server: ImapServer, desk: Desk) -> None:
    server.put(mail(1))
    server.folders["INBOX"].messages[0].date = datetime.now(UTC) - timedelta(days=1)
    sweep(server, intake_of(desk))
    server.put(mail(2))
    sweep(server, intake_of(desk))
    server.renumber()
    assert compared(server, desk).missing == (101,), "nobody has looked at the new UIDs, but the old mail is old"
    sweep(server, intake_of(desk))
    assert compared(server, desk) == Reconciled("support", 1, 1, ())
    asking = replace(intake_of(desk), takes_old=True)
    sweep(server, asking, times=2)
    assert sorted(subjects(desk)) == ["Question 1", "Question 2"]
    assert compared(server, desk) == Reconciled("support", 2, 2, ())


def test_a_mailbox_in_shadow_goes_on_where_the_last_connection_ended(
    server: ImapServer, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "maild.mailbox.shadow")
    shadow = Shadow(desk, "support", "INBOX", "billing")
    server.put(mail(1))

    async def work(*, is_ended: bool) -> None:
        mailbox = await connect(place(server))
        asked = server.asked("IDLE")
        working = asyncio.create_task(shadow.work(mailbox))
        if not is_ended:
            await asyncio.to_thread(server.wait_asked, "IDLE", asked + 1)
            working.cancel()
        [ended] = await asyncio.gather(working, return_exceptions=True)
        assert isinstance(ended, ServerRefused) is is_ended
        mailbox.close()

    asyncio.run(work(is_ended=False))
    for number in (2, 3, 4):
        server.put(mail(number))
    server.fail("FETCH", NO, times=100, when=lambda line: names(line, 3))
    asyncio.run(work(is_ended=True))
    asyncio.run(work(is_ended=False))
    told = [record.getMessage().partition(": UID ")[2] for record in caplog.records]
    assert [line.split(" ")[0] for line in told] == ["2", "3", "4"]
    assert told[1] == "3 cannot be read"


def test_an_import_goes_on_past_what_the_server_does_not_give_away(server: ImapServer) -> None:
    for number in range(1, 6):
        server.put(mail(number))
    server.fail("FETCH", NO, times=100, when=lambda line: "INTERNALDATE" in line and names(line, 2))
    server.fail("FETCH", NO, times=100, when=lambda line: "BODY" in line and names(line, 4))

    async def fetched() -> set[int]:
        mailbox = await connect(place(server))
        await mailbox.select("INBOX")
        messages = await imports._listed(mailbox, await mailbox.uids())
        raws = await imports._bodies(mailbox, [message.uid for message in messages])
        mailbox.close()
        return set(raws)

    assert asyncio.run(fetched()) == {1, 3, 5}


def test_a_lease_that_cannot_be_renewed_ends_the_work_before_another_may_begin(
    server: ImapServer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_RENEW", 0.1)
    monkeypatch.setattr(keeper, "LEASE", timedelta(seconds=4))
    take, goes_on = leases.take, threading.Event()
    goes_on.set()

    def slow(tx: Tx, *rest: Any) -> bool:
        goes_on.wait(60)  # a database that answers late
        return take(tx, *rest)

    monkeypatch.setattr(leases, "take", slow)

    async def play() -> None:
        state = MailboxState("support")
        reading = Reading(intake_of(desk), state)
        working = asyncio.create_task(keep(desk, place(server), reading.work, state, "one"))
        await asyncio.to_thread(server.wait_asked, "IDLE")
        [[until]] = desk.store.read_now(lambda tx: tx.all("SELECT until FROM leases"))
        goes_on.clear()
        await eventually(lambda: not state.is_connected, "the work ends, although nobody answers")
        assert desk.now().timestamp() * 10**6 < until
        goes_on.set()
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(play())


def test_nobody_is_told_of_a_mailbox_in_shadow(server: ImapServer, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_FIRST_PAUSE", 0.01)
    server.fail("LOGIN", NO, times=100)

    async def play() -> None:
        state = MailboxState("support", is_shadow=True)
        shadow = Shadow(desk, "support", "INBOX", "billing")
        working = asyncio.create_task(keep(desk, place(server), shadow.work, state, "one"))
        await eventually(lambda: state.needs_admin, "the login is refused again and again")
        working.cancel()
        await asyncio.wait([working])

    asyncio.run(play())
    assert desk.store.read_now(lambda tx: tx.all("SELECT letter FROM outbox")) == []


def test_a_refresh_token_that_is_over_is_a_refused_login(server: ImapServer) -> None:
    class Token:
        async def current(self) -> str:
            raise GrantRefused("no access token: 400 invalid_grant")

        def forget(self) -> None:
            """There is none."""

    with pytest.raises(LoginRefused, match="invalid_grant"):
        asyncio.run(connect(replace(place(server), token=Token())))
