"""Questions that are typed and not sent yet: kept, so that nothing is lost over a mistake or a login."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from maild.desk.desk import Desk
from maild.desk.networks import network_of
from maild.mime.compose import OutgoingAttachment
from maild.store import drafts, rates
from maild.store.db import Tx
from maild.store.drafts import Draft, DraftFile

_MOST = 200 * 2**20  # octets of all drafts together: they are nobody's mail yet
_MOST_TYPED = 256 * 1024  # octets of the text and the fields of one draft
_TRIES, _TRIES_IN = {False: 30, True: 60}, timedelta(hours=1)  # forms that are kept, of a client, of a person
_PIECE = 256 * 1024  # octets
_DIGITS = {False: 32, True: 40}  # of the id of a draft that was typed by a stranger, by somebody who is signed in
_PIECES, _PIECES_IN = 120, timedelta(days=1)  # 30 MiB of one client that is not signed in


class Refusal(StrEnum):
    """Why a draft is not kept: tried too often, no room for it, more text than anybody types."""

    OFTEN = "often"
    ROOM = "room"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who typed it: `person` is the address of who is signed in, else ""; `client` is that of his machine."""

    person: str
    client: str


async def keep(
    desk: Desk, draft: Draft, files: Sequence[OutgoingAttachment], without: Sequence[int], writer: Writer, mark: str
) -> Draft | Refusal:
    """Keep a draft, without its files at these positions and with these more; the draft with its id.

    `mark` is the same for a form that is sent twice: it is one draft.
    """
    return await desk.store.run(_keep, desk, draft, files, without, writer, mark)


def _keep(
    tx: Tx,
    desk: Desk,
    draft: Draft,
    files: Sequence[OutgoingAttachment],
    without: Sequence[int],
    writer: Writer,
    mark: str,
) -> Draft | Refusal:
    now = desk.now()
    if refusal := _refusal(tx, draft, sum(len(file.content) for file in files), writer, now):
        return refusal
    kept = _own(tx, draft, writer, mark)
    if kept is None:
        return replace(draft, id=_fresh_id(mark, is_signed_in=bool(writer.person)))
    drafts.put(tx, kept, now)
    drafts.drop_files(tx, kept.id, without)
    drafts.add_files(tx, kept.id, [(file.name, file.type, file.content) for file in files])
    return kept


def _refusal(tx: Tx, draft: Draft, octets: int, writer: Writer, now: datetime) -> Refusal | None:
    """Every try counts, room or not. Of the room, strangers' files get half: who is signed in finds some left."""
    typed = len(draft.words.encode()) + len(json.dumps(dict(draft.fields), ensure_ascii=False).encode())
    if typed > _MOST_TYPED:
        return Refusal.LONG
    is_signed_in = bool(writer.person)
    network = network_of(writer.client)
    key, share = f"ask by {writer.person}" if is_signed_in else f"ask from {network}", f"drafts from {network}"
    if rates.count(tx, key, now - _TRIES_IN) >= _TRIES[is_signed_in]:
        return Refusal.OFTEN
    rates.add(tx, key, now)
    pieces = 0 if is_signed_in else -(-(octets + typed) // _PIECE)
    if drafts.octets(tx) + octets + typed > (_MOST if is_signed_in or not octets else _MOST // 2):
        return Refusal.ROOM
    if pieces and rates.count(tx, share, now - _PIECES_IN) + pieces > _PIECES:
        return Refusal.ROOM
    for _ in range(pieces):
        rates.add(tx, share, now)
    return None


def _own(tx: Tx, draft: Draft, writer: Writer, mark: str) -> Draft | None:
    """The draft under an id of its own; None if the very form is kept already, and waits for its owner.

    What was typed for an address is changed by nobody but who is signed in with it: its owner shall send what he has
    seen. He goes on under another id, since whoever typed it knows the first one.
    """
    is_signed_in = bool(writer.person)
    known = _open_draft(tx, draft.id, writer.person)
    if known is not None and known.person in ("", writer.person) and _is_of(known.id, is_signed_in=is_signed_in):
        return draft
    fresh = replace(draft, id=_fresh_id(mark, is_signed_in=is_signed_in))
    before = drafts.draft(tx, fresh.id)
    if before is not None and (before.person not in ("", writer.person) or (draft.id and known is None)):
        return None
    drafts.remove(tx, fresh.id)
    if known is not None:
        drafts.copy_files(tx, known.id, fresh.id)
    if known is not None and is_signed_in:
        drafts.remove(tx, known.id)
    return fresh


def _open_draft(tx: Tx, id_: str, person: str) -> Draft | None:
    """The draft of that id, if this person may look into it; `person` is "" for somebody who is not signed in.

    He is known by nothing but the id, so he sees what nobody has touched who is.
    """
    known = drafts.draft(tx, id_) if id_ else None
    if known is None or not (known.person in ("", person) if person else _is_of(id_, is_signed_in=False)):
        return None
    return known


def _is_of(id_: str, *, is_signed_in: bool) -> bool:
    return len(id_) == _DIGITS[is_signed_in]


def _fresh_id(mark: str, *, is_signed_in: bool) -> str:
    return sha256(f"draft {mark}".encode()).hexdigest()[: _DIGITS[is_signed_in]]


async def draft_for(desk: Desk, person: str, ticket: int = 0) -> Draft | None:
    """What was last typed for that address and not sent: a new question, or an answer in that ticket."""
    return await desk.store.read(drafts.newest_of, person, ticket)


async def draft_of(desk: Desk, id_: str) -> Draft | None:
    """The draft of that id, which only its browser knows."""
    return await desk.store.read(drafts.draft, id_)


async def files_of(desk: Desk, draft: str, person: str) -> list[DraftFile]:
    """The list of a draft's files; nothing for "", an id that is not there, or one of another person.

    `person` is "" for somebody who is not signed in: then only his browser knows that id.
    """
    return await desk.store.read(_files_of, draft, person) if draft else []


def _files_of(tx: Tx, id_: str, person: str, *, with_content: bool = False) -> list[DraftFile]:
    known = _open_draft(tx, id_, person)
    return [] if known is None else drafts.files_of(tx, id_, with_content=with_content)


async def attachments_of(desk: Desk, draft: str, without: Sequence[int], person: str) -> tuple[OutgoingAttachment, ...]:
    """The files of a draft as they go along with a mail of that person, but for those at these positions."""
    if not draft:
        return ()
    found = await desk.store.read(_files_of, draft, person, with_content=True)
    wanted = (file for file in found if file.position not in without)
    return tuple(OutgoingAttachment(file.name, file.type, file.content or b"") for file in wanted)


async def discard(desk: Desk, draft: str, person: str) -> None:
    """It was sent, or is not wanted any more. That of another person stays."""
    if draft:
        await desk.store.run(_discard, draft, person)


def _discard(tx: Tx, id_: str, person: str) -> None:
    if _open_draft(tx, id_, person) is not None:
        drafts.remove(tx, id_)
