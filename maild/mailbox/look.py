"""Looks through folders for what has come and gone since the last time. Reads only."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from maild.core.identity import identity_of
from maild.desk.filing import Seen
from maild.mailbox.protocol import BATCH, ConnectionLost, Mailbox, Message, Selected, ServerRefused
from maild.mailbox.troubles import Troubles
from maild.store.filings import Mark

log = logging.getLogger(__name__)

_DELETED = "\\deleted"


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a folder: its UIDs, and where to go on next time. `is_anew`: old UIDs mean nothing now."""

    selected: Selected
    new: list[int]
    mark: Mark
    is_anew: bool


async def news_in(mailbox: Mailbox, selected: Selected, mark: Mark | None) -> News:
    """What came into the selected folder since that mark. One never looked at before begins now, with nothing new."""
    if mark is None:
        uidnext = selected.uidnext or max(await mailbox.uids(), default=0) + 1
        return News(selected, [], Mark(selected.uidvalidity, uidnext), is_anew=False)
    is_anew = mark.uidvalidity != selected.uidvalidity
    first = 1 if is_anew else mark.uidnext
    new = await mailbox.uids(first)
    uidnext = max([first, selected.uidnext, *(uid + 1 for uid in new[-1:])])
    return News(selected, new, Mark(selected.uidvalidity, uidnext), is_anew=is_anew)


def is_deleted(flags: frozenset[str]) -> bool:
    """Has somebody thrown it away, and only not cleared up behind himself (RFC 3501 §2.3.2)?"""
    return any(flag.lower() == _DELETED for flag in flags)


@dataclass(frozen=True, slots=True)
class Headed:
    """A message with its header section."""

    message: Message
    header: bytes


async def headed(mailbox: Mailbox, uids: Sequence[int]) -> tuple[list[Headed], list[int]]:
    """Those of the messages that are there and not deleted, ascending; and those of which the server gives nothing.

    One command for all of them; if that is refused, it is divided until the broken ones are alone.
    """
    try:
        return await _headed(mailbox, uids), []
    except ServerRefused as error:
        if len(uids) == 1:
            log.warning("UID %d cannot be read: %s", uids[0], error)
            return [], list(uids)
    middle = len(uids) // 2
    (found, refused), (more, others) = await headed(mailbox, uids[:middle]), await headed(mailbox, uids[middle:])
    return [*found, *more], [*refused, *others]


async def _headed(mailbox: Mailbox, uids: Sequence[int]) -> list[Headed]:
    there = [each for each in await mailbox.messages(uids) if not is_deleted(each.flags)]
    headers = await mailbox.headers([each.uid for each in there])
    return [Headed(each, headers[each.uid]) for each in there if each.uid in headers]


async def guarded(
    mailbox: Mailbox, uids: Sequence[int], troubles: Troubles, place: tuple[str, int]
) -> tuple[list[Headed], list[int]]:
    """As `headed`, where one message may end the connection each time it is asked for, as Dovecot does with a broken
    file. After such an end each is asked for alone; one that has ended three is passed over. `place` names the folder.
    """
    if not troubles.has_failed(place):
        return await _blaming(place, mailbox, uids, troubles)
    found: list[Headed] = []
    refused: list[int] = []
    for uid in uids:
        if troubles.is_given_up((*place, uid)):
            log.error("folder %s: UID %d ends each connection and is passed over", place[0], uid)
            continue
        one, broken = await _blaming((*place, uid), mailbox, [uid], troubles)
        found += one
        refused += broken
    troubles.forget(place)
    return found, refused


async def _blaming(
    what: tuple[str | int, ...], mailbox: Mailbox, uids: Sequence[int], troubles: Troubles
) -> tuple[list[Headed], list[int]]:
    try:
        return await headed(mailbox, uids)
    except ConnectionLost:
        troubles.again(what)
        raise


async def named(mailbox: Mailbox, message_id: str) -> list[int]:
    """The messages of that Message-ID in the selected folder that nobody has deleted; servers find more."""
    uids = (await mailbox.uids_with(message_id))[-BATCH:] if message_id else []
    found, _ = await headed(mailbox, uids)
    return [each.message.uid for each in found if identity_of(each.header).message_id == message_id]


def name_of(header: bytes) -> str:
    """What a message is known by, wherever it is moved: its Message-ID, else a digest of its header section. No
    Message-ID holds a blank.
    """
    return identity_of(header).message_id or f"header {hashlib.sha256(header).hexdigest()}"


class Lookout:
    """What has been seen of the folders of one mailbox on this connection."""

    def __init__(self, mailbox: Mailbox, troubles: Troubles) -> None:
        self._mailbox, self._troubles = mailbox, troubles
        self._last: dict[str, Selected] = {}

    async def look(self, folder: str, name: str, mark: Mark | None) -> Seen | None:
        """What has changed in a folder, called `name` on the server; None if nothing has."""
        selected = await self._mailbox.select(name, read_only=True)
        last = self._last.get(folder)
        if last == selected and selected.uidnext:
            return None
        news = await news_in(self._mailbox, selected, mark)
        present = None if _has_only_grown(last, news) else frozenset(await self._mailbox.uids())
        found, refused = await self._named(news.new, (folder, selected.uidvalidity))
        unclear = [uid for uid in refused if not self._is_hopeless(folder, selected.uidvalidity, uid)]
        self._last.pop(folder, None)
        if not unclear:
            self._last[folder] = selected
        return Seen(folder, selected.uidvalidity, min([news.mark.uidnext, *unclear]), found, present)

    def _is_hopeless(self, folder: str, uidvalidity: int, uid: int) -> bool:
        is_hopeless = self._troubles.is_hopeless((folder, uidvalidity, uid))
        if is_hopeless:
            log.error("folder %s: UID %d is passed over after many attempts", folder, uid)
        return is_hopeless

    async def _named(self, uids: list[int], place: tuple[str, int]) -> tuple[tuple[tuple[int, str], ...], list[int]]:
        """Those that are not deleted, with what they are known by; and those that cannot be read."""
        found: list[tuple[int, str]] = []
        refused: list[int] = []
        for start in range(0, len(uids), BATCH):
            batch, broken = await guarded(self._mailbox, uids[start : start + BATCH], self._troubles, place)
            found += [(each.message.uid, name_of(each.header)) for each in batch]
            refused += broken
        return tuple(found), refused


def _has_only_grown(last: Selected | None, news: News) -> bool:
    """Has nothing left the folder? Then nobody has to list everything in it, however many years it holds."""
    now = news.selected
    return last is not None and last.uidvalidity == now.uidvalidity and last.exists + len(news.new) == now.exists
