"""Support's Sent folder: what people sent without maild is read, copies of relayed answers are laid in.

A message or letter that makes trouble is tried again and then passed over: it keeps nobody waiting.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from maild.core.errors import DiskLow, StoreBusy
from maild.core.policy import Queue
from maild.desk import letters, sent
from maild.desk.desk import Desk
from maild.desk.sent import Kind
from maild.mailbox.look import Headed, guarded, named, news_in
from maild.mailbox.protocol import BATCH, ConnectionLost, Mailbox, Selected, ServerRefused
from maild.mailbox.troubles import Troubles
from maild.mime.line_ends import with_crlf
from maild.store import filings, outbox

log = logging.getLogger(__name__)

_HINDERS_ALL = (ConnectionLost, StoreBusy, DiskLow)
_COPIES = 20  # attempts at a copy, in about an hour: somebody may clear up a full mailbox
_STILL_NEWS = timedelta(days=7)  # after a change of UIDVALIDITY, when everything looks new


class Sent:
    """The Sent folder of a queue; `name` is what it is called on the server. Raises what hinders everything."""

    def __init__(self, desk: Desk, queue: Queue, mailbox: Mailbox, troubles: Troubles) -> None:
        self._desk, self._queue, self._mailbox, self._troubles = desk, queue, mailbox, troubles
        self._last: Selected | None = None
        self._seen: dict[tuple[int, int], datetime] = {}  # unclear messages, and when they were seen first

    async def look(self, name: str) -> None:
        """Take what people of support have sent without maild."""
        selected = await self._mailbox.select(name, read_only=True)
        if selected == self._last and selected.uidnext:
            return
        mark = await self._desk.store.read(filings.mark_of, self._queue.name, self._queue.sent)
        news = await news_in(self._mailbox, selected, mark)
        since = self._desk.now() - _STILL_NEWS if news.is_anew else None
        unclear: list[int] = []
        for start in range(0, len(news.new), BATCH):
            unclear += await self._take_all(selected.uidvalidity, news.new[start : start + BATCH], since)
        mark = replace(news.mark, uidnext=min([news.mark.uidnext, *unclear]))
        await self._desk.store.run(filings.set_mark, self._queue.name, self._queue.sent, mark)
        self._last = None if unclear else selected

    async def _take_all(self, uidvalidity: int, uids: list[int], since: datetime | None) -> list[int]:
        """Those that are to be looked at again. Mail from before `since` is none of the news."""
        found, refused = await guarded(self._mailbox, uids, self._troubles, ("Sent", uidvalidity))
        unclear = [uid for uid in refused if not self._is_hopeless(uidvalidity, uid)]
        for each in found:
            is_news = since is None or each.message.internaldate >= since
            if is_news and not await self._is_done(uidvalidity, each):
                unclear.append(each.message.uid)
        return unclear

    async def _is_done(self, uidvalidity: int, each: Headed) -> bool:
        what = ("sent, whole", uidvalidity, each.message.uid)
        if self._troubles.is_given_up(what):
            log.error("mailbox %s: UID %d in Sent ends each connection", self._queue.name, each.message.uid)
            return True
        try:
            return await self._take(uidvalidity, each)
        except ConnectionLost:
            self._troubles.again(what)
            raise
        except _HINDERS_ALL:
            raise
        except ServerRefused as error:
            log.warning("mailbox %s: UID %d in Sent: %s", self._queue.name, each.message.uid, error)
        except Exception:  # a bug in this message must not stop the others
            log.exception("mailbox %s: UID %d in Sent: internal error", self._queue.name, each.message.uid)
        return self._is_hopeless(uidvalidity, each.message.uid)

    def _is_hopeless(self, uidvalidity: int, uid: int) -> bool:
        is_hopeless = self._troubles.is_hopeless(("sent", uidvalidity, uid))
        if is_hopeless:
            log.error("mailbox %s: UID %d in Sent is passed over after many attempts", self._queue.name, uid)
        return is_hopeless

    async def _take(self, uidvalidity: int, each: Headed) -> bool:
        """False if it is to be looked at again: it may answer a mail that lies in the inbox and was not taken yet."""
        message = each.message
        received_at = min(message.internaldate, self._desk.now())
        envelope = sent.envelope_of(each.header, self._queue, received_at)
        kind = await sent.kind_of(self._desk, each.header, envelope)
        if kind is Kind.OWN:
            return True
        if kind is Kind.DELIVERED:
            log.warning("mailbox %s: UID %d in Sent was delivered there, not sent", self._queue.name, message.uid)
            return True
        if kind is Kind.OTHER:
            seen = self._seen.setdefault((uidvalidity, message.uid), received_at)
            return not self._queue.inbox or await sent.is_swept(self._desk, self._queue, seen)
        raw = await self._mailbox.fetch(message.uid)
        if raw is not None:
            key = f"sent:{self._queue.name}:{uidvalidity}:{message.uid}"
            await sent.take(self._desk, with_crlf(raw), envelope, key)
        return True

    async def copy(self, name: str, number: int) -> None:
        """Lay a relayed answer in, unless the relay has done that by itself. One that cannot be laid in is left out."""
        letter = await self._desk.store.read(outbox.load, number)
        if letter is None or await self._is_settled(name, letter):
            await self._desk.store.run(filings.copied, self._queue.name, number)

    async def _is_settled(self, name: str, letter: outbox.Letter) -> bool:
        """Does it lie there, or never will?"""
        what = ("copy", letter.id)
        if self._troubles.is_resting(what):
            return False
        try:
            await self._lay(name, letter)
        except _HINDERS_ALL:
            raise
        except ServerRefused as error:
            log.warning("letter %d: no copy in Sent of %s: %s", letter.id, self._queue.name, error)
            return error.code == "TOOBIG" or self._troubles.again(what) >= _COPIES
        except Exception:  # a bug in this letter must not stop the others
            log.exception("letter %d: no copy in Sent: internal error", letter.id)
            return self._troubles.again(what) >= _COPIES
        self._troubles.forget(what)
        return True

    async def _lay(self, name: str, letter: outbox.Letter) -> None:
        await self._mailbox.select(name, read_only=True)
        if not await named(self._mailbox, letter.message_id):
            copy = await letters.sent_copy(self._desk, letter, self._queue.address)
            await self._mailbox.append(name, copy, ["\\Seen"], letter.created_at)
