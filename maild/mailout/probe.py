"""Questions to a relay that send nothing: what it offers, and what it says to envelopes (MAIL, RCPT, then RSET)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aiosmtplib

from maild.core.errors import Unreachable
from maild.mailout.outcome import one_line
from maild.mailout.smtp import Relay, connect, size_limit

_ALL = 30  # seconds for everything


@dataclass(frozen=True, slots=True)
class Reply:
    """What the relay says to an envelope: to its sender if it refuses that one, else to its recipient."""

    code: int
    text: str

    @property
    def is_taken(self) -> bool:
        """It would go on with DATA."""
        return 200 <= self.code < 300

    @property
    def is_refused(self) -> bool:
        """Now and always."""
        return 500 <= self.code < 600


@dataclass(frozen=True, slots=True)
class Answers:
    """`max_size` in octets, 0 if it is not said; a reply for each envelope."""

    has_tls: bool
    max_size: int
    replies: tuple[Reply, ...]


async def ask(relay: Relay, envelopes: Sequence[tuple[str, str]]) -> Answers:
    """Connect as for a letter, login included, and try envelopes (sender, recipient). Raises Unreachable."""
    try:
        async with asyncio.timeout(_ALL):
            client = await connect(relay)
            try:
                replies = [await _try(client, sender, recipient) for sender, recipient in envelopes]
                has_tls = client.get_transport_info("sslcontext") is not None
                return Answers(has_tls, size_limit(client), tuple(replies))
            finally:
                client.close()
    except (aiosmtplib.SMTPException, OSError) as error:  # OSError: also the time-out
        raise Unreachable(one_line(str(error)) or "no answer in time") from error


async def _try(client: aiosmtplib.SMTP, sender: str, recipient: str) -> Reply:
    try:
        await client.mail(sender, encoding="utf-8")
        taken = await client.rcpt(recipient, encoding="utf-8")
    except aiosmtplib.SMTPResponseException as error:
        reply = Reply(error.code, one_line(f"{error.code} {error.message}"))
    else:
        reply = Reply(taken.code, one_line(f"{taken.code} {taken.message}"))
    await client.rset()
    return reply
