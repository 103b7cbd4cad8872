"""docs/postfix.md, followed to the letter with a real Postfix: only ports and directories are other ones."""

import re
import shutil
import smtplib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest

from tests.servers import ROOT, MaildProcess, Postfix, free_port, postfix, until
from tests.smtpsink import SmtpSink
from tests.system.people import IVAN, TEAM, events, last_to, settled

pytestmark = pytest.mark.system

DOC = (ROOT / "docs/postfix.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```\n# (.+)\n((?:.*\n)*?)```$", DOC, re.MULTILINE))
MAIN, TRANSPORT = BLOCKS["/etc/postfix/main.cf"], BLOCKS["/etc/postfix/transport"]
UNIX_TRANSPORT = BLOCKS["/etc/postfix/transport, for the unix socket"]
CONFIG = BLOCKS["/etc/maild/config.toml"]
SOCKET = "/run/maild-lmtp.sock"
BORDER = "mx.desk.example"
GENUINE = f"{BORDER}; dmarc=pass header.from=firma.example"
OUTSIDE = "127.0.0.2"  # a client that is not in mynetworks


def settings(block: str) -> dict[str, str]:
    """The lines of a main.cf."""
    return {key.strip(): value.strip() for key, value in (line.split("=", 1) for line in block.splitlines() if line)}


@dataclass(frozen=True, slots=True)
class Pair:
    """Postfix and the maild behind it."""

    relay: Postfix
    desk: MaildProcess
    sink: SmtpSink

    def client(self) -> smtplib.SMTP:
        """Somebody on the net."""
        return smtplib.SMTP("127.0.0.1", self.relay.port, "client.example", timeout=120, source_address=(OUTSIDE, 0))

    def write(self, sender: str, author: str = IVAN, *, to: str = "billing@desk.example", forged: str = "") -> None:
        mail = EmailMessage()
        if forged:
            mail["Authentication-Results"] = forged
        mail["From"], mail["To"], mail["Subject"] = author, to, "Where is my invoice?"
        mail["Message-ID"] = f"<{sender}.{bool(forged)}@client.example>"
        mail.set_content("It has not come.")
        with self.client() as client:
            assert client.send_message(mail, sender, [to]) == {}


@contextmanager
def pair(
    folder: Path,
    sink: SmtpSink,
    *,
    transport: str = TRANSPORT,
    config: str = CONFIG,
    main: Mapping[str, str] | None = None,
) -> Iterator[Pair]:
    """Both as the document says; every other domain is the sink's. Each learns the port of the other."""
    lmtp = free_port()
    (nexthop,) = re.findall(r"^desk\.example (\S+)$", transport.replace("2424", str(lmtp)), re.MULTILINE)
    given = settings(MAIN)
    del given["transport_maps"]  # the test server writes the same table elsewhere
    local = {"mynetworks": "127.0.0.1/32", "address_verify_poll_delay": "1s", **(main or {})}
    world = f"smtp:[127.0.0.1]:{sink.port}"
    transports = {"desk.example": nexthop.replace(SOCKET, f"{folder}/lmtp.sock"), "*": world}
    with postfix(transports, {**given, **local}) as relay:
        desk = MaildProcess(folder, sink.url)
        text = config.replace("/var/lib/maild", ".").replace("2424", str(lmtp)).replace(':25"', f':{relay.port}"')
        desk.config.write_text(f"{text}[http]\nlisten = []\n")
        with desk:
            yield Pair(relay, desk, sink)


def test_mail_to_the_desk_is_verified_first_and_delivered(folder: Path, sink: SmtpSink) -> None:
    with pair(folder, sink) as both:
        with both.client() as client:
            client.ehlo()
            assert client.mail(IVAN)[0] == 250
            code, reply = client.rcpt("nobody@desk.example")
            assert (code, b"5.1.1" in reply) == (550, True), reply
            assert client.rcpt("billing@desk.example")[0] == 250
            assert client.rcpt("billing+refund@desk.example")[0] == 250
            code, reply = client.rcpt("somebody@elsewhere.example")
            assert (code, b"5.7.1" in reply) == (554, True), reply
        assert both.desk.json("mail", "list") == [], "asking about an address creates nothing"
        assert both.desk.json("ticket", "list") == []

        both.write(IVAN)
        (mail,) = settled(both.desk, 1)
        assert (mail["door"], mail["ticket"], mail["trust"]) == ("lmtp", 1, "unverified")
        assert "It has not come." in last_to(sink, TEAM, 1).message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert "from 127.0.0.2" in both.desk.log(), "XFORWARD names the client of Postfix"


def test_a_bounce_comes_back_to_the_right_ticket(folder: Path, sink: SmtpSink) -> None:
    with pair(folder, sink) as both:
        both.write(IVAN)
        settled(both.desk, 1)  # Postfix may hand on two mails in either order
        both.write("olga@kunde.example", "olga@kunde.example")
        settled(both.desk, 2)
        until(lambda: sink.to("olga@kunde.example"), "the acknowledgement still reaches her")
        sink.answer("rcpt", "550 5.1.1 no such user", to="olga@kunde.example")
        both.desk.cli("ticket", "reply", "1", "--text", "On its way.")
        both.desk.cli("ticket", "reply", "2", "--text", "On its way.")
        until(lambda: ("bounce", "5.1.1") in events(both.desk, 2), "the bounce is recorded")
        assert [event for event, _ in events(both.desk, 1)] == ["opened", "agent_answered"]
        bounce = settled(both.desk, 3)[-1]
        assert (bounce["kind"], bounce["ticket"], bounce["state"]) == ("bounce", 2, "done")
        told = until(
            lambda: [one for one in sink.to(TEAM) if "olga@kunde.example" in one.content.decode()], "the team is told"
        )
        assert any("5.1.1" in one.content.decode() for one in told)
        answers = [row for row in both.desk.json("outbox", "list") if row["to"] == "olga@kunde.example"]
        assert (answers[-1]["state"], answers[-1]["last_reply"]) == ("failed", "bounced 5.1.1")


def stamping(folder: Path) -> dict[str, str]:
    """Stands for a filter: writes the field on top of what Ivan's own server sends, and on nothing else."""
    table = folder / "stamp"
    table.write_text(f"{IVAN} PREPEND Authentication-Results: {GENUINE}\n")
    return {"smtpd_sender_restrictions": f"check_sender_access texthash:{table}"}


def test_only_what_our_own_border_wrote_makes_an_author_verified(folder: Path, sink: SmtpSink) -> None:
    with pair(folder, sink, main=stamping(folder)) as both:
        both.write(IVAN)
        both.write("mallory@evil.example", IVAN, forged=GENUINE)
        mails = settled(both.desk, 2)
        assert [(mail["from"], mail["trust"]) for mail in mails] == [(IVAN, "verified"), (IVAN, "unverified")]
        raw = both.desk.cli("mail", "raw", "2").stdout
        assert raw.index("Received:") < raw.index("Authentication-Results:"), "the forged one lies below"


def test_beside_an_impostor_only_the_real_agent_reaches_the_customer(folder: Path, sink: SmtpSink) -> None:
    """Both answer the same letter; the impostor has all of it, and a verdict of his own making."""
    table = folder / "stamp"
    passed = f"{BORDER}; dmarc=pass header.from=office.example"
    table.write_text(f"{TEAM} PREPEND Authentication-Results: {passed}\n")
    with pair(folder, sink, main={"smtpd_sender_restrictions": f"check_sender_access texthash:{table}"}) as both:
        both.write(IVAN)
        notification = until(lambda: sink.to(TEAM), "the team is told")[0].message

        def answer(words: str, sender: str, *forged: str) -> None:
            mail = EmailMessage()
            for field in forged:
                mail["Authentication-Results"] = field
            mail["From"], mail["To"], mail["Subject"] = TEAM, notification["From"], f"Re: {notification['Subject']}"
            mail["In-Reply-To"], mail["Message-ID"] = (
                notification["Message-ID"],
                f"<{words.split(maxsplit=1)[0]}@office.example>",
            )
            mail.set_content(words)
            with both.client() as client:
                assert client.send_message(mail, sender, [parseaddr(notification["From"])[1]]) == {}

        answer("Pay to another account.", "mallory@evil.example", passed)
        settled(both.desk, 2)
        answer("Here it is.", TEAM)
        impostor, agent = settled(both.desk, 3)[1:]
        assert (impostor["state"], impostor["reason"]) == ("held", "claims to be an agent, not verified")
        assert (agent["state"], agent["trust"], agent["ticket"]) == ("done", "verified", 1)
        letters = until(lambda: sink.to(IVAN) if len(sink.to(IVAN)) > 1 else [], "the customer has his answer")
        contents = [letter.content.decode() for letter in letters]
        assert "Here it is." in contents[-1]
        assert not any("another account" in content for content in contents)


def test_a_filter_that_writes_below_needs_postfix_to_take_forged_fields_out(folder: Path, sink: SmtpSink) -> None:
    checks = folder / "header_checks"
    checks.write_text(BLOCKS["/etc/postfix/header_checks"])
    main = settings(BLOCKS["/etc/postfix/main.cf, for a filter that writes below"])
    main["header_checks"] = main["header_checks"].replace("/etc/postfix/header_checks", str(checks))
    config = CONFIG.replace("[trust]\n", '[trust]\nposition = "below"\n')
    with pair(folder, sink, config=config, main=main) as both:
        both.write("mallory@evil.example", IVAN, forged=GENUINE)
        (mail,) = settled(both.desk, 1)
        assert mail["trust"] == "unverified"
        assert "Authentication-Results" not in both.desk.cli("mail", "raw", "1").stdout


def test_over_a_unix_socket_postfix_is_believed_without_being_named(folder: Path, sink: SmtpSink) -> None:
    unit = (ROOT / "systemd/maild-lmtp.socket").read_text()
    assert f"ListenStream={SOCKET}\nSocketUser=postfix\nSocketMode=0600\n" in unit
    config = CONFIG.replace('trusted_peers = ["127.0.0.1"]\n', "").replace("127.0.0.1:2424", f"unix:{folder}/lmtp.sock")
    with pair(folder, sink, transport=UNIX_TRANSPORT, config=config, main=stamping(folder)) as both:
        shutil.chown(folder / "lmtp.sock", "postfix")  # as SocketUser does
        both.write(IVAN)
        (mail,) = settled(both.desk, 1)
        assert (mail["door"], mail["trust"]) == ("lmtp", "verified")
        assert "from 127.0.0.2" in both.desk.log()


def test_the_document_names_real_files() -> None:
    assert {"/etc/postfix/main.cf", "/etc/postfix/transport", "/etc/maild/config.toml"} <= BLOCKS.keys()
    for path in re.findall(r"`(tests/\S+\.py|systemd/\S+)`", DOC):
        assert (ROOT / path).is_file(), path
