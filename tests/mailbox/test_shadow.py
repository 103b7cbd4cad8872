"""A mailbox in shadow on a real Dovecot: told, and left as it is. What lies there can be imported."""

from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.dovecot import SUPPORT, Dovecot, dovecot
from tests.mailbox.desks import mail, mailbox, questions, reading
from tests.servers import MaildProcess, until
from tests.smtpsink import SmtpSink

pytestmark = pytest.mark.system

AWAY = mail(3).replace(b"Subject:", b"Auto-Submitted: auto-replied\r\nSubject:")


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot(SUPPORT) as running:
        running.deliver(mail(1))
        running.deliver(mail(2, to="billing@desk.example"))
        running.deliver(AWAY)
        yield running


def author(number: int) -> str:
    """Who wrote that mail."""
    return str(message_from_bytes(mail(number))["From"]).partition("<")[2].rstrip(">")


def unseen(server: Dovecot) -> int:
    with server.client() as program:
        return len(program.uid("SEARCH", "UNSEEN")[1][0].split())


def told(maild: MaildProcess) -> list[str]:
    return [line.partition(" shadow support: ")[2] for line in maild.log().splitlines() if " shadow support: " in line]


def test_what_would_happen_is_told_and_nothing_does(
    server: Dovecot, folder: Path, start_maild: StartMaild, sink: SmtpSink
) -> None:
    desk = start_maild(rest=reading(folder, mailbox(server, more="shadow = true")))
    rows = desk.json("imap", "shadow")
    assert [(row["uid"], row["ticket"], row["category"], row["held"], row["from"]) for row in rows[:3]] == [
        (1, 0, "tech", False, author(1)),
        (2, 0, "billing", False, author(2)),
        (3, None, None, True, author(3)),
    ]
    assert [letter["letter"] for letter in rows[0]["letters"]] == ["new_ticket", "acknowledgement_minimal"]
    assert desk.json("imap", "shadow", "support", "--last", "1")[0]["uid"] == rows[-1]["uid"]
    until(lambda: "mailbox support: connected" in desk.log(), "the daemon looks")
    number = 10

    def is_told() -> bool:
        nonlocal number
        number += 1
        server.deliver(mail(number))
        return any("would go to a new ticket in tech (new question; unverified)" in line for line in told(desk))

    until(is_told, "the log tells of a new mail")
    assert desk.json("mail", "list") == desk.json("ticket", "list") == desk.json("outbox", "list") == []
    assert sink.letters == []
    assert unseen(server) >= 4
    assert desk.stop() == 0


def test_what_lies_in_a_mailbox_is_imported_in_silence(
    server: Dovecot, folder: Path, start_maild: StartMaild, sink: SmtpSink
) -> None:
    desk = start_maild(rest=reading(folder, mailbox(server, more="shadow = true")))
    before = unseen(server)
    told = desk.json("import", "imap", "support")[0]
    assert told["new"] == before
    assert {"Question 1", "Question 2"} <= set(questions(desk))
    assert {row["door"] for row in desk.json("mail", "list")} == {"import"}
    assert desk.json("import", "imap", "support")[0] == {**told, "new": 0, "known": before, "held": 0, "tickets": 0}
    assert unseen(server) == before
    assert sink.letters == []
    missing = desk.cli("import", "imap", "nobody")
    assert (missing.returncode, missing.stderr) == (65, "maild: there is no [[imap]] of the name nobody\n")
    assert desk.stop() == 0
