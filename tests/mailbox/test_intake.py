"""The real program reads a mailbox on a real Dovecot: every mail is a ticket, exactly once, whatever happens."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.dovecot import Dovecot, dovecot
from tests.mailbox.desks import mail, mailbox, questions, reading
from tests.servers import MaildProcess, until

pytestmark = pytest.mark.system


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


def is_waiting(maild: MaildProcess, name: str = "support") -> bool:
    """Has the mailbox been swept?"""
    return any(row["mailbox"] == name and row["last_sweep"] for row in maild.json("imap", "status"))


def missing(maild: MaildProcess) -> list[object]:
    return [(row["on_server"], row["in_ledger"], row["missing"]) for row in maild.json("imap", "reconcile")]


def test_a_delivery_becomes_a_ticket_within_seconds(server: Dovecot, folder: Path, start_maild: StartMaild) -> None:
    server.deliver(mail(1))
    desk = start_maild(rest=reading(folder, mailbox(server)))
    until(lambda: is_waiting(desk), "the mailbox is swept")
    started = time.monotonic()
    server.deliver(mail(2))
    until(lambda: questions(desk) == ["Question 2"], "the ticket", 10)
    assert time.monotonic() - started < 3
    [row] = desk.json("mail", "list")
    assert row["door"] == "imap"
    assert row["state"] == "done"
    [ticket] = desk.json("ticket", "list")
    assert ticket["category"] == "tech"
    assert missing(desk) == [(1, 1, [])]
    assert desk.stop() == 0
    assert missing(desk) == [(1, 1, [])]
    server.deliver(mail(3))
    assert missing(desk) == [(2, 1, [3])]
