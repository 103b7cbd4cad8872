"""A conversation without sockets: mails go in as bytes, letters come out as bytes, time passes when told."""

import email
import email.policy
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from maild.core.tokens import Action, Claim, action_token, new_nonce, page_nonce
from maild.desk.accept import accept
from maild.desk.act import LinkView, click
from maild.desk.delivery import delivered
from maild.desk.desk import Desk
from maild.desk.letters import freeze
from maild.desk.receive import receive_waiting
from maild.store import ledger, lists, outbox, tickets
from tests.factory import make_desk
from tests.values import BILLING, BILLING_TEAM, BORDER, IVAN, NOW, make_envelope, make_policy

OFFICE = "office.example"


@dataclass(slots=True)
class Clock:
    """Stands in for the wall clock."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, by: timedelta) -> None:
        self.moment += by


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as it goes over the wire, and as its reader sees it."""

    row: outbox.Letter
    data: bytes
    message: EmailMessage

    @property
    def kind(self) -> tuple[str, str]:
        return (self.row.letter, self.row.to_address)

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\u00a0", " ").replace("\r\n", "\n")

    @property
    def everything(self) -> str:
        """Header fields and all text parts, decoded."""
        parts = [part for part in self.message.walk() if part.get_content_maintype() == "text"]
        fields = [f"{name}: {value}" for name, value in self.message.items()]
        return "\n".join([*fields, *(str(part.get_content()) for part in parts)])


@dataclass(slots=True)
class Conversation:
    """A desk, its clock, and every letter it has sent."""

    desk: Desk
    clock: Clock
    sent: list[Written] = field(default_factory=list)
    wrote: list[EmailMessage] = field(default_factory=list)  # what people sent, as it lies in their Sent folder
    _mails: int = 0

    async def mail(self, author: str, words: str, *, to: str = BILLING, subject: str = "Счёт", **fields: str) -> int:
        """A mail of a verified author goes through the door and the workers; its ledger row."""
        number = await self.spool(author, words, to=to, subject=subject, **fields)
        await receive_waiting(self.desk)
        return number

    async def spool(self, author: str, words: str, *, to: str = BILLING, subject: str = "Счёт", **fields: str) -> int:
        self._mails += 1
        name, domain = author, author.partition("@")[2]
        raw = (
            f"Authentication-Results: {BORDER}; dmarc=pass header.from={domain}\r\n"
            f"Received: from x by {BORDER} with ESMTPS; {self.clock():%a, %d %b %Y %H:%M:%S +0000}\r\n"
            f"From: {name}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m{self._mails}@{domain}>\r\n"
            + "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in fields.items())
            + f"Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
        ).encode()
        self.wrote.append(_parsed(raw))
        return await self.take(raw, mail_from=author, rcpt_tos=(to,))

    async def take(self, raw: bytes, **envelope: Any) -> int:
        return await accept(self.desk, raw, make_envelope(**{"received_at": self.clock(), **envelope}))

    async def reply(self, letter: Written, author: str, words: str) -> int:
        """As a mail program answers: to Reply-To or From, with the letter quoted below."""
        quoted = "\n".join(f"> {line}" for line in letter.text.splitlines())
        to = str(letter.message["Reply-To"] or letter.message["From"])
        return await self.mail(
            author,
            f"{words}\n\n{letter.message['Date']}, {letter.message['From']} пишет:\n{quoted}",
            to=re.findall(r"[^\s<>]+@[^\s<>]+", to)[-1],
            subject=f"Re: {letter.message['Subject']}",
            In_Reply_To=letter.message["Message-ID"],
            References=f"{letter.message['References'] or ''} {letter.message['Message-ID']}".strip(),
        )

    async def letters(self) -> list[Written]:
        """Everything that waits in the outbox goes out."""
        written: list[Written] = []
        for row in await self.desk.store.run(outbox.claim, self.clock(), 1000, self.desk.policy.filed_addresses):
            frozen = await freeze(self.desk, row)
            assert frozen.frozen is not None
            written.append(Written(frozen, frozen.frozen, _parsed(frozen.frozen)))
            await delivered(self.desk, frozen, "250 ok")
        self.sent += written
        return written

    async def press(self, number: int, action: Action, person: str = IVAN.address) -> LinkView:
        token = action_token(self.desk.keys, Claim(number, person, action))
        salt = new_nonce(f"{len(self.sent):010}".encode())
        return await click(self.desk, token, page_nonce(self.desk.keys, token, salt, self.clock()))

    def status(self, number: int) -> str:
        found = self.desk.store.read_now(tickets.tickets_by_number, [number])
        return found[number].status.value

    def events(self, number: int) -> list[str]:
        return [row.event for row in self.desk.store.read_now(lists.events_of, number)]

    def row(self, mail: int) -> ledger.LedgerRow:
        found = self.desk.store.read_now(ledger.row, mail)
        assert found is not None
        return found


def _parsed(raw: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@asynccontextmanager
async def conversation(folder: Path, **policy: Any) -> AsyncIterator[Conversation]:
    """A desk that trusts its border host."""
    clock = Clock()
    with make_desk(folder, policy=make_policy(**policy), now=clock) as desk:
        yield Conversation(desk, clock)


async def opened(talk: Conversation, words: str = "Где мой счёт?") -> list[Written]:
    """Ivan asks; the letters that go out: to the team, to him."""
    await talk.mail(IVAN.address, words)
    return await talk.letters()


async def solved(talk: Conversation) -> list[Written]:
    """Ivan asks and the team solves at once; the letters that go out then."""
    team, _ = await opened(talk)
    await talk.reply(team, BILLING_TEAM, "#решено\n\nГотово.")
    return await talk.letters()
