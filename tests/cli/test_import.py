"""`maild import`: archives of earlier days come in once, at their own moments, and nobody is written to."""

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from maild.store import lists
from tests.cli.conftest import MakeTrial, Trial
from tests.smtpsink import SmtpSink

BEGINNING = datetime(2023, 11, 14, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def mail(number: int, *fields: str, words: str = "Где мой счёт?", to: str = "billing@desk.example") -> bytes:
    """A question by somebody, an hour later than the one before."""
    date = format_datetime(BEGINNING + number * HOUR)
    head = (
        f"Return-Path: <p{number}@client.example>",
        f"Received: from a by mx.desk.example with ESMTP; {date}",
        f"From: p{number}@client.example",
        f"To: {to}",
        f"Subject: Question {number}",
        f"Date: {date}",
        f"Message-ID: <m{number}@client.example>",
        "Content-Type: text/plain; charset=utf-8",
        *fields,
    )
    return "\n".join([*head, "", words, ""]).encode()


def write_mbox(path: Path, mails: Iterable[bytes]) -> Path:
    """As mboxrd: lines that begin like a separator are quoted."""
    with path.open("wb") as file:
        for raw in mails:
            quoted = re.sub(rb"(?m)^(?=>*From )", b">", raw)
            file.write(b"From MAILER-DAEMON Tue Nov 14 22:13:20 2023\n" + quoted + b"\n")
    return path


def write_maildir(folder: Path, mails: Iterable[tuple[str, bytes]]) -> Path:
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    for name, raw in mails:
        (folder / name).write_bytes(raw)
    return folder


def test_two_hundred_old_mails_come_in_once_and_in_silence(trial: Trial, tmp_path: Path) -> None:
    archive = write_mbox(tmp_path / "old.mbox", (mail(number) for number in range(200)))
    told = trial.json("import", "mbox", str(archive))
    assert told == [{"read": 200, "new": 200, "known": 0, "skipped": 0, "held": 0, "tickets": 200}]
    with trial.desk() as desk:
        rows = desk.store.read_now(lists.ticket_rows)
    assert [row.created_at for row in rows] == [BEGINNING + number * HOUR for number in range(200)]
    assert {(row.status, row.category) for row in rows} == {("new", "billing")}
    assert trial.json("outbox", "list") == []
    assert trial.json("import", "mbox", str(archive))[0]["known"] == 200
    first, *others = trial.json("mail", "list")
    assert len(others) == 199
    assert (first["door"], first["received_at"], first["state"]) == ("import", "2023-11-14T22:00:00Z", "done")
    assert len(trial.json("ticket", "list")) == 200


def test_what_stands_in_an_mbox_file_comes_out_as_it_was(trial: Trial, tmp_path: Path) -> None:
    words = "From here on\n>From there\nwhere we met at 12:30 in 2024\n\nFrom then on."
    deleted = mail(3).replace(b"Return-Path", b"X-Mozilla-Status: 0009\nReturn-Path")
    archive = write_mbox(tmp_path / "old.mbox", [mail(1, words=words), mail(2), deleted])
    assert trial.json("import", "mbox", str(archive))[0]["new"] == 2
    first, second = trial.json("mail", "list")
    assert first["text"].strip() == words
    assert second["text"].strip() == "Где мой счёт?"


def test_separators_need_no_date_where_the_first_has_none(trial: Trial, tmp_path: Path) -> None:
    archive = tmp_path / "old.mbox"
    archive.write_bytes(b"".join(b"From somebody\n" + mail(number) + b"\n" for number in range(2)))
    assert trial.json("import", "mbox", str(archive))[0]["new"] == 2


def test_a_forgotten_blank_line_joins_no_mails(trial: Trial, tmp_path: Path) -> None:
    archive = tmp_path / "old.mbox"
    date = b"From x@y.example Tue Nov 14 22:13:20 2023\n"
    archive.write_bytes(date + mail(1) + date + mail(2, words="From me at 10:00 in 2024.") + b"\n")
    assert trial.json("import", "mbox", str(archive))[0]["new"] == 2


def test_answers_find_their_questions_in_whatever_order_they_lie(trial: Trial, tmp_path: Path) -> None:
    answer = mail(2, "In-Reply-To: <m1@client.example>").replace(b"p2@", b"p1@")
    folder = write_maildir(
        tmp_path / "Old",
        [("cur/1:2,S", answer), ("new/2", mail(1)), ("cur/3:2,DS", mail(3)), ("cur/4:2,T", mail(4))],
    )
    told = trial.said("import", "maildir", str(folder))
    assert told == "2 mails read: 2 new, 0 known already\nthe new ones belong to 1 ticket\n"
    assert [row["ticket"] for row in trial.json("mail", "list")] == [1, 1]


def test_what_support_answered_then_joins_the_thread(trial: Trial, tmp_path: Path) -> None:
    def by_support(number: int, *fields: str) -> bytes:
        return mail(number, *fields, to="p1@client.example", words="Вот он.").replace(
            b"From: p%d@client.example" % number, b"From: billing-team@office.example"
        )

    sent = re.sub(rb"(Received|Return-Path):.*\n", b"", by_support(2, "In-Reply-To: <m1@client.example>"))
    forged = by_support(3, "In-Reply-To: <m1@client.example>")
    private = re.sub(rb"(Received|Return-Path):.*\n", b"", by_support(4))
    archive = write_mbox(tmp_path / "old.mbox", [mail(1), sent, forged, private])
    assert trial.json("import", "mbox", str(archive))[0]["held"] == 1
    [ticket] = trial.json("ticket", "show", "1")
    assert [(each["role"], each["reply"]) for each in ticket["messages"]] == [
        ("customer", "Где мой счёт?"), ("agent", "Вот он."),
    ]  # fmt: skip
    assert ticket["status"] == "pending"
    assert [row["state"] for row in trial.json("mail", "list")] == ["done", "done", "held", "done"]
    assert len(trial.json("ticket", "list")) == 1
    assert trial.json("outbox", "list") == []


def test_robots_and_strangers_to_the_desk_are_as_at_the_door(trial: Trial, tmp_path: Path) -> None:
    archive = write_mbox(
        tmp_path / "old.mbox",
        [
            mail(1, "Auto-Submitted: auto-replied"),
            mail(2, to="somebody@elsewhere.example"),
            mail(3, "Delivered-To: billing+refund@desk.example", to="undisclosed-recipients:;"),
            b"Authentication-Results: mx.desk.example; dmarc=fail header.from=client.example\n" + mail(4),
        ],
    )
    assert trial.json("import", "mbox", str(archive))[0]["held"] == 2
    found = trial.json("mail", "list")
    assert [row["state"] for row in found] == ["held", "done", "done", "held"]
    assert [row["topic"] for row in trial.json("ticket", "list")] == [None, "refund"]
    assert trial.json("outbox", "list") == []


def test_only_mail_since_a_day_is_taken_and_letters_are_written_if_asked(trial: Trial, tmp_path: Path) -> None:
    archive = write_mbox(tmp_path / "old.mbox", [mail(1), mail(2)])
    told = trial.json("import", "mbox", str(archive), "--since", "2023-11-15", "--send")
    assert told[0] == {"read": 1, "new": 1, "known": 0, "skipped": 1, "held": 0, "tickets": 1}
    assert [letter["to"] for letter in trial.json("outbox", "list")] == [
        "billing-team@office.example", "p2@client.example",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("mbox", "{0}/none"), 66, "{0}/none: No such file or directory"),
        (("mbox", "{0}/text"), 65, '{0}/text: not an mbox file: it does not begin with a "From " line'),
        (("maildir", "{0}"), 65, "{0}: not a Maildir: it has no directories cur and new"),
        (("mbox", "{0}/empty", "--category", "sales"), 64, "there is no category 'sales'"),
        (("mbox", "{0}/empty", "--since", "May"), 64, "Invalid value for '--since'"),
    ],
)
def test_what_is_no_archive_is_named(
    trial: Trial, tmp_path: Path, arguments: tuple[str, ...], status: int, words: str
) -> None:
    (tmp_path / "text").write_text("Dear all,\n")
    (tmp_path / "empty").touch()
    ended, told = trial.refused("import", *(each.format(tmp_path) for each in arguments))
    assert ended == status
    assert words.format(tmp_path) in told


@pytest.mark.system
def test_a_daemon_beside_it_changes_nothing(make_trial: MakeTrial, sink: SmtpSink, tmp_path: Path) -> None:
    archive = write_mbox(tmp_path / "old.mbox", (mail(number) for number in range(100)))
    with make_trial(relay=sink.url) as desk:
        told = desk.json("import", "mbox", str(archive))
        assert told[0] == {"read": 100, "new": 100, "known": 0, "skipped": 0, "held": 0, "tickets": 100}
        assert {row["state"] for row in desk.json("mail", "list")} == {"done"}
        assert desk.json("outbox", "list") == []
    assert sink.letters == []


@pytest.mark.soak
def test_ten_thousand_come_in_at_a_hundred_a_second(trial: Trial, tmp_path: Path) -> None:
    archive = write_mbox(tmp_path / "old.mbox", (mail(number) for number in range(10_000)))
    started = time.monotonic()
    told = trial.json("import", "mbox", str(archive))
    took = time.monotonic() - started
    assert (told[0]["new"], told[0]["tickets"]) == (10_000, 10_000)
    assert took < 100
    started = time.monotonic()
    assert trial.json("import", "mbox", str(archive))[0]["known"] == 10_000
    assert time.monotonic() - started < took / 2
