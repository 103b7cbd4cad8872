"""Support's Sent folder: which of its mails are for the ledger. Private letters of its people are none of ours."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from maild.core.address import normalise
from maild.core.mail import Door, Envelope, Mail
from maild.core.match import keys_of
from maild.core.policy import Policy, Queue
from maild.core.trust import Trust, trust_in
from maild.desk.accept import accept
from maild.desk.desk import Desk
from maild.mime.parse import parse
from maild.mime.stored import stored_facts
from maild.store import ledger, mailboxes, tickets
from maild.store.db import Tx


def envelope_of(header: bytes, queue: Queue, received_at: datetime) -> Envelope:
    """How a mail came to lie in Sent: the mailbox has sent it to everybody it names."""
    mail = parse(header)
    blind = [part.strip(" <>") for field in mail.fields("bcc") for part in field.replace(" ", ",").split(",")]
    addresses = [*(person.address for person in (*mail.to, *mail.cc)), *(part for part in blind if "@" in part)]
    return Envelope(
        mail_from=queue.address,
        rcpt_tos=tuple(dict.fromkeys(normalise(address) for address in addresses if "@" in address)),
        door=Door.IMAP,
        peer=queue.name,
        is_trusted_peer=False,
        user=queue.address,
        received_at=received_at,
    )


class Kind(StrEnum):
    """What a mail in Sent is to the desk: a letter of its own, its business, or nothing that is known of (yet).

    One that was delivered there lies in Sent, but has not been sent from this mailbox.
    """

    OWN = "own"
    DELIVERED = "delivered"
    BUSINESS = "business"
    OTHER = "other"


async def kind_of(desk: Desk, header: bytes, envelope: Envelope) -> Kind:
    """Business is written to the desk, or names a ticket or a mail of a customer."""
    return await desk.store.read(_kind_of, desk, header, envelope)


def _kind_of(tx: Tx, desk: Desk, header: bytes, envelope: Envelope) -> Kind:
    mail = parse(header)
    keys = keys_of(mail, envelope, desk.policy, desk.keys)
    facts = tickets.facts_for(tx, keys, desk.now())
    if facts.is_own_letter:
        return Kind.OWN
    if stored_facts(header).is_delivered and not _is_vouched_for(mail, envelope, desk.policy):
        return Kind.DELIVERED
    is_to_desk = any(desk.policy.is_desk_address(address) for address in envelope.rcpt_tos)
    is_business = is_to_desk or bool(facts.tickets) or ledger.has_any(tx, keys.references)
    return Kind.BUSINESS if is_business else Kind.OTHER


def _is_vouched_for(mail: Mail, envelope: Envelope, policy: Policy) -> bool:
    """Does our border host say that support wrote it? Servers file mail to `support+Sent@`, whoever it is from."""
    came_in = replace(envelope, user="", is_trusted_peer=True)
    is_support = mail.author is not None and policy.is_support(normalise(mail.author.address))
    return is_support and trust_in(mail, came_in, policy) is Trust.VERIFIED


async def is_swept(desk: Desk, queue: Queue, moment: datetime) -> bool:
    """Is everything in the ledger that had come into the inbox by then?"""
    progress = await desk.store.read(mailboxes.progress, queue.name)
    return progress is not None and progress.swept_at is not None and progress.swept_at > moment


async def take(desk: Desk, raw: bytes, envelope: Envelope, source_key: str) -> int:
    """Into the ledger with it. A copy of it that was held since nobody vouched for its author is looked at again."""
    mail = await accept(desk, raw, envelope, source_key)
    await desk.store.run(ledger.vouch, mail)
    desk.wake.mail.set()
    return mail
