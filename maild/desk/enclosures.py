"""The files of a letter: which of them go along, which become links, and what there is behind a link."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from maild.core.effects import Event, Record
from maild.core.errors import BadLink
from maild.core.facts import TicketFacts
from maild.core.letter import Letter
from maild.core.mail import Attachment
from maild.core.rights import Actor, Right, Standing, rights_of
from maild.core.sends import to_team
from maild.core.tokens import FileClaim, Purpose, read_file_token
from maild.desk.apply import queue_letter
from maild.desk.desk import Desk
from maild.desk.portal import own_ticket
from maild.mime.attach import cut
from maild.mime.compose import encoded_size
from maild.store import ledger, outbox, threads, tickets
from maild.store.db import Tx

LINK_AGE = timedelta(days=30)  # how long a file can be fetched


def left_out(sizes: Mapping[int, int], room: int) -> frozenset[int]:
    """The files that do not go along, by part number: as many as fit are kept, the smallest first. In octets."""
    kept: set[int] = set()
    for part, size in sorted(sizes.items(), key=lambda item: (item[1], item[0])):
        room -= encoded_size(size)
        if room < 0:
            break
        kept.add(part)
    return frozenset(sizes) - kept


def tell_left_out(
    tx: Tx, desk: Desk, letter: outbox.Letter, material: threads.Material, files: Iterable[Attachment]
) -> None:
    """An event and a letter to the team: the customer gets these words without those files."""
    now, number = desk.now(), material.number
    reason = f"left out, too large: {', '.join(file.name for file in files)}"
    tickets.record(tx, number, Record(number, Event.DELIVERY_FAILED, letter.to_address, "smtp", reason), reason, now)
    shown = [{"name": file.name, "size": file.size} for file in files]
    sends = to_team(
        desk.policy,
        material.category,
        Letter.LEFT_OUT,
        number,
        purpose=Purpose.NOTE,
        has_message=False,
        context={"left_out": {"address": letter.to_address, "files": shown}},
    )
    for send in sends:
        queue_letter(tx, desk, send, number, None, now)


@dataclass(frozen=True, slots=True)
class FileView:
    """What a file link leads to. `file` is None when its time, or that of its mail, is over; see `content_of`."""

    language: str
    mail: int
    file: Attachment | None


async def look_for_file(desk: Desk, token: str) -> FileView:
    """What is behind a file link; changes nothing.

    Raises BadLink for a token that is none of ours, or of somebody who has no part in the ticket any more.
    """
    return await desk.store.read(_look, desk, token)


def _look(tx: Tx, desk: Desk, token: str) -> FileView:
    claim = read_file_token(desk.keys, token)
    stored = threads.file_of(tx, claim.message, claim.part) if claim else None
    found = tickets.facts_of_ticket(tx, stored.ticket) if stored else None
    if claim is None or stored is None or found is None or not _may_read(desk, claim, stored, found[0]):
        raise BadLink("no such page")
    ticket, facts = found
    language = facts.languages.get(claim.person) or ticket.language or desk.policy.language
    is_there = desk.now() < claim.until and ledger.has_raw(tx, stored.mail)
    return FileView(language, stored.mail, stored.attachment if is_there else None)


async def look_for_own_file(desk: Desk, number: int, person: str, message: int, part: int) -> FileView:
    """A file of a ticket for somebody who is signed in; changes nothing.

    Raises BadLink in the same words for a ticket or file that is not his and for one that is not there (any more).
    """
    return await desk.store.read(_look_own, desk, number, person, message, part)


def _look_own(tx: Tx, desk: Desk, number: int, person: str, message: int, part: int) -> FileView:
    ticket, _ = own_ticket(tx, desk, number, person)
    stored = threads.file_of(tx, message, part)
    if stored is None or stored.is_note or stored.ticket != ticket.number or not ledger.has_raw(tx, stored.mail):
        raise BadLink("no such page")
    return FileView("", stored.mail, stored.attachment)


def _may_read(desk: Desk, claim: FileClaim, stored: threads.StoredFile, ticket: TicketFacts) -> bool:
    """Support reads everything of its tickets, a participant all but notes."""
    rights = rights_of(Actor(claim.person, Standing.CONFIRMED), ticket.category, ticket, desk.policy)
    return (Right.READ_NOTES if stored.is_note else Right.READ) in rights


async def content_of(desk: Desk, view: FileView) -> bytes:
    """The file itself, cut out of the stored raw mail. Raises BadLink if that is gone."""
    raw = await desk.store.read(ledger.raw, view.mail)
    if raw is None or view.file is None:
        raise BadLink("no such page")
    return await asyncio.to_thread(cut, raw, view.file.part)
