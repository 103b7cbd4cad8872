"""Disk, database and the program's own threads fail while mail comes in: the door says "later", and means it."""

import os
import shutil
import signal
import smtplib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.disks import fill, small_disk
from tests.servers import MaildProcess, until
from tests.smtpsink import SmtpSink
from tests.system.load import Senders, all_work_done, assert_nothing_lost_nothing_doubled, quick_check
from tests.system.people import BILLING, IVAN, settled, trusting
from tests.system.trouble import accident_prone, files_that_cannot_grow, health, metric

pytestmark = pytest.mark.system

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits(3): systemd starts it again
SMALL = 'max_size = "512 KiB"\n'


def mail(number: int, filler: int = 0) -> bytes:
    head = f"From: {IVAN}\r\nTo: {BILLING}\r\nSubject: hello\r\nMessage-ID: <{number}@firma.example>\r\n\r\nHello.\r\n"
    return head.encode() + b"\r\n".join([os.urandom(35).hex().encode()] * (filler // 72))


@contextmanager
def client(desk: MaildProcess) -> Iterator[smtplib.SMTP]:
    with closing(smtplib.SMTP("127.0.0.1", desk.port("smtp"), "client.example", timeout=120)) as connected:
        connected.ehlo()
        yield connected


def reply_to(desk: MaildProcess, number: int) -> int:
    """The reply that ends the transaction of one mail, wherever it is refused."""
    with client(desk) as connected:
        if (code := connected.mail(IVAN)[0]) < 400 and (code := connected.rcpt(BILLING)[0]) < 400:
            code = connected.data(mail(number))[0]
        return code


def is_refused(desk: MaildProcess, number: int) -> bool:
    code = reply_to(desk, number)
    assert code == 250 or 400 <= code < 500, code
    return code != 250


def assert_told(desk: MaildProcess) -> None:
    status, page = health(desk)
    assert (status, page["status"], page["database"]) == (503, "degraded", False)


def assert_well_with(desk: MaildProcess, *numbers: int) -> None:
    """Exactly these mails are there, and each has its ticket."""
    mails = settled(desk, len(numbers))
    assert sorted(row["message_id"] for row in mails) == sorted(f"{number}@firma.example" for number in numbers)
    assert sorted(row["ticket"] for row in mails) == list(range(1, len(numbers) + 1))
    assert len(desk.json("ticket", "list")) == len(numbers)
    until(lambda: health(desk)[0] == 200, "the desk is well again")


def test_a_disk_that_fills_up_and_is_cleared_again_and_again(folder: Path, sink: SmtpSink) -> None:
    options = trusting()
    options["smtp"] += f"\n{SMALL}"
    with small_disk(folder, "32m"), MaildProcess(folder, sink.url, **options) as desk:
        with Senders(desk, clients=3, pause=0.03) as senders:  # the ballast shall fill the disk, not they
            for leave in (0, 40_000, 1_000_000):
                senders.wait(6)
                ballast = fill(folder, leave)
                senders.wait_refused(6)
                ballast.unlink()
            senders.wait(6)
        assert set(senders.refused) <= {451, 452}, senders.refused
        all_work_done(desk, 180)
        assert_nothing_lost_nothing_doubled(desk, sink, senders)
        assert health(desk)[0] == 200
        assert desk.stop() == 0
        assert quick_check(folder) == "ok"


def test_with_little_room_no_mail_begins_and_one_under_way_is_put_off_when_it_does_not_fit(
    folder: Path, sink: SmtpSink
) -> None:
    with small_disk(folder, "6m"), MaildProcess(folder, sink.url, smtp=SMALL) as desk:
        assert reply_to(desk, 1) == 250
        settled(desk, 1)
        with client(desk) as connected:
            assert connected.mail(IVAN)[0] == 250
            assert connected.rcpt(BILLING)[0] == 250
            ballast = fill(folder)
            code, words = connected.data(mail(2, 200_000))
            assert (code, words[:5]) in {(451, b"4.3.0"), (452, b"4.3.1")}
        ballast.unlink()
        until(lambda: reply_to(desk, 3) == 250, "there is room again", 30)
        ballast = fill(folder, 3 * 512 * 1024 - 100_000)
        until(lambda: is_refused(desk, 4), "the room is noticed to be low", 30)
        with client(desk) as connected:
            code, words = connected.mail(IVAN)
            assert (code, words[:5]) == (452, b"4.3.1")
        ballast.unlink()
        numbers = {int(row["message_id"].partition("@")[0]) for row in settled(desk, 2)}
        assert {1, 3} <= numbers <= {1, 3, 4}
        assert_well_with(desk, *numbers)


def test_a_database_that_another_process_keeps_is_told_and_gets_its_mail_afterwards(
    start_maild: StartMaild, folder: Path
) -> None:
    desk = start_maild()
    with closing(sqlite3.connect(folder / "maild.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert is_refused(desk, 1)
        assert_told(desk)
        other.execute("ROLLBACK")
    assert reply_to(desk, 2) == 250
    assert_well_with(desk, 2)


def test_a_disk_that_refuses_to_be_written_is_told_and_gets_its_mail_afterwards(start_maild: StartMaild) -> None:
    desk = start_maild()
    assert reply_to(desk, 1) == 250
    settled(desk, 1)
    with files_that_cannot_grow(desk):
        assert [is_refused(desk, number) for number in (2, 3)] == [True, True]
        assert_told(desk)
    assert reply_to(desk, 2) == 250
    assert_well_with(desk, 1, 2)


@pytest.mark.parametrize("name", ["maild.db", "maild.db-wal"])
def test_a_database_that_was_moved_away_takes_no_mail_until_it_is_back(
    start_maild: StartMaild, folder: Path, name: str
) -> None:
    desk = start_maild()
    assert reply_to(desk, 1) == 250
    settled(desk, 1)
    (folder / name).rename(folder / "elsewhere")
    assert is_refused(desk, 2)
    assert_told(desk)
    assert "was removed or replaced" in desk.log()
    (folder / "elsewhere").rename(folder / name)
    assert reply_to(desk, 3) == 250
    assert_well_with(desk, 1, 3)


def test_a_database_that_was_replaced_takes_no_mail_until_the_next_start(start_maild: StartMaild, folder: Path) -> None:
    desk = start_maild()
    assert reply_to(desk, 1) == 250
    settled(desk, 1)
    assert desk.stop() == 0
    shutil.copy(folder / "maild.db", folder / "backup")
    desk.start()
    (folder / "backup").replace(folder / "maild.db")
    assert is_refused(desk, 2)
    assert_told(desk)
    desk.stop()
    desk.start()
    assert reply_to(desk, 3) == 250
    assert_well_with(desk, 1, 3)


def test_without_the_thread_that_writes_the_program_ends_and_says_why(start_maild: StartMaild, folder: Path) -> None:
    desk = start_maild(environment=accident_prone(folder))
    assert reply_to(desk, 1) == 250
    settled(desk, 1)
    desk.signal(signal.SIGUSR1)
    assert desk.wait(120) == TRY_AGAIN
    assert "maild: the writer of the database died, nothing can be promised: Accident" in desk.log()
    desk.start()
    assert reply_to(desk, 2) == 250
    assert_well_with(desk, 1, 2)


def test_a_ticket_that_cannot_be_closed_is_seen_stops_no_other_and_is_tried_again(
    start_maild: StartMaild, folder: Path
) -> None:
    desk = start_maild()
    assert [reply_to(desk, number) for number in (1, 2)] == [250, 250]
    settled(desk, 2)
    assert [desk.cli("ticket", "solve", number).returncode for number in ("1", "2")] == [0, 0]
    until(lambda: not desk.json("outbox", "list", "--state", "queued"), "all letters are sent")
    assert desk.stop() == 0
    # A deadline before the first year there is: whoever reads it fails. The other ticket is due since 1970.
    with closing(sqlite3.connect(folder / "maild.db", isolation_level=None)) as other:
        [[deadline]] = other.execute("SELECT reopen_until FROM tickets WHERE number = 1").fetchall()
        other.execute("UPDATE tickets SET reopen_until = CASE number WHEN 1 THEN ? ELSE 1 END", [-(10**17)])
    desk.start()
    until(lambda: health(desk)[0] == 503, "the failure is seen")
    page = health(desk)[1]
    assert "ticket 1: OverflowError" in page["jobs"]["close"]["last_error"]
    assert page["database"] is True
    assert metric(desk, 'maild_job_failed{job="close"}') == 1
    assert metric(desk, 'maild_job_failed{job="forget"}') == 0
    with closing(sqlite3.connect(folder / "maild.db", isolation_level=None)) as other:
        assert other.execute("SELECT status FROM tickets WHERE number = 2").fetchall() == [("closed",)]
        other.execute("UPDATE tickets SET reopen_until = ? WHERE number = 1", [deadline])
    until(lambda: health(desk)[0] == 200, "the job has run again")
    assert metric(desk, 'maild_job_failed{job="close"}') == 0
    assert [row["status"] for row in desk.json("ticket", "list")] == ["solved", "closed"]
