"""README's "From a shared mailbox at your provider in five minutes", with a real Dovecot and a relay that knows it."""

import re
import subprocess
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.dovecot import PASSWORD, SUPPORT, Dovecot, dovecot
from tests.mailbox.desks import mail
from tests.postman import Postman
from tests.servers import MAILD, ROOT, MaildProcess, free_port, until
from tests.smtpsink import SmtpSink

pytestmark = pytest.mark.system

BORDER = b"Received: from x by mx.t.invalid with ESMTPS; Mon, 23 Nov 2026 12:00:00 +0000\r\n"


def author_of(number: int) -> str:
    """Who wrote that mail."""
    return str(message_from_bytes(mail(number))["From"]).partition("<")[2].rstrip(">")


def genuine(number: int) -> bytes:
    """A customer's mail as the provider's border host hands it on."""
    domain = author_of(number).partition("@")[2]
    return f"Authentication-Results: mx.t.invalid; dmarc=pass header.from={domain}\r\n".encode() + BORDER + mail(number)


@pytest.fixture
def server() -> Iterator[Dovecot]:
    """A mailbox with some old mail in it, which somebody vouches for."""
    with dovecot(SUPPORT) as running:
        for number in range(3):
            running.deliver(genuine(number))
        yield running


@pytest.fixture
def relay(sink: SmtpSink, server: Dovecot) -> SmtpSink:
    sink.takes_logins = True
    sink.letters = Postman(server)
    return sink


def initialised(folder: Path, server: Dovecot, relay: SmtpSink) -> str:
    """What README's first command says; only names and ports are other ones."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^    maild (init desk .* --imap .*)$", readme, re.MULTILINE)
    command = line.replace("support@example.com", SUPPORT).replace("imap.example.com", f"localhost:{server.imaps}")
    (folder / "password").write_text(f"{PASSWORD}\n")
    here = ("--relay", relay.url, "--ca-file", str(server.ca_file), "--patience", "15")
    ran = subprocess.run(
        [*MAILD, *command.split(), *here],
        check=False, capture_output=True, text=True, cwd=folder, timeout=60, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return ran.stdout


def serving(folder: Path, relay: SmtpSink) -> MaildProcess:
    """What README's second command starts, at another port."""
    config, secret = folder / "desk/config.toml", folder / "desk/secret"
    written = config.read_text(), secret.read_text()
    desk = MaildProcess(folder / "desk", relay.url)
    config.write_text(written[0].replace("8080", str(free_port())))
    secret.write_text(written[1])
    return desk


def in_folder(server: Dovecot, name: str) -> list[bytes]:
    """UIDs of the messages in a folder, none if it is not there."""
    with server.client() as program:
        if program.select(f'"{name}"')[0] != "OK":
            program.select("INBOX")
            return []
        found: list[bytes] = program.uid("SEARCH", "ALL")[1][0].split()
        return found


def test_support_works_in_the_same_mailbox(folder: Path, server: Dovecot, relay: SmtpSink) -> None:
    said = initialised(folder, server, relay)
    assert {line.split()[0] for line in said.splitlines() if re.match(r"(ok|warning|error) ", line)} == {"ok"}, said
    with serving(folder, relay) as desk:
        until(lambda: any(row["last_sweep"] for row in desk.json("imap", "status")), "the mailbox is read")
        server.deliver(genuine(7))
        [uid, *_] = until(lambda: in_folder(server, "Tickets/New"), "the question lies in Tickets/New")
        until(lambda: relay.letters[2:], "the acknowledgement")
        with server.client(folder="Tickets/New") as program:
            assert program.uid("MOVE", uid.decode(), '"Tickets/Solved"')[0] == "OK"
        until(lambda: desk.json("ticket", "list")[0]["status"] == "solved", "a move solves")
        until(lambda: len(relay.letters) == 4, "the solved letter")
        assert {letter.rcpt_tos for letter in relay.letters[2:]} == {(author_of(7),)}
        [row] = desk.json("mail", "list")
        assert (row["door"], row["trust"]) == ("imap", "verified")
        assert in_folder(server, "Tickets/New") == []
