"""README's "From a shared mailbox at your provider in five minutes", with a real Dovecot and a relay that knows it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dovecot import PASSWORD, SUPPORT, Dovecot, dovecot
from tests.mailbox.desks import mail
from tests.postman import Postman
from tests.servers import MAILD, ROOT, MaildProcess, free_port, until
from tests.smtpsink import SmtpSink

pytestmark = pytest.mark.system

GENUINE = b"Authentication-Results: mx.t.invalid; dmarc=pass header.from=customer.example\r\n"
BORDER = b"Received: from x by mx.t.invalid with ESMTPS; Mon, 23 Nov 2026 12:00:00 +0000\r\n"


@pytest.fixture
def server() -> Iterator[Dovecot]:
    """A mailbox with some old mail in it, which somebody vouches for."""
    with dovecot(SUPPORT) as running:
        for number in range(3):
            running.deliver(GENUINE + BORDER + mail(number))
        yield running


@pytest.fixture
def relay(sink: SmtpSink, server: Dovecot) -> SmtpSink:
    sink.takes_logins = True
    sink.letters = Postman(server)
    return sink


def initialised(folder: Path, server: Dovecot, relay: SmtpSink, *more: str) -> str:
    """What README's first command says; only names and ports are other ones."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^    maild (init desk .* --imap .*)$", readme, re.MULTILINE)
    command = line.replace("support@example.com", SUPPORT).replace("imap.example.com", f"localhost:{server.imaps}")
    (folder / "password").write_text(f"{PASSWORD}\n")
    here = ("--relay", relay.url, "--ca-file", str(server.ca_file), "--patience", "15")
    ran = subprocess.run(
        [*MAILD, *command.split(), *here, *more],
        check=False, capture_output=True, text=True, cwd=folder, timeout=60, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return ran.stdout


def test_support_reads_elsewhere(folder: Path, server: Dovecot, relay: SmtpSink) -> None:
    said = initialised(folder, server, relay, "--team", "anna@office.example")
    levels = {line[:8].strip() for line in said.splitlines() if re.match(r"(ok|warning|error) ", line)}
    assert levels == {"ok"}, said
    text = (folder / "desk/config.toml").read_text()
    assert 'authserv_id = "mx.t.invalid"' in text
    assert 'role = "intake"' in text
    secret = (folder / "desk/secret").read_text()
    desk = MaildProcess(folder / "desk", relay.url)
    desk.config.write_text(text.replace("8080", str(free_port())))
    (folder / "desk/secret").write_text(secret)
    with desk:
        until(lambda: any(row["last_sweep"] for row in desk.json("imap", "status")), "the mailbox is read")
        server.deliver(GENUINE + BORDER + mail(7))
        until(lambda: len(relay.letters) == 4, "letters to Anna and to the customer", 20)
        [ticket] = desk.json("ticket", "list")
        assert ticket["subject"] == "Question 7"
        [row] = desk.json("mail", "list")
        assert (row["door"], row["trust"]) == ("imap", "verified")
        assert {letter.rcpt_tos for letter in relay.letters[2:]} == {
            ("anna@office.example",), ("client7@customer.example",),
        }  # fmt: skip
