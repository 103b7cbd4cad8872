"""`maild init` looks at a mailbox at a provider: a real Dovecot, and a relay that hands letters to it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from maild.cli.finding import Finding
from maild.cli.init_config import Learned
from maild.cli.init_mailbox import Account, explore, read_server
from maild.cli.init_questions import toml
from maild.config import load
from maild.core.errors import Unreachable
from maild.mailbox.protocol import LoginRefused
from tests.cli.conftest import REST, MakeTrial, run_here
from tests.dovecot import PASSWORD, SUPPORT, Dovecot, dovecot
from tests.mailbox.desks import mailbox
from tests.postman import Postman
from tests.smtpsink import SmtpSink

MAIL = (
    b"Authentication-Results: mx.t.invalid; dmarc=pass header.from=a.example\r\n"
    b"Received: from out.a.example by mx.t.invalid with ESMTPS; Mon, 23 Nov 2026 12:00:00 +0000\r\n"
    b"From: ivan@a.example\r\nTo: support@t.invalid\r\nSubject: Hello\r\nMessage-ID: <%d@a.example>\r\n\r\nWords.\r\n"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot(SUPPORT) as running:
        for number in range(4):
            running.deliver(MAIL % number)
        yield running


@pytest.fixture
def relay(sink: SmtpSink, server: Dovecot) -> SmtpSink:
    sink.takes_logins = True
    sink.letters = Postman(server)
    return sink


@pytest.fixture
def account(server: Dovecot, relay: SmtpSink) -> Account:
    place = read_server(f"localhost:{server.imaps}")
    return Account(place, SUPPORT, SUPPORT, PASSWORD, relay.url, server.ca_file, patience=10)


def explored(account: Account) -> tuple[Learned, dict[str, tuple[str, str]]]:
    told: list[Finding] = []
    learned = explore(account, toml, told.append)
    return learned, {finding.what: (finding.level, finding.words) for finding in told}


def test_a_provider_that_can_everything_is_used_to_the_full(account: Account, server: Dovecot) -> None:
    learned, found = explored(account)
    assert {level for level, _ in found.values()} == {"ok"}
    assert (learned.subaddress, learned.verp) == ("true", "true")
    assert learned.folders == 'folders = {sent = "Sent"}\n'
    assert 'authserv_id = "mx.t.invalid"\n' in learned.trust
    assert found["folders"][1] == "sent is Sent, spam is Junk"
    assert found["plus"][1] == "mail to plus-addresses arrives (INBOX)"
    with server.client() as program:
        _, [there] = program.uid("SEARCH", "ALL")
    assert len(there.split()) == 4, "the trial mails are deleted"


def test_what_a_provider_cannot_is_switched_off(account: Account, relay: SmtpSink) -> None:
    assert isinstance(relay.letters, Postman)
    relay.letters.knows_plus = False
    relay.answer("mail", "553 5.7.1 not your address", to=f"{SUPPORT.partition('@')[0]}+", prefix=True)
    learned, found = explored(replace(account, patience=1.5))
    assert (learned.subaddress, learned.verp) == ("false", "false")
    assert found["sender"][1] == "the relay wants the mailbox as envelope sender: outbound.verp = false"
    assert "does not arrive: desk.subaddress = false" in found["plus"][1]
    assert found["trial"][0] == "ok"


def test_what_does_not_come_back_is_an_error(account: Account, sink: SmtpSink, server: Dovecot) -> None:
    sink.letters = []
    learned, found = explored(replace(account, patience=0.5))
    assert (learned.subaddress, learned.verp, found["trial"][0]) == ("false", "false", "error")
    sink.answer("rcpt", "550 5.1.1 no such user")
    assert explored(replace(account, patience=0.5))[1]["relay"][0] == "error"


def test_without_a_trial_nothing_is_sent(account: Account, relay: SmtpSink) -> None:
    learned, found = explored(replace(account, patience=0))
    assert (learned.subaddress, learned.verp) == ("false", "false")
    assert found["trial"][0] == "warning"
    assert relay.letters == []


def test_whoever_is_not_let_in_learns_nothing(account: Account) -> None:
    with pytest.raises(LoginRefused):
        explored(replace(account, password="wrong"))
    with pytest.raises(Unreachable):
        explored(replace(account, server=read_server("127.0.0.1:1")))


def test_with_another_mailbox_for_support_this_one_is_only_read(
    server: Dovecot, relay: SmtpSink, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    options = {
        "mailbox": SUPPORT, "imap": f"localhost:{server.imaps}", "relay": relay.url, "ca-file": str(server.ca_file),
        "password-file": str(tmp_path / "password"), "team": "anna@office.example", "patience": "10",
    }  # fmt: skip
    ran = run_here("init", str(tmp_path / "desk"), *(f"--{name}={value}" for name, value in options.items()))
    assert ran.returncode == 0, ran.stdout
    config = load(tmp_path / "desk/config.toml")
    [box] = config.imap
    assert (box.role, box.password(), box.folders.sent) == ("intake", PASSWORD, "Sent")
    assert (config.trust.authserv_id, config.outbound.verp, config.desk.subaddress) == (("mx.t.invalid",), True, True)
    assert not (tmp_path / "desk/password").exists()


def test_a_login_that_fails_writes_nothing(server: Dovecot, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong\n")
    options = ("--mailbox", SUPPORT, "--ca-file", str(server.ca_file), "--password-file", str(tmp_path / "password"))
    ran = run_here("init", str(tmp_path / "desk"), "--imap", f"localhost:{server.imaps}", *options)
    assert (ran.returncode, ran.stdout) == (75, "")
    assert ran.stderr.startswith("maild: localhost: ")
    assert not (tmp_path / "desk").exists()


def checked(make_trial: MakeTrial, box: str, trust: str) -> list[str]:
    """What `check` says of the mailbox."""
    trial = make_trial(rest=f'{REST.partition("[trust]")[0]}[trust]\nauthserv_id = "{trust}"\n{box}')
    (trial.folder / "password").write_text(PASSWORD)
    lines = trial.cli("check").stdout.splitlines()
    return [f"{line[:8].strip()} {line[20:].partition(': ')[2]}" for line in lines if line[9:].startswith("imap:")]


def test_check_looks_at_mailboxes(make_trial: MakeTrial, server: Dovecot) -> None:
    box = mailbox(server, category="billing")
    first, second = checked(make_trial, box, "mx.t.invalid")
    assert first == f"ok localhost:{server.imaps} takes {SUPPORT}, INBOX can be read, spam is Junk"
    assert second.startswith("ok of the last ")
    assert "mx.t.invalid (4)" in second
    assert checked(make_trial, box, "mx.elsewhere.example")[1].startswith("warning of the last ")
    [closed] = checked(make_trial, box.replace(SUPPORT, "nobody@t.invalid"), "mx.t.invalid")
    assert closed.startswith("error localhost: ")
    [gone] = checked(make_trial, box.replace("category =", 'folder = "Nowhere"\ncategory ='), "mx.t.invalid")
    assert gone.startswith("error ")
    assert "Nowhere" in gone


@pytest.mark.parametrize(
    "name", ["imap://imap.example.com", "smtp://example.com", "imap.example.com/INBOX", "imaps://"]
)
def test_what_is_no_server_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"server|loopback"):
        read_server(name)
