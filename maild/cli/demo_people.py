"""The far ends of the demo: people with mail programs, the border host that vouches for them, and their mailbox."""

import asyncio
import email
import email.policy
import re
import smtplib
import urllib.request
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from time import monotonic

from maild.core.address import domain_of
from maild.desk.desk import utc_now

DOMAIN = "kaktus.test"
_SECONDS = 20.0  # how long a letter may take
_LINK = re.compile(r"https?://\S+/a/\S+")
_NONCE = re.compile(r'name="nonce" value="([^"]+)"')


class Letters:
    """The Maildir in which the desk's letters arrive."""

    def __init__(self, folder: Path) -> None:
        self._new = folder / "new"
        self._seen: set[str] = set()

    async def next(self, to: str) -> EmailMessage:
        """The next letter to that address that nobody has looked at. Raises TimeoutError if none comes."""
        deadline = monotonic() + _SECONDS
        while monotonic() < deadline:
            for path in sorted(self._new.glob("*"), key=lambda path: path.stat().st_mtime_ns):
                if path.name in self._seen:
                    continue
                letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                if to in str(letter["To"]):
                    self._seen.add(path.name)
                    return letter
            await asyncio.sleep(0.05)
        raise TimeoutError(f"no letter to {to}")


def text_of(letter: EmailMessage) -> str:
    """The plain text of a letter."""
    part = letter.get_body(("plain",))
    return str(part.get_content()) if part else ""


def links_in(letter: EmailMessage) -> list[str]:
    """The action links of a letter: solved, then continue."""
    return _LINK.findall(text_of(letter))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mail program and a browser. Mail goes over real SMTP, through a border host that knows him."""

    name: str
    address: str
    smtp: tuple[str, int]

    async def write(self, to: str, subject: str, words: str) -> None:
        """A new mail."""
        await self._send(to, subject, words)

    async def reply(self, letter: EmailMessage, words: str) -> None:
        """A plain Reply, quoting the letter as mail programs do."""
        quoted = "".join(f"> {line}\n" for line in text_of(letter).splitlines())
        sender = str(letter["Reply-To"] or letter["From"])
        references = f"{letter['References'] or ''} {letter['Message-ID']}".strip()
        await self._send(
            email.utils.parseaddr(sender)[1],
            f"Re: {letter['Subject']}",
            f"{words}\n\n{letter['From']} пишет:\n{quoted}",
            {"In-Reply-To": str(letter["Message-ID"]), "References": references},
        )

    async def _send(self, to: str, subject: str, words: str, fields: dict[str, str] | None = None) -> None:
        domain = domain_of(self.address)
        mail = EmailMessage()
        mail["Authentication-Results"] = f"mx.{DOMAIN}; dmarc=pass header.from={domain}"
        mail["From"] = email.utils.formataddr((self.name, self.address))
        mail["To"], mail["Subject"] = to, subject
        mail["Date"], mail["Message-ID"] = format_datetime(utc_now()), make_msgid(domain=domain)
        for name, value in (fields or {}).items():
            mail[name] = value
        mail.set_content(words)
        await asyncio.to_thread(self._submit, mail, to)

    def _submit(self, mail: EmailMessage, to: str) -> None:
        with smtplib.SMTP(*self.smtp, timeout=_SECONDS) as connection:
            connection.send_message(mail, self.address, [to])


async def open_page(url: str) -> str:
    """What the browser gets for a link."""
    return await asyncio.to_thread(_fetch, url, None)


async def press_button(url: str) -> str:
    """Open an action page and press its button; the page that comes back."""
    nonce = _NONCE.search(await open_page(url))
    if nonce is None:
        raise LookupError("the page has no button")
    return await asyncio.to_thread(_fetch, url, f"nonce={nonce[1]}".encode())


def _fetch(url: str, form: bytes | None) -> str:
    with urllib.request.urlopen(url, data=form, timeout=_SECONDS) as answer:  # noqa: S310 - the demo's own loopback URL
        return str(answer.read().decode())
