"""Working days in a mailbox: support with real mail programs on a real Dovecot, customers with swaks."""

import imaplib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.dovecot import PASSWORD, Dovecot, dovecot
from tests.servers import MaildProcess, require, until
from tests.smtpsink import SmtpSink
from tests.system.people import (
    BILLING,
    BORDER,
    IVAN,
    NO_BUDGET,
    TEAM,
    TRUSTED_PEER,
    all_of,
    last_to,
    links_in,
    submit,
    swaks,
    ticket,
    verdict,
    write,
)

pytestmark = pytest.mark.system

_DESK = f"""\
[trust]
authserv_id = "{BORDER}"
{NO_BUDGET}
[[category]]
key = "billing"
title = "Billing"
address = "{BILLING}"
team = ["{{team}}"]
[[category]]
key = "tech"
title = "Technical"
address = "tech@desk.example"
team = ["{{team}}"]
folder = "Tickets/Tech"
[[imap]]
name = "queue"
role = "{{role}}"
host = "localhost"
port = {{port}}
ca_file = "{{ca_file}}"
username = "{{team}}"
password_file = "password"
move_delay = "1s"
category = "billing"
"""
VERDICT = f"Authentication-Results: {verdict(IVAN)}"


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot(TEAM, BILLING) as running:
        yield running


def working(server: Dovecot, folder: Path, role: str = "team", team: str = TEAM) -> str:
    """What `rest` of a MaildProcess is whose support works in that mailbox."""
    (folder / "password").write_text(PASSWORD)
    return _DESK.format(team=team, role=role, port=server.imaps, ca_file=server.ca_file)


class Program:
    """A mail program of support's."""

    def __init__(self, connection: imaplib.IMAP4) -> None:
        self.connection = connection

    def messages(self, folder: str) -> list[EmailMessage]:
        """What lies in a folder; nothing if there is no such folder."""
        if self.connection.select(f'"{folder}"')[0] != "OK":
            return []
        uids = self.connection.uid("SEARCH", "ALL")[1][0].split()
        found = [self.connection.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0] for uid in uids]
        # One that somebody moves away meanwhile is not there any more.
        return [message_from_bytes(each[1], policy=policy.default) for each in found if isinstance(each, tuple)]

    def count(self, folder: str) -> int:
        """How many messages lie in a folder; -1 if there is no such folder."""
        answer, found = self.connection.select(f'"{folder}"')
        return int(found[0] or 0) if answer == "OK" else -1

    def wait(self, folder: str, count: int) -> list[EmailMessage]:
        """Until so many messages lie there."""
        until(lambda: self.count(folder) == count, f"{count} messages in {folder}")
        return self.messages(folder)

    def move(self, source: str, target: str) -> None:
        """The first message."""
        self.connection.select(f'"{source}"')
        uid = self.connection.uid("SEARCH", "ALL")[1][0].split()[0].decode()
        assert self.connection.uid("MOVE", uid, f'"{target}"')[0] == "OK"


def text_in(message: EmailMessage) -> str:
    """Its plain text."""
    body = message.get_body(("plain",))
    return str(body.get_content()) if body else ""


@contextmanager
def program_in(server: Dovecot, user: str = TEAM) -> Iterator[Program]:
    with imaplib.IMAP4("127.0.0.1", server.imap) as connection:
        connection.login(user, PASSWORD)
        yield Program(connection)


class Mbsync:
    """The mailbox as Maildirs, brought in line by `mbsync` (isync): moves are made on disk."""

    def __init__(self, server: Dovecot, folder: Path) -> None:
        require("mbsync")
        self.maildirs = folder / "maildirs"
        self.maildirs.mkdir()
        self._rc = folder / "mbsyncrc"
        password = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        self._rc.write_text(
            f'IMAPAccount a\nHost localhost\nPort {server.imaps}\nUser {TEAM}\nPass "{password}"\nSSLType IMAPS\n'
            f"CertificateFile {server.ca_file}\n\nIMAPStore r\nAccount a\n\nMaildirStore l\nPath {self.maildirs}/\n"
            f"Inbox {self.maildirs}/INBOX\nSubFolders Verbatim\n\nChannel c\nFar :r:\nNear :l:\nPatterns *\n"
            "Create Near\nExpunge Both\nSyncState *\n"
        )

    def sync(self) -> None:
        ran = subprocess.run(
            ["mbsync", "-c", str(self._rc), "-a"], check=False, capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, ran.stderr

    def move(self, source: str, target: str) -> None:
        """As a file manager would: mbsync's own mark in the name belongs to the old folder."""
        found = [path for part in ("cur", "new") for path in (self.maildirs / source / part).iterdir()]
        name = found[0].name.partition(",U=")[0]
        shutil.move(found[0], self.maildirs / target / "cur" / f"{name}:2,S")


def test_a_working_day(server: Dovecot, folder: Path, start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(smtp=TRUSTED_PEER, rest=working(server, folder))
    swaks(desk, "Где мой счёт?", fields=(VERDICT, "Subject: Invoice"))
    with program_in(server) as program:
        [letter] = program.wait("Tickets/New", 1)
        assert "[#1]" in str(letter["Subject"])
        assert not sink.to(TEAM), "the team's letters are filed, not sent"

        # mbsync moves it to Solved: the customer gets the solved letter with its links, other letters follow
        swaks(desk, "И ещё.", fields=(VERDICT, "Subject: Re: [#1] Invoice"))
        program.wait("Tickets/New", 2)
        isync = Mbsync(server, folder)
        isync.sync()
        isync.move("Tickets/New", "Tickets/Solved")
        isync.sync()
        solved = last_to(sink, IVAN, 2)
        assert len(links_in(solved)) == 2
        program.wait("Tickets/Solved", 2)
        assert ticket(desk)["status"] == "solved"
        assert ("solved", "by_move") in [(event["event"], event["reason"]) for event in ticket(desk)["events"]]

        # he is not content; an answer is written outside maild
        write(desk, "Не решено.", answers=solved)
        program.wait("Tickets/New", 3)
        outside = (
            f"From: Support <{TEAM}>\r\nTo: {IVAN}\r\nSubject: Re: [#1] Invoice\r\nMessage-ID: <outside@office.example>"
            "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nВот он.\r\n"
        )
        program.connection.append("Sent", r"(\Seen)", None, outside.encode())
        program.wait("Tickets/Pending", 3)
        assert len(sink.to(IVAN)) == 2
        write(
            desk, "Спасибо, но сумма не та?", subject="Re: Invoice", fields={"In-Reply-To": "<outside@office.example>"}
        )
        newest = next(each for each in program.wait("Tickets/New", 4) if "сумма не та" in text_in(each))

        # an answer to a letter of the queue is relayed once, though its copy lies in Sent as well
        to = str(newest["From"].addresses[0].addr_spec)
        for words in ["Исправили.", "Исправили.\r\n-- \r\nOffice"]:  # what the provider's server adds on its way
            reply = (
                f"Authentication-Results: {verdict(TEAM)}\r\nFrom: {TEAM}\r\nTo: {to}\r\nSubject: Re: [#1] Invoice\r\n"
                f"Message-ID: <relayed@office.example>\r\nIn-Reply-To: {newest['Message-ID']}\r\n"
                f"Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
            )
            if words == "Исправили.":
                program.connection.append("Sent", r"(\Seen)", None, reply.encode())
            else:
                submit(desk, reply.encode(), TEAM, to)
        answer = last_to(sink, IVAN, 3)
        assert "Исправили." in all_of(answer)

        # no hand closes, and what is deleted changes nothing
        program.wait("Tickets/Pending", 4)
        program.move("Tickets/Pending", "Tickets/Closed")
        program.wait("Tickets/Closed", 0)
        program.wait("Tickets/Pending", 4)
        program.move("Tickets/Pending", "Tickets/Tech")
        program.wait("Tickets/Tech", 4)
        assert (ticket(desk)["category"], ticket(desk)["status"]) == ("tech", "open")
        program.move("Tickets/Tech", "Tickets/Spam")
        program.wait("Tickets/Spam", 4)
    shown = ticket(desk)
    assert shown["status"] == "closed"
    said = [(message["role"], message["reply"].strip()) for message in shown["messages"]]
    assert ("agent", "Вот он.") in said
    assert [role for role, text in said if "Исправили." in text] == ["agent"]
    assert len(sink.to(IVAN)) == 3
    assert {row["state"] for row in desk.json("mail", "list")} == {"done"}


@pytest.mark.soak
def test_killed_at_any_moment_every_letter_lies_there_once(
    server: Dovecot, folder: Path, start_maild: StartMaild
) -> None:
    desk = start_maild(smtp=TRUSTED_PEER, rest=working(server, folder))
    asked = 0
    for pause in (0.3, 0.8):
        for _ in range(3):
            asked += 1
            write(desk, "Где мой счёт?", sender=f"client{asked}@firma.example", subject=f"Question {asked}")
        _wait(pause)
        desk.kill9()
        desk.start()
    with program_in(server) as program:
        program.wait("Tickets/New", asked)
        until(lambda: not _queued(desk), "nothing to file")
        subjects = [str(each["Subject"]) for each in program.messages("Tickets/New")]
        assert len(subjects) == len(set(subjects)) == asked
        program.move("Tickets/New", "Tickets/Solved")
        program.move("Tickets/New", "Tickets/Pending")
        _wait(1.2)
        desk.kill9()
        desk.start()
        until(lambda: _statuses(desk) == ["new"] * (asked - 2) + ["pending", "solved"], "both moves are obeyed")
        assert [len(program.messages(f"Tickets/{name}")) for name in ("New", "Pending", "Solved")] == [asked - 2, 1, 1]


def _statuses(desk: MaildProcess) -> list[str]:
    return sorted(row["status"] for row in desk.json("ticket", "list"))


def _wait(seconds: float) -> None:

    threading.Event().wait(seconds)


def _queued(desk: MaildProcess) -> list[object]:
    return [row for row in desk.json("outbox", "list") if row["state"] == "queued" and row["to"] == TEAM]


def test_a_desk_in_one_mailbox(server: Dovecot, folder: Path, start_maild: StartMaild, sink: SmtpSink) -> None:
    rest = working(server, folder, role="desk", team=BILLING)
    desk = start_maild(desk="subaddress = false", outbound="verp = false", rest=rest)
    until(lambda: any(row["last_sweep"] for row in desk.json("imap", "status")), "the mailbox is swept")
    fields = f"{VERDICT}\r\nReceived: from x by {BORDER}; Mon, 23 Nov 2026 12:00:00 +0000\r\n"
    question = (
        f"{fields}From: {IVAN}\r\nTo: {BILLING}\r\nSubject: Invoice\r\nMessage-ID: <q1@firma.example>\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nГде мой счёт?\r\n"
    )
    server.deliver(question.encode(), to=BILLING, sender=IVAN)
    with program_in(server, BILLING) as program:
        letters = program.wait("Tickets/New", 2)
        assert program.wait("INBOX", 0) == []
        assert sorted(str(each["Message-ID"]) == "<q1@firma.example>" for each in letters) == [False, True]
        own = next(each for each in letters if str(each["Message-ID"]) != "<q1@firma.example>")

        # support answers maild's letter, by the provider: the mail comes in here, its copy lies in Sent
        reply = (
            f"From: {BILLING}\r\nTo: {BILLING}\r\nSubject: Re: {own['Subject']}\r\nMessage-ID: <a1@desk.example>\r\n"
            f"In-Reply-To: {own['Message-ID']}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nВот он.\r\n"
        )
        program.connection.append("Sent", r"(\Seen)", None, reply.encode())
        server.deliver(reply.encode(), to=BILLING, sender=BILLING)
        assert "Вот он." in all_of(last_to(sink, IVAN, 2))
        program.wait("INBOX", 0)
        until(lambda: ticket(desk)["status"] == "pending", "pending")

        # or the customer's own mail, which never comes by maild
        outside = (
            f"From: {BILLING}\r\nTo: {IVAN}\r\nSubject: Re: Invoice\r\nMessage-ID: <a2@desk.example>\r\n"
            "In-Reply-To: <q1@firma.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nИ копия.\r\n"
        )
        program.connection.append("Sent", r"(\Seen)", None, outside.encode())
        until(lambda: len(ticket(desk)["messages"]) == 3, "the answer is known")
        back = (
            f"{fields}From: {IVAN}\r\nTo: {BILLING}\r\nSubject: Re: Invoice\r\nMessage-ID: <q2@firma.example>\r\n"
            "In-Reply-To: <a2@desk.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nБлагодарю, а сумма?\r\n"
        )
        server.deliver(back.encode(), to=BILLING, sender=IVAN)
        until(lambda: ticket(desk)["status"] == "open", "open again")
        program.wait("INBOX", 0)
    assert [row["number"] for row in desk.json("ticket", "list")] == [1]
    assert len(sink.to(IVAN)) == 2
    assert not sink.to(BILLING)
    assert {row["state"] for row in desk.json("mail", "list")} == {"done"}
