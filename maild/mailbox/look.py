"""Looks through folders for what has come and gone since the last time. Reads only."""

from dataclasses import dataclass

from maild.core.identity import identity_of
from maild.desk.filing import Seen
from maild.mailbox.protocol import BATCH, Mailbox, Selected
from maild.store.filings import Mark

_DELETED = "\\deleted"


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a folder: its UIDs, and where to go on next time. `is_whole`: `new` is all there is in it."""

    selected: Selected
    new: list[int]
    mark: Mark
    is_whole: bool


async def news_in(mailbox: Mailbox, selected: Selected, mark: Mark | None) -> News:
    """What came into the selected folder since that mark. One never looked at before begins now, with nothing new."""
    if mark is None:
        uidnext = selected.uidnext or max(await mailbox.uids(), default=0) + 1
        return News(selected, [], Mark(selected.uidvalidity, uidnext), is_whole=False)
    first = mark.uidnext if mark.uidvalidity == selected.uidvalidity else 1
    new = await mailbox.uids(first)
    uidnext = max([first, selected.uidnext, *(uid + 1 for uid in new[-1:])])
    return News(selected, new, Mark(selected.uidvalidity, uidnext), is_whole=first == 1)


def is_deleted(flags: frozenset[str]) -> bool:
    """Has somebody thrown it away, and only not cleared up behind himself (RFC 3501 §2.3.2)?"""
    return any(flag.lower() == _DELETED for flag in flags)


class Lookout:
    """What has been seen of the folders of one mailbox on this connection."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._last: dict[str, Selected] = {}

    async def look(self, folder: str, name: str, mark: Mark | None) -> Seen | None:
        """What has changed in a folder, called `name` on the server; None if nothing has."""
        selected = await self._mailbox.select(name, read_only=True)
        last = self._last.get(folder)
        if last == selected and selected.uidnext:
            return None
        news = await news_in(self._mailbox, selected, mark)
        present = None if _has_only_grown(last, news) else frozenset(await self._mailbox.uids())
        self._last[folder] = selected
        return Seen(folder, selected.uidvalidity, news.mark.uidnext, await self._named(news.new), present)

    async def _named(self, uids: list[int]) -> tuple[tuple[int, str], ...]:
        """Those that are not deleted, with their Message-IDs."""
        named: list[tuple[int, str]] = []
        for start in range(0, len(uids), BATCH):
            batch = uids[start : start + BATCH]
            flags = {each.uid: each.flags for each in await self._mailbox.messages(batch)}
            headers = await self._mailbox.headers([uid for uid in batch if not is_deleted(flags.get(uid, frozenset()))])
            named += [(uid, identity_of(header).message_id) for uid, header in sorted(headers.items())]
        return tuple(named)


def _has_only_grown(last: Selected | None, news: News) -> bool:
    """Has nothing left the folder? Then nobody has to list everything in it, however many years it holds."""
    now = news.selected
    return last is not None and last.uidvalidity == now.uidvalidity and last.exists + len(news.new) == now.exists
