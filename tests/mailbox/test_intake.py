"""The real program reads a mailbox on a real Dovecot: every mail is a ticket, exactly once, whatever happens."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.conftest import StartMaild
from tests.dovecot import BILLING, SUPPORT, Dovecot, dovecot
from tests.mailbox.desks import mail, mailbox, questions, reading
from tests.servers import MaildProcess, free_port, until

pytestmark = pytest.mark.system


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


def wait_swept(desk: MaildProcess, *names: str) -> None:
    """Until these mailboxes have been swept."""
    until(lambda: set(names) <= {row["mailbox"] for row in desk.json("imap", "status") if row["last_sweep"]}, "sweeps")


def missing(maild: MaildProcess) -> list[object]:
    return [(row["on_server"], row["in_ledger"], row["missing"]) for row in maild.json("imap", "reconcile")]


def test_a_delivery_becomes_a_ticket_within_seconds(server: Dovecot, folder: Path, start_maild: StartMaild) -> None:
    server.deliver(mail(1))
    desk = start_maild(rest=reading(folder, mailbox(server)))
    wait_swept(desk, "support")
    started = time.monotonic()
    server.deliver(mail(2))
    wait_for(desk, 1)
    assert time.monotonic() - started < 20, "not with the next sweep, nor when IDLE is renewed"
    assert questions(desk) == ["Question 2"]
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


def wait_for(desk: MaildProcess, count: int) -> None:
    """Until that many mails are tickets, by the log: to ask the program costs a process each time."""
    until(
        lambda: len(set(re.findall(r"mail (\d+): done ticket", desk.log()))) >= count, f"{count} mails are tickets", 90
    )


def play_faults(server: Dovecot, desk: MaildProcess, count: int) -> None:
    """Mails come while maild is killed, the server restarted, connections are cut and another program deletes mail."""
    wait_swept(desk, "support")
    for number in range(1, count + 1):
        server.deliver(mail(number, body="A line of text.\r\n" * (5000 if number % 7 == 0 else 1)))
        match number // 5 % 6 if number % 5 == 0 else 0:
            case 1:
                desk.kill9()
            case 2:
                desk.start()
            case 3:
                server.cut()
            case 4:
                server.stop()
                server.start()
            case 5:
                wait_for(desk, number)
                with server.client() as program:  # what is in the ledger may go
                    program.store("1", "+FLAGS", "\\Deleted")
                    program.expunge()
    expected = sorted(f"Question {number}" for number in range(1, count + 1))
    wait_for(desk, count)
    assert questions(desk) == expected
    assert {row["state"] for row in desk.json("mail", "list")} == {"done"}
    left = count - count // 30
    assert missing(desk) == [(left, left, [])]
    letters = [row["to"] for row in desk.json("outbox", "list") if "@customer" in str(row["to"])]
    assert len(letters) == len(set(letters)) == count, "one acknowledgement each"


def test_every_mail_is_a_ticket_once_whatever_happens(server: Dovecot, folder: Path, start_maild: StartMaild) -> None:
    desk = start_maild(rest=reading(folder, mailbox(server)))
    play_faults(server, desk, 30)
    assert desk.stop() == 0


@pytest.mark.soak
def test_three_hundred_mails_are_three_hundred_tickets(server: Dovecot, folder: Path, start_maild: StartMaild) -> None:
    desk = start_maild(rest=reading(folder, mailbox(server)))
    play_faults(server, desk, 300)


def test_several_mailboxes_are_read_at_once(server: Dovecot, folder: Path, start_maild: StartMaild) -> None:
    """One is moved from, the other has a server that is away: that is told, and keeps nobody up."""
    desk = start_maild(
        rest=reading(
            folder,
            mailbox(server, more='after = "move:Taken/Мир"'),
            mailbox(server, "billing", BILLING, "billing"),
            mailbox(server, "away", SUPPORT, "billing", port=free_port()),
        )
    )
    wait_swept(desk, "support", "billing")
    server.deliver(mail(1))
    server.deliver(mail(2, BILLING), BILLING)
    server.deliver(mail(3, SUPPORT), BILLING)
    wait_for(desk, 3)
    kept = {ticket["subject"]: ticket["category"] for ticket in desk.json("ticket", "list")}
    assert kept == {"Question 1": "tech", "Question 2": "billing", "Question 3": "billing"}
    with server.client(folder="Taken/&BBwEOARA-") as program:
        until(lambda: program.search(None, "ALL")[1] == [b"1"], "the mail is moved")
    health = json.loads(urlopen(f"http://{desk.doors['ops']}/health", timeout=60).read())
    assert health["status"] == "degraded"
    assert {name: state["ok"] for name, state in health["mailboxes"].items()} == {
        "support": True,
        "billing": True,
        "away": False,
    }
    metrics = urlopen(f"http://{desk.doors['ops']}/metrics", timeout=60).read().decode()
    assert 'maild_mailbox_up{mailbox="away"} 0.0' in metrics
    assert 'maild_mailbox_up{mailbox="support"} 1.0' in metrics
    compared = desk.cli("imap", "reconcile", "--json")
    assert compared.returncode == 75
    assert [json.loads(line)["missing"] for line in compared.stdout.splitlines()] == [[], []]
    assert "maild: away: " in compared.stderr
    started = time.monotonic()
    assert desk.stop() == 0
    assert time.monotonic() - started < 10
    assert "secret" not in desk.log()
    assert "Question" not in desk.log()
