"""Load for crash tests: clients that send mail after mail, each again and again until its 250 has been read."""

import itertools
import os
import random
import smtplib
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.servers import MaildProcess, until
from tests.smtpsink import HANG_UP, Mood, Phase, SmtpSink
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
    """Client threads, from `with` to its end. `taken` are the Message-IDs whose 250 has been read.

    `desks` are nodes of one desk: a client whose node is down goes on at another one. `refused` counts other replies.
    After each mail a client pauses for so many seconds.
    """

    def __init__(
        self, *desks: MaildProcess, clients: int, total: int | None = None, start: int = 1, pause: float = 0
    ) -> None:
        self.taken: dict[str, str] = {}  # Message-ID -> author
        self.refused: Counter[int] = Counter()
        self._desks = itertools.cycle(desks)
        self._numbers = itertools.count(start)
        self._total, self._pause = total, pause
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

    def wait(self, more: int, seconds: float = 120) -> None:
        """Wait until so many more mails have been taken."""
        goal = len(self.taken) + more
        until(lambda: len(self.taken) >= goal, f"{more} more mails are taken", seconds)

    def wait_refused(self, more: int, seconds: float = 120) -> None:
        """Wait until so many more mails have been put off."""
        goal = self.refused.total() + more
        until(lambda: self.refused.total() >= goal, f"{more} more mails are put off", seconds)

    def _run(self) -> None:
        client: smtplib.SMTP | None = None
        while not self._stopped.is_set():
            number = next(self._numbers)
            if self._total is not None and number > self._total:
                break
            message_id, address = f"{number}.load@client{number}.example", f"person@client{number}.example"
            while not self._stopped.is_set():
                try:
                    client = client or self._connected()
                    client.sendmail(address, [BILLING], _content(number, message_id, address))
                    self.taken[message_id] = address
                    self._stopped.wait(self._pause)
                    break
                except (OSError, KeyError) as error:  # SMTPException is an OSError; KeyError: the desk has no port yet
                    if isinstance(error, smtplib.SMTPResponseException):
                        self.refused[error.smtp_code] += 1
                    if client is not None:
                        client.close()
                    client = None
                    self._stopped.wait(0.02)
        if client is not None:
            client.close()

    def _connected(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", next(self._desks).port("smtp"), "load.example", timeout=60)


def _content(number: int, message_id: str, address: str) -> bytes:
    filler = "x" * 70 if number % 7 else "\r\n".join(["y" * 70] * 800)  # every seventh is large
    fields = {"verdict": verdict(address), "address": address, "to": BILLING, "message_id": message_id}
    return _MAIL.format(number=number, filler=filler, **fields).encode()


def kill_and_restart(desks: Sequence[MaildProcess], senders: Senders, times: int) -> list[float]:
    """kill -9 in the middle of the work, again and again, one node after the other, every tenth again while it starts.

    What each restart to `maild ready` cost, in seconds of one core: a busy machine may make it take longer.
    """
    chance = random.Random(times)
    took: list[float] = []
    for number in range(times):
        desk = desks[number % len(desks)]
        senders.wait(chance.randrange(3, 25))
        _kill(desk)
        if number % 10 == 9:
            desk.launch()
            time.sleep(chance.random())  # until some moment of the start
            _kill(desk)
        desk.start()
        took.append(_cpu_seconds(desk.pid))
    return took


def _cpu_seconds(pid: int) -> float:
    """What a process has cost so far: utime and stime of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kill(desk: MaildProcess) -> None:
    desk.kill9()
    desk.doors = {}


def is_unwanted(address: str) -> bool:
    """Whom a relay in a bad mood never writes to: every tenth customer."""
    return address.partition(".example")[0].endswith("0") and address != TEAM


def bad_mood(seed: int) -> Mood:
    """A relay that is slow, says 4yz and 421, refuses some people for good, and hangs up after letters it has taken."""
    chance = random.Random(seed)

    def say(phase: Phase, to: str) -> tuple[str, float] | None:
        dice = chance.random()
        if phase == "rcpt" and is_unwanted(to):
            return "554 5.7.1 we do not want this", 0
        if phase == "mail" and dice < 0.02:
            return "421 4.3.2 closing", 0
        if phase == "rcpt" and dice < 0.06:
            return "451 4.3.0 later", 0
        if phase != "dot":
            return None
        if dice < 0.12:
            return (HANG_UP if dice < 0.07 else "452 4.3.1 no room"), 0
        return ("250 2.0.0 taken", dice) if dice > 0.7 else None

    return say


def no_more_tempers(sink: SmtpSink) -> None:
    """Only the unwanted are still refused."""
    sink.mood = lambda phase, to: ("554 5.7.1 not wanted", 0) if phase == "rcpt" and is_unwanted(to) else None


def assert_nothing_lost_nothing_doubled(
    desk: MaildProcess, sink: SmtpSink, senders: Senders, *, was_moody: bool = False
) -> None:
    """What a crash must never do: lose a mail that was answered 250, make two of it, or write a letter anew.

    `was_moody`: the relay refused the unwanted, of which the team has been told by a letter for each.
    """
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
    due = {number: [TEAM, customer] for number, customer in customers.items()}
    for number, customer in customers.items():
        due[number] += [TEAM] if was_moody and is_unwanted(customer) else []
    assert {number: sorted(to) for number, to in rows.items()} == {number: sorted(to) for number, to in due.items()}

    contents: dict[str, set[bytes]] = defaultdict(set)
    identifiers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for taken in list(sink.letters):
        message_id = str(taken.message["Message-ID"])
        contents[message_id].add(taken.content)
        identifiers[str(taken.message["X-Maild-Ticket"]), taken.rcpt_tos[0]].add(message_id)
    assert all(len(each) == 1 for each in contents.values()), "the same bytes at every attempt"
    taken_of = {key: len(each) for key, each in identifiers.items()}
    assert taken_of == Counter(
        (str(number), to) for number, all_to in due.items() for to in all_to if not (was_moody and is_unwanted(to))
    )


def quick_check(folder: Path) -> str:
    """What SQLite finds when it looks through the whole database."""
    connection = sqlite3.connect(folder / "maild.db")
    try:
        return str(connection.execute("PRAGMA quick_check").fetchone()[0])
    finally:
        connection.close()


def all_work_done(desk: MaildProcess, seconds: float = 240) -> None:
    """Wait until no mail is spooled and no letter queued."""

    def is_idle() -> bool:
        return not (desk.json("outbox", "list", "--state", "queued") or desk.json("mail", "list", "--state", "spooled"))

    until(is_idle, "all mails are settled and all letters sent", seconds)
