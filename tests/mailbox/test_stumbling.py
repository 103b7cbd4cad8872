"""Servers that refuse this and that, lines that break, a busy database: no good mail is lost, cut or kept waiting."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maild.core.errors import StoreBusy
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.mailbox import intake as intake_module
from maild.mailbox.intake import Reading
from maild.mailbox.keeper import MailboxState
from maild.mailbox.login import connect
from maild.mailbox.reconcile import Reconciled
from tests.imapserver import DROP, NO, Box, ImapServer
from tests.mailbox.desks import mail
from tests.mailbox.test_taking_in import compared, intake_of, mails, place, subjects, sweep
from tests.mailin.doors import open_desk

COUNT = 30


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    made = open_desk(folder)
    yield made
    made.store.close()


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as running:
        yield running


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
