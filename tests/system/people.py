"""The people around a desk: customers and agents with real mail programs, and a relay's letters as they read them."""

import re
import smtplib
import subprocess
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from email.utils import formataddr, make_msgid, parseaddr
from pathlib import Path
from typing import Any

from tests.servers import MaildProcess, require, until
from tests.smtpsink import Letter, SmtpSink

BORDER = "mx.desk.example"
IVAN = "ivan@firma.example"
ANNA = "anna@office.example"
TEAM = "billing-team@office.example"
BILLING = "billing@desk.example"
NO_BUDGET = (
    "[budgets]\nper_address_hour = 1000000\nper_address_day = 1000000\nper_domain_hour = 1000000\nper_hour = 1000000\n"
)
AGENT = f'[[agent]]\naddress = "{ANNA}"\nname = "Анна Смирнова"\n'
CATEGORIES = f"""\
[[category]]
key = "billing"
title = {{ru = "Счета", en = "Billing"}}
address = "{BILLING}"
team = ["{TEAM}"]
"""
TRUSTED_PEER = 'trusted_peers = ["127.0.0.1"]'

_LINK = re.compile(r"https?://[^\s\"'<>]+/a/[^\s\"'<>]+")
_TOKEN_ADDRESS = re.compile(r"[\w.-]+\+t\d+\.[a-z2-7]{16}@[\w.-]+", re.IGNORECASE)


def trusting(more: str = "") -> dict[str, Any]:
    """Options of a desk behind a border host that it believes, without budgets; `more` are further tables."""
    trust = f'[trust]\nauthserv_id = "{BORDER}"\n'
    return {"smtp": TRUSTED_PEER, "rest": f"{trust}{more}{NO_BUDGET}{AGENT}{CATEGORIES}"}


def verdict(address: str, result: str = "pass") -> str:
    """What the border host writes about a sender (RFC 8601)."""
    return f"{BORDER}; dmarc={result} header.from={parseaddr(address)[1].rpartition('@')[2]}"


def submit(desk: MaildProcess, raw: bytes, sender: str, *recipients: str) -> None:
    """Hand over a mail by SMTP; fails unless it is taken for all of them."""
    with smtplib.SMTP("127.0.0.1", desk.port("smtp"), "client.example", timeout=120) as client:
        assert client.sendmail(sender, recipients or (BILLING,), raw) == {}


def write(
    desk: MaildProcess,
    words: str,
    *,
    sender: str = IVAN,
    to: str = BILLING,
    subject: str = "Не приходит счёт",
    answers: Letter | None = None,
    fields: Mapping[str, str] | None = None,
    result: str = "pass",
) -> str:
    """Write a mail, or answer a letter; the Message-ID. `result` is the border host's verdict, "" for no word of it."""
    mail = EmailMessage()
    if result:
        mail["Authentication-Results"] = verdict(sender, result)
    mail["From"], mail["Message-ID"] = sender, make_msgid(domain="client.example")
    if answers is not None:
        to, subject = answer_address(answers), f"Re: {answers.message['Subject']}"
        mail["In-Reply-To"] = str(answers.message["Message-ID"])
    mail["To"], mail["Subject"] = to, subject
    for name, value in (fields or {}).items():
        mail[name] = value
    mail.set_content(words)
    submit(desk, mail.as_bytes(policy=mail.policy.clone(linesep="\r\n")), parseaddr(sender)[1], to)
    return str(mail["Message-ID"]).strip("<>")


def swaks(desk: MaildProcess, words: str, *, sender: str = IVAN, to: str = BILLING, fields: Iterable[str] = ()) -> None:
    """A customer's mail by swaks. `fields` are header lines beside From, To and Date."""
    require("swaks")
    lines = ("Content-Type: text/plain; charset=utf-8", f"Message-ID: {make_msgid(domain='swaks.example')}", *fields)
    command = ["swaks", "--server", "127.0.0.1", "--port", str(desk.port("smtp")), "--from", sender, "--to", to]
    for line in lines:
        command += ["--header", line]
    ran = subprocess.run([*command, "--body", words], check=False, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout


def mutt(
    desk: MaildProcess,
    words: str,
    answers: Letter,
    folder: Path,
    *,
    sender: str = ANNA,
    name: str = "Анна Смирнова",
    attach: Path | None = None,
) -> None:
    """An agent answers a letter with mutt, as it comes to her mailbox: the reply quotes it."""
    require("mutt")
    quoted = "".join(f"> {line}\n" for line in text_of(answers).splitlines())
    draft = folder / "draft.eml"
    # As mutt's own editor shows a reply: header fields in plain UTF-8, the new words above the quote.
    draft.write_text(
        f"Authentication-Results: {verdict(sender)}\n"
        f"From: {formataddr((name, sender), 'utf-8')}\n"
        f"To: {answer_address(answers)}\n"
        f"Subject: Re: {answers.message['Subject']}\n"
        f"In-Reply-To: {answers.message['Message-ID']}\n\n"
        f"{words}\n\nOn {answers.message['Date']}, {answers.message['From']} wrote:\n{quoted}"
    )
    smtp_url = f"smtp://127.0.0.1:{desk.port('smtp')}"
    settings = (
        f'set smtp_url="{smtp_url}"',
        f'set envelope_from_address="{sender}"',
        "set use_envelope_from=yes",
        "set ssl_starttls=no",
        "set ssl_force_tls=no",
        "set copy=no",
        "set edit_headers=yes",
        'set send_charset="utf-8"',
    )
    command = ["mutt", "-F", "/dev/null", "-n", *(word for line in settings for word in ("-e", line))]
    command += ["-H", str(draft), *(["-a", str(attach)] if attach else [])]
    environment = {"HOME": str(folder), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "dumb"}
    ran = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, env=environment
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def answer_address(letter: Letter) -> str:
    """Where a plain Reply goes."""
    return parseaddr(str(letter.message["Reply-To"] or letter.message["From"]))[1]


def text_of(letter: Letter) -> str:
    """The plain text of a letter."""
    part = letter.message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def all_of(letter: Letter) -> str:
    """Everything a reader or his mail program can find in a letter: envelope, header, every text, names of files."""
    message = letter.message
    found = [letter.mail_from, *(f"{name}: {value}" for name, value in message.items())]
    for part in message.walk():
        found.append(str(part.get_filename() or ""))
        if part.get_content_maintype() == "text":
            found.append(str(part.get_content()))
    return "\n".join(found)


def links_in(letter: Letter) -> list[str]:
    """The action links of a letter, each once: solved, then continue."""
    return list(dict.fromkeys(_LINK.findall(text_of(letter)) + _LINK.findall(all_of(letter))))


def token_addresses_in(letter: Letter) -> set[str]:
    """The reply addresses with a token anywhere in a letter."""
    return set(_TOKEN_ADDRESS.findall(all_of(letter)))


def ticket(desk: MaildProcess, number: int = 1) -> dict[str, Any]:
    """`ticket show` of a ticket."""
    return desk.json("ticket", "show", str(number))[0]


def events(desk: MaildProcess, number: int = 1) -> list[tuple[str, str | None]]:
    """The history of a ticket: events and reasons."""
    return [(event["event"], event["reason"]) for event in ticket(desk, number)["events"]]


def settled(desk: MaildProcess, count: int, seconds: float = 120) -> list[dict[str, Any]]:
    """`mail list`, as soon as there are so many mails and none of them waits."""

    def look() -> list[dict[str, Any]]:
        mails = desk.json("mail", "list")
        return mails if len(mails) >= count and all(mail["state"] != "spooled" for mail in mails) else []

    return until(look, f"{count} mails are settled", seconds)


def all_sent(desk: MaildProcess, count: int, seconds: float = 120) -> list[dict[str, Any]]:
    """`outbox list`, as soon as there are so many letters and all of them have been sent."""

    def look() -> list[dict[str, Any]]:
        letters = desk.json("outbox", "list")
        return letters if len(letters) >= count and all(letter["state"] == "sent" for letter in letters) else []

    return until(look, f"{count} letters are sent", seconds)


def last_to(sink: SmtpSink, address: str, count: int) -> Letter:
    """The letter of that count to a recipient, once it is there; there must not be more."""
    found = sink.wait(address, count)
    assert len(found) == count, [letter.message["Subject"] for letter in found]
    return found[-1]
