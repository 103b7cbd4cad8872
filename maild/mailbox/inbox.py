"""The inbox of a desk that is one mailbox: what customers wrote leaves it for the folder of its ticket.

Only mails that are in the ledger and have their ticket; what is held, or none of the desk's business, stays.
"""

import logging
from collections import defaultdict
from dataclasses import replace

from maild.core.policy import Queue
from maild.desk import filing
from maild.desk.desk import Desk
from maild.desk.filing import Shelved
from maild.mailbox.look import name_of
from maild.mailbox.places import Places
from maild.mailbox.protocol import Mailbox, Selected, ServerRefused
from maild.mailbox.troubles import Troubles
from maild.store import mailboxes

log = logging.getLogger(__name__)


class Inbox:
    """The inbox of one queue on one connection."""

    def __init__(self, desk: Desk, queue: Queue, mailbox: Mailbox, troubles: Troubles) -> None:
        self._desk, self._queue, self._mailbox, self._troubles = desk, queue, mailbox, troubles
        self._last: Selected | None = None
        self._waiting: set[int] = set()

    async def clear(self, places: Places) -> None:
        """Put away what can be put away now."""
        selected = await self._mailbox.select(self._queue.inbox)
        if selected != self._last or not selected.uidnext:
            self._waiting = set(await self._mailbox.uids(await self._first(selected)))
            self._last = selected
        if not self._waiting:
            return
        place = (self._queue.name, selected.uidvalidity)
        self._waiting -= await self._desk.store.read(mailboxes.older, *place, self._waiting)
        keys = {mailboxes.source_key(self._queue.name, selected.uidvalidity, uid): uid for uid in self._waiting}
        ready, self._waiting = await filing.to_be_shelved(self._desk, self._queue, keys)
        await self._put_away(selected.uidvalidity, await self._named(ready), places)

    async def _named(self, ready: list[Shelved]) -> list[Shelved]:
        """What has no Message-ID has to be known again in its folder all the same."""
        nameless = [one.uid for one in ready if not one.message_id]
        headers = await self._mailbox.headers(nameless)
        named = (replace(one, message_id=name_of(headers[one.uid])) for one in ready if one.uid in headers)
        return [*(one for one in ready if one.message_id), *named]

    async def _first(self, selected: Selected) -> int:
        """What lay there before the desk came is not in the ledger and never will be."""
        progress = await self._desk.store.read(mailboxes.progress, self._queue.name)
        is_same = progress is not None and progress.uidvalidity == selected.uidvalidity
        return progress.first_uid if progress is not None and is_same else 1

    async def _put_away(self, uidvalidity: int, ready: list[Shelved], places: Places) -> None:
        """Written down before: cut off in between, it is found in its new folder as one that was begun."""
        await filing.shelve(self._desk, self._queue, uidvalidity, ready)
        groups: dict[str, list[int]] = defaultdict(list)
        for one in ready:
            groups[places.names[one.folder]].append(one.uid)
        for name, uids in groups.items():
            if name != self._queue.inbox:
                await self._move(uids, name)

    async def _move(self, uids: list[int], name: str) -> None:
        """What the server refuses is tried again later, and stops nothing else."""
        what = ("inbox", name)
        if self._troubles.is_resting(what):
            self._waiting.update(uids)
            return
        try:
            await self._mailbox.move(uids, name)
        except ServerRefused as error:
            self._troubles.again(what)
            self._waiting.update(uids)
            log.warning("mailbox %s: mail stays in the inbox: %s", self._queue.name, error)
        else:
            self._troubles.forget(what)
