"""Load for crash tests: clients that send mail after mail, each again and again until its 250 has been read."""

import itertools
import random
import smtplib
import sqlite3
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Self

from tests.servers import MaildProcess, until
from tests.smtpsink import SmtpSink
from tests.system.people import BILLING, TEAM, verdict

_MAIL = """\
Authentication-Results: {verdict}\r
From: {address}\r
To: {to}\r
Subject: Question {number}\r
Message-ID: <{message_id}>\r
Content-Type: text/plain; charset=utf-8\r
\r
Please help with question {number}.\r
{filler}\r
"""


class Senders:
    """Client threads, from `with` to its end. `taken` are the Message-IDs whose 250 has been read."""

    def __init__(self, desk: MaildProcess, clients: int, total: int | None = None, start: int = 1) -> None:
        self.taken: dict[str, str] = {}  # Message-ID -> author
        self._desk = desk
        self._numbers = itertools.count(start)
        self._total = total
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)

    def finish(self, seconds: float) -> None:
        """Wait until all mails have been taken."""
        until(lambda: not any(thread.is_alive() for thread in self._threads), "all mails are taken", seconds)

    def wait(self, more: int, seconds: float = 30) -> None:
        """Wait until so many more mails have been taken."""
        goal = len(self.taken) + more
        until(lambda: len(self.taken) >= goal, f"{more} more mails are taken", seconds)

    def _run(self) -> None:
        client: smtplib.SMTP | None = None
        while not self._stopped.is_set():
            number = next(self._numbers)
            if self._total is not None and number > self._total:
                break
            message_id, address = f"{number}.load@client{number}.example", f"person@client{number}.example"
            while not self._stopped.is_set():
                try:
                    client = client or smtplib.SMTP("127.0.0.1", self._desk.port("smtp"), "load.example", timeout=20)
                    client.sendmail(address, [BILLING], _content(number, message_id, address))
                    self.taken[message_id] = address
                    break
                except (OSError, KeyError):  # the desk is down; SMTPException is an OSError, KeyError: no port yet
                    if client is not None:
                        client.close()
                    client = None
                    self._stopped.wait(0.02)
        if client is not None:
            client.close()


def _content(number: int, message_id: str, address: str) -> bytes:
    filler = "x" * 70 if number % 7 else "\r\n".join(["y" * 70] * 800)  # every seventh is large
    fields = {"verdict": verdict(address), "address": address, "to": BILLING, "message_id": message_id}
    return _MAIL.format(number=number, filler=filler, **fields).encode()


def kill_and_restart(desk: MaildProcess, senders: Senders, times: int) -> list[float]:
    """kill -9 in the middle of the work, again and again; how long each restart took to `maild ready`, in seconds."""
    random_moment = random.Random(times)
    took: list[float] = []
    for _ in range(times):
        senders.wait(random_moment.randrange(3, 25))
        desk.kill9()
        desk.doors = {}
        began = time.monotonic()
        desk.start()
        took.append(time.monotonic() - began)
    return took


def assert_nothing_lost_nothing_doubled(desk: MaildProcess, sink: SmtpSink, senders: Senders) -> None:
    """What a crash must never do: lose a mail that was answered 250, make two of it, or write a letter anew."""
    mails = desk.json("mail", "list")
    by_id = [mail["message_id"] for mail in mails]
    assert len(by_id) == len(set(by_id))
    assert senders.taken.keys() <= set(by_id)
    assert {mail["state"] for mail in mails} == {"done"}
    tickets = [mail["ticket"] for mail in mails]
    assert len(set(tickets)) == len(tickets) == len(desk.json("ticket", "list"))

    customers = {mail["ticket"]: mail["from"] for mail in mails}
    rows: dict[int, list[str]] = defaultdict(list)
    for letter in desk.json("outbox", "list"):
        rows[letter["ticket"]].append(letter["to"])
    assert rows.keys() == customers.keys()
    assert all(sorted(to) == sorted([TEAM, customers[number]]) for number, to in rows.items())

    contents: dict[str, set[bytes]] = defaultdict(set)
    identifiers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for taken in list(sink.letters):
        message_id = str(taken.message["Message-ID"])
        contents[message_id].add(taken.content)
        identifiers[str(taken.message["X-Maild-Ticket"]), taken.rcpt_tos[0]].add(message_id)
    assert all(len(each) == 1 for each in contents.values())
    assert all(len(each) == 1 for each in identifiers.values())
    assert len(contents) == 2 * len(mails)


def quick_check(folder: Path) -> str:
    """What SQLite finds when it looks through the whole database."""
    connection = sqlite3.connect(folder / "maild.db")
    try:
        return str(connection.execute("PRAGMA quick_check").fetchone()[0])
    finally:
        connection.close()


def all_work_done(desk: MaildProcess, seconds: float) -> None:
    """Wait until no mail is spooled and no letter queued."""

    def is_idle() -> bool:
        return not (desk.json("outbox", "list", "--state", "queued") or desk.json("mail", "list", "--state", "spooled"))

    until(is_idle, "all mails are settled and all letters sent", seconds)
