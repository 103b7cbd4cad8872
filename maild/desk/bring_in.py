"""Mail of an archive comes in: through the one intake, at its own moments, each mail once however often it is done."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.core.address import normalise
from maild.core.identity import identity_of
from maild.core.mail import Door, Envelope
from maild.core.route import category_for
from maild.desk.accept import accept
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.desk.rush import Rush
from maild.mime.stored import stored_facts
from maild.store import fates

_TURN = 0.1  # seconds until mails are asked for again that somebody else has in hand


@dataclass(frozen=True, slots=True)
class Terms:
    """How an archive is brought in. `category` gets the mails that no address of the desk is found in.

    `is_silent`: nobody is written to because of them.
    """

    category: str
    is_silent: bool


async def bring_in(desk: Desk, mails: Sequence[tuple[bytes, datetime]], terms: Terms) -> list[int]:
    """Take raw mails that were received at those moments, and understand them; the ids of their ledger rows.

    Mail that is known already is not taken again. A daemon on the same database may do some of the work.
    """
    ids = await asyncio.gather(*(_take(desk, raw, moment, terms) for raw, moment in mails))
    desk.rush = Rush()  # nobody waits at this door
    while await desk.store.read(fates.are_waiting, ids):
        if not await receive_waiting(desk):
            await asyncio.sleep(_TURN)
    return list(ids)


async def _take(desk: Desk, raw: bytes, moment: datetime, terms: Terms) -> int:
    envelope = envelope_of(desk, raw, min(moment, desk.now()), terms)
    return await accept(desk, raw, envelope, source_key_of(raw, envelope.rcpt_tos))


def envelope_of(desk: Desk, raw: bytes, moment: datetime, terms: Terms) -> Envelope:
    """The envelope that a mail of our own archive may have come with; our border host has judged it at the door.

    What support wrote and no server handed on is a copy out of a Sent folder.
    """
    facts = stored_facts(raw)
    author = normalise(facts.author)
    is_sent = not facts.has_travelled and desk.policy.is_support(author)
    ours = tuple(address for address in facts.recipients if category_for(address, desk.policy))
    return Envelope(
        mail_from=facts.mail_from,
        rcpt_tos=facts.recipients if is_sent else ours or (desk.policy.category(terms.category).address,),
        door=Door.IMPORT,
        peer="",
        is_trusted_peer=True,
        user=author if is_sent else "",
        received_at=moment,
        is_silent=terms.is_silent,
    )


def source_key_of(raw: bytes, recipients: Sequence[str]) -> str:
    """The same for the same mail for the same people, wherever its archive lies."""
    identity = identity_of(raw)
    told = "\n".join((identity.message_id, identity.content_key, *recipients))
    return f"import:{hashlib.sha256(told.encode()).hexdigest()}"
