"""Nothing that people write, and no secret, is in the log, on a command line, in the environment or in metrics."""

import socket
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.servers import SECRET, MaildProcess, until
from tests.smtpsink import SmtpSink
from tests.system.browser import ask, press
from tests.system.people import ANNA, BILLING, IVAN, TEAM, links_in, settled, token_addresses_in, trusting, write

pytestmark = pytest.mark.system

SUBJECT, QUESTION, ANSWER, NOTE = "канарейкатема", "канарейкавопрос", "канарейкаответ", "канарейказаметка"
FILE = "canaryfile"


def talk_rudely(desk: MaildProcess) -> None:
    """Words where none belong, and a mail that is refused."""
    lines = [
        FILE, f"EHLO {FILE}", f"MAIL FROM:<{FILE}@x", f"RCPT TO:<{FILE}@{FILE}>", "MAIL FROM:<a@b.example>",
        f"RCPT TO:<{BILLING}>", "DATA", f"Subject: {SUBJECT}\n{QUESTION}", ".", "QUIT", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", desk.port("smtp")), 10) as client:
        assert client.recv(4096).startswith(b"220")
        client.sendall("\r\n".join(lines).encode())
        replies = b"".join(iter(lambda: client.recv(4096), b""))
    assert b"\r\n554 5.6.0" in replies


def test_no_word_of_a_conversation_leaves_its_letters(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting(), is_fresh=True)
    write(desk, QUESTION, subject=SUBJECT)
    acknowledgement, notification = sink.wait(IVAN)[0], sink.wait(TEAM)[0]
    write(desk, f"{ANSWER}\n#заметка\n{NOTE}", sender=ANNA, answers=notification)
    answer = sink.wait(IVAN, 2)[-1]
    write(desk, f"{QUESTION} ещё", answers=answer, fields={"X-Canary": FILE})
    write(desk, QUESTION, sender="mallory@evil.example", subject=f"{SUBJECT} [#1]", result="fail")
    write(desk, f"#{ANSWER}", sender=ANNA, answers=notification)
    settled(desk, 5)
    desk.cli("ticket", "reply", "1", "--text", "-", stdin=ANSWER)
    until(lambda: len(desk.json("outbox", "list")) >= 5, "the letters are written")

    link = links_in(answer)[0]
    press(link)
    for path in (link[:-1], f"{link}x", f"{link}?{FILE}={FILE}", f"{link.rpartition('/a/')[0]}/{FILE}"):
        ask("POST", path, form={"nonce": FILE, "words": ANSWER})
    talk_rudely(desk)

    letters = [acknowledgement, notification, answer]
    tokens = {
        address.partition("+")[2].partition("@")[0] for letter in letters for address in token_addresses_in(letter)
    }
    links = {link.rpartition("/a/")[2] for letter in letters for link in links_in(letter)}
    assert tokens
    canaries = [SUBJECT, QUESTION, ANSWER, NOTE, FILE, SECRET, *tokens, *links]
    process = Path(f"/proc/{desk.pid}")
    places = {
        "log": desk.log(),
        "command line": (process / "cmdline").read_text(errors="replace"),
        "environment": (process / "environ").read_text(errors="replace"),
    }
    assert places["log"]
    for place, text in places.items():
        found = [canary for canary in canaries if canary.lower() in text.lower()]
        assert found == [], f"in the {place}"
    assert "1" in places["log"], "ids are what a log is for"
