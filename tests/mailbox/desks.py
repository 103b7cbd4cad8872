"""A desk whose mail comes in by IMAP, and the mails for it."""

from pathlib import Path

from tests.dovecot import PASSWORD, SUPPORT, Dovecot
from tests.servers import _CATEGORIES, MaildProcess

_MAILBOX = """\
[[imap]]
name = "{name}"
role = "intake"
host = "localhost"
port = {port}
tls = "{tls}"
{ca_file}
username = "{username}"
password_file = "password"
category = "{category}"
{more}
"""


def mailbox(
    server: Dovecot,
    name: str = "support",
    username: str = SUPPORT,
    category: str = "tech",
    more: str = "",
    port: int | None = None,
) -> str:
    """The lines of one [[imap]]; at another port there is no TLS."""
    return _MAILBOX.format(
        name=name,
        port=port or server.imaps,
        tls="none" if port else "implicit",
        ca_file="" if port else f'ca_file = "{server.ca_file}"',
        username=username,
        category=category,
        more=more,
    )


def reading(folder: Path, *mailboxes: str) -> str:
    """What `rest` of a MaildProcess in that directory is, with those mailboxes."""
    (folder / "password").write_text(PASSWORD)
    return _CATEGORIES + "".join(mailboxes)


def mail(number: int, to: str = SUPPORT, body: str = "Hello, it does not work.") -> bytes:
    """A customer's mail, one of many."""
    sender = f"client{number}@customer{number // 50 or ''}.example"
    return (
        f"From: Client {number} <{sender}>\r\nTo: {to}\r\nSubject: Question {number}\r\n"
        f"Message-ID: <question-{number}@customer.example>\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\n{body}\r\n"
    ).encode()


def questions(maild: MaildProcess) -> list[str]:
    """The subjects of all tickets."""
    return sorted(str(ticket["subject"]) for ticket in maild.json("ticket", "list"))
