"""The far ends that other tests rely on do what those tests ask of them."""

import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import Clock, postfix, says
from tests.smtpsink import HANG_UP, SmtpSink

LETTER = "Subject: Hello\r\n\r\n.dots\r\n..\r\nbye\r\n"


def send(port: int, *recipients: str) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=60) as client:
        return client.sendmail("anna@customer.example", recipients, LETTER)


def test_the_relay_keeps_letters_to_the_letter(sink: SmtpSink) -> None:
    assert send(sink.port, "a@x.example", "B@x.example") == {}
    assert sink.letters[0].mail_from == "anna@customer.example"
    assert sink.letters[0].rcpt_tos == ("a@x.example", "B@x.example")
    assert sink.letters[0].content == LETTER.encode()
    assert sink.wait("b@x.example")[0].message["Subject"] == "Hello"


def test_the_relay_refuses_whom_it_is_told_to(sink: SmtpSink) -> None:
    sink.answer("rcpt", "550 5.1.1 gone", to="gone@x.example")
    sink.answer("rcpt", "450 4.2.1 later", to="slow@x.example", times=1)
    refused = send(sink.port, "a@x.example", "gone@x.example", "slow@x.example")
    assert {address: code for address, (code, _) in refused.items()} == {"gone@x.example": 550, "slow@x.example": 450}
    assert send(sink.port, "slow@x.example") == {}
    assert [letter.rcpt_tos for letter in sink.letters] == [("a@x.example",), ("slow@x.example",)]


def test_the_relay_fails_in_any_phase(sink: SmtpSink) -> None:
    sink.answer("dot", "451 4.3.0 disk", times=1)
    with pytest.raises(smtplib.SMTPDataError, match="disk"):
        send(sink.port, "a@x.example")
    sink.answer("connect", "421 4.3.2 busy", times=1)
    with pytest.raises(smtplib.SMTPConnectError):
        send(sink.port, "a@x.example")
    sink.slow("mail", 0.05)
    assert sink.letters == []
    assert send(sink.port, "a@x.example") == {}


def test_the_relay_hangs_up_after_the_dot_and_has_the_letter(sink: SmtpSink) -> None:
    sink.answer("dot", HANG_UP)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(sink.port, "a@x.example")
    assert len(sink.letters) == 1
    sink.forget()
    assert send(sink.port, "a@x.example") == {}


def test_the_relay_comes_back_on_its_port(sink: SmtpSink) -> None:
    sink.stop()
    assert not says(sink.port, b"220")
    sink.start()
    assert send(sink.port, "a@x.example") == {}


@pytest.mark.system
def test_postfix_delivers_to_the_relay(sink: SmtpSink) -> None:
    with postfix({"*": f"smtp:[127.0.0.1]:{sink.port}"}) as server:
        assert send(server.port, "a@x.example") == {}
        assert sink.wait("a@x.example")[0].message["Subject"] == "Hello"


@pytest.mark.system
def test_the_clock_travels_in_a_running_program(folder: Path) -> None:
    clock = Clock(folder)
    program = "import time; time.sleep(0.01)\nwhile input(): print(int(time.time()), flush=True)"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=clock.environment
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write("now\n")
        before = int(running.stdout.readline())
        clock.travel("+49h")
        running.stdin.write("now\n")
        after = int(running.stdout.readline())
        running.stdin.write("\n")
    assert 49 * 3600 <= after - before < 49 * 3600 + 60
