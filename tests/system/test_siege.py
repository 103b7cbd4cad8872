"""Crowds that keep the door busy do not keep a mail out."""

import smtplib
import time

import pytest

from tests.conftest import StartMaild
from tests.servers import MaildProcess
from tests.system.people import BILLING, IVAN, settled
from tests.system.siege import peak_memory, siege

pytestmark = pytest.mark.system

MAIL = f"From: {IVAN}\r\nTo: {BILLING}\r\nSubject: hello\r\nMessage-ID: <%d@firma.example>\r\n\r\nHello.\r\n"


def seconds_to_send(desk: MaildProcess, number: int) -> float:
    """How long a patient server needs that comes again when it is told to come later."""
    began = time.monotonic()
    while time.monotonic() - began < 60:
        try:
            with smtplib.SMTP("127.0.0.1", desk.port("smtp"), "good.example", timeout=60) as client:
                client.sendmail("good@good.example", [BILLING], MAIL % number)
                return time.monotonic() - began
        except smtplib.SMTPException:
            time.sleep(0.2)  # as any server waits before it tries again
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("clients", "kinds"),
    [
        (600, ["silent", "greets", "half a command", "drips"]),
        (500, ["drips", "never sends"]),
        pytest.param(1500, ["silent", "greets", "half a command", "never sends", "drips"], marks=pytest.mark.soak),
        pytest.param(1000, ["drips"], marks=pytest.mark.soak),
    ],
)
def test_a_siege_keeps_no_mail_out(start_maild: StartMaild, clients: int, kinds: list[str]) -> None:
    desk = start_maild()
    before = peak_memory(desk)
    with siege(desk, clients, kinds):
        took = [seconds_to_send(desk, number) for number in range(5)]
        grown = peak_memory(desk) - before
    assert max(took) < 20, took
    assert grown < 100, grown
    assert [mail["state"] for mail in settled(desk, 5)] == ["done"] * 5
    assert desk.stop() == 0
    assert "Traceback" not in desk.log()
