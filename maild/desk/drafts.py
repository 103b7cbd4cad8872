"""Questions that are typed and not sent yet: kept, so that nothing is lost over a mistake or a login."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from maild.desk.desk import Desk
from maild.mime.compose import OutgoingAttachment
from maild.store import drafts, rates
from maild.store.db import Tx
from maild.store.drafts import Draft, DraftFile

_MOST = 200 * 2**20  # octets of files in all drafts together: they are nobody's mail yet
_ANONYMOUS, _TRIES = 30, drafts.DRAFT_AGE / 48  # forms of one client that are kept within an hour


async def keep(
    desk: Desk,
    draft: Draft,
    files: Sequence[OutgoingAttachment],
    without: Sequence[int],
    *,
    is_signed_in: bool,
    client: str,
) -> Draft | None:
    """Keep a draft, without its files at these positions and with these more; the draft with its id.

    None if that client is not signed in and tries too often, or files of others take up all the room.
    """
    return await desk.store.run(_keep, desk, draft, files, without, is_signed_in, client)


def _keep(
    tx: Tx,
    desk: Desk,
    draft: Draft,
    files: Sequence[OutgoingAttachment],
    without: Sequence[int],
    is_signed_in: bool,
    client: str,
) -> Draft | None:
    now, key = desk.now(), f"ask from {client}"
    if not is_signed_in:
        if rates.count(tx, key, now - _TRIES) >= _ANONYMOUS:
            return None
        rates.add(tx, key, now)
    if files and drafts.octets(tx) + sum(len(file.content) for file in files) > _MOST:
        return None
    draft = _own(tx, draft, is_signed_in=is_signed_in)
    drafts.put(tx, draft, now)
    drafts.drop_files(tx, draft.id, without)
    drafts.add_files(tx, draft.id, [(file.name, file.type, file.content) for file in files])
    return draft


def _own(tx: Tx, draft: Draft, *, is_signed_in: bool) -> Draft:
    """The draft under an id of its own. What was typed for an address is not changed by anybody who is not signed in:
    its owner shall send what he has seen.
    """
    known = drafts.draft(tx, draft.id) if draft.id else None
    if known is not None and (is_signed_in or not known.person):
        return draft
    fresh = replace(draft, id=secrets.token_hex(16))
    if known is not None:
        drafts.copy_files(tx, known.id, fresh.id)
    return fresh


async def draft_for(desk: Desk, person: str, ticket: int = 0) -> Draft | None:
    """What was last typed for that address and not sent: a new question, or an answer in that ticket."""
    return await desk.store.read(drafts.newest_of, person, ticket)


async def draft_of(desk: Desk, id_: str) -> Draft | None:
    """The draft of that id, which only its browser knows."""
    return await desk.store.read(drafts.draft, id_)


async def files_of(desk: Desk, draft: str) -> list[DraftFile]:
    """The list of a draft's files; nothing for "" or an id that is not there."""
    return await desk.store.read(drafts.files_of, draft) if draft else []


async def attachments_of(desk: Desk, draft: str, without: Sequence[int]) -> tuple[OutgoingAttachment, ...]:
    """The files of a draft as they go along with a mail, but for those at these positions."""
    if not draft:
        return ()
    found = await desk.store.read(drafts.files_of, draft, with_content=True)
    wanted = (file for file in found if file.position not in without)
    return tuple(OutgoingAttachment(file.name, file.type, file.content or b"") for file in wanted)


async def discard(desk: Desk, draft: str) -> None:
    """It was sent, or is not wanted any more."""
    if draft:
        await desk.store.run(drafts.remove, draft)
