"""A person logs in at the running desk to send; the certificate and who may log in change without a restart."""

import signal
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import StartMaild
from tests.mailin.tls import PASSWORD, certificate, client_context
from tests.servers import MaildProcess, until
from tests.system.people import ANNA, BILLING, IVAN, settled, trusting

pytestmark = pytest.mark.system

MAIL = f"From: {ANNA}\r\nTo: {BILLING}\r\nSubject: By hand\r\nMessage-ID: <by-hand@office.example>\r\n\r\nHello.\r\n"


@contextmanager
def logged_in(desk: MaildProcess, password: str) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", desk.port("smtp"), "client.example", timeout=120) as client:
        client.starttls(context=client_context())
        client.login(ANNA, password)
        yield client


def certificate_seen(desk: MaildProcess) -> bytes:
    with smtplib.SMTP("127.0.0.1", desk.port("smtp"), "client.example", timeout=120) as client:
        client.starttls(context=client_context())
        assert isinstance(client.sock, ssl.SSLSocket)
        return client.sock.getpeercert(binary_form=True) or b""


def test_who_has_logged_in_is_verified_and_still_no_relay(start_maild: StartMaild) -> None:
    desk = start_maild(**trusting())
    made, key = certificate(desk.folder)
    line = desk.cli("smtp", "password", ANNA, stdin=f"{PASSWORD}\n").stdout
    plain = desk.config.read_text()
    tls = f'[smtp]\ntls_cert = "{made.name}"\ntls_key = "{key.name}"\n'
    desk.config.write_text(plain.replace("[smtp]\n", tls) + f"\n[smtp.users]\n{line}")
    desk.signal(signal.SIGHUP)
    until(lambda: "reloaded agents" in desk.log(), "the certificate is there")

    with logged_in(desk, PASSWORD) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail(ANNA, [IVAN], MAIL)
        client.sendmail(ANNA, [BILLING], MAIL)
    assert settled(desk, 1)[0]["trust"] == "verified"
    with pytest.raises(smtplib.SMTPAuthenticationError), logged_in(desk, "guess"):
        pytest.fail("a guess is no password")

    seen = certificate_seen(desk)
    certificate(desk.folder)
    broken = desk.config.read_text()
    desk.config.write_text(broken.replace(key.name, "secret"))
    desk.signal(signal.SIGHUP)
    until(lambda: "not reloaded: smtp.tls_cert" in desk.log(), "a key that is none is refused")
    assert certificate_seen(desk) == seen
    desk.config.write_text(broken)
    desk.signal(signal.SIGHUP)
    until(lambda: certificate_seen(desk) != seen, "the new certificate is there")
    assert PASSWORD not in desk.log()
