"""New mail of a folder on a server comes into the ledger, each message once, whatever the server and the net do.

The sweep is the truth: which UIDs are there, and which of them are not in the ledger? IDLE only says when to look.
Flags mean nothing: others read the mailbox as well.
"""

import asyncio
import logging
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from maild.core.errors import DiskLow, MaildError, Unreachable
from maild.core.mail import Door, Envelope, Mark
from maild.core.route import category_for
from maild.desk.accept import accept
from maild.desk.desk import Desk
from maild.mailbox.keeper import MailboxState
from maild.mailbox.protocol import BATCH, Mailbox, Message, Selected, ServerRefused
from maild.mailbox.special import folder_for
from maild.mime.line_ends import with_crlf
from maild.mime.stored import stored_facts
from maild.store import mailboxes
from maild.store.db import Tx
from maild.store.mailboxes import Progress

log = logging.getLogger(__name__)

SWEEP = 120.0  # seconds between two sweeps that nothing has called for
_PROBE = 30.0  # seconds of IDLE after which the server has to show that it is there
_LOOK_BACK = 1000  # UIDs: a message that showed up late, or was lost in a crash, is found all the same
_TOGETHER = 2**20  # octets of messages that are fetched by one command
_ATTEMPTS = 3  # at a message that cannot be fetched, before its beginning has to do
_BEGINNING = 256 * 2**10  # octets
_UNFETCHED = "could not be taken"
_BIG = 64 * 2**10  # octets; more than that is not for the event loop to walk through

Settled = Callable[[Mailbox, Sequence[int]], Awaitable[None]]


async def leave(mailbox: Mailbox, uids: Sequence[int]) -> None:
    """Taken messages stay as they are."""


async def mark_read(mailbox: Mailbox, uids: Sequence[int]) -> None:
    """Taken messages are marked as read."""
    await mailbox.store(uids, [r"\Seen"])


def move_to(folder: str) -> Settled:
    """Taken messages go to that folder, which is made if need be."""

    async def settled(mailbox: Mailbox, uids: Sequence[int]) -> None:
        await mailbox.create(folder)
        await mailbox.move(uids, folder)

    return settled


@dataclass(slots=True)
class Intake:
    """A folder that is read. `mailbox` is the name in the configuration, `name` that of the folder in the database.

    `category` takes the mails that no address of the desk is found in. `settled` is told of messages that are in the
    ledger and still in the folder: at once, and again after a crash. `takes_old`: also what lies there already, in
    silence. `max_size` is in octets, `disk` a path on the disk that must not fill up.
    """

    desk: Desk
    mailbox: str
    folder: str
    category: str
    max_size: int
    disk: Path
    settled: Settled = leave
    takes_old: bool = False
    mark: Mark = Mark.NONE
    name: str = ""
    _failures: Counter[int] = field(default_factory=Counter)
    _is_settled: bool = False  # has `settled` been told of everything that lay there?

    def __post_init__(self) -> None:
        self.name = self.name or self.mailbox

    async def sweep(self, mailbox: Mailbox, *, is_first: bool = False) -> None:
        """Take what is there and not in the ledger yet. Raises Unreachable, ServerRefused, StoreBusy, DiskLow.

        `is_first`: look at everything, as once on each connection; otherwise at what is new, the last thousand UIDs,
        and what failed before.
        """
        self._check_room()
        began = self.desk.now()
        if not self._is_settled:
            await self.desk.store.run(mailboxes.try_again, self.name)
        progress = await self._select(mailbox, began)
        back = 0 if is_first else min([progress.next_uid - _LOOK_BACK, *self._failures])
        await self._take_from(mailbox, progress, max(progress.first_uid, back))
        await self.desk.store.run(mailboxes.swept, self.name, began)

    async def come_back(self, mailbox: Mailbox) -> None:
        """Select the folder once more, and take what is new. Raises as `sweep`."""
        progress = await self._select(mailbox, self.desk.now())
        await self._take_from(mailbox, progress, progress.next_uid)

    async def look(self, mailbox: Mailbox) -> None:
        """Take what is new; the folder is selected already. Raises as `sweep`."""
        self._check_room()
        progress = await self.desk.store.read(mailboxes.progress, self.name)
        if progress is not None:
            await self._take_from(mailbox, progress, progress.next_uid)

    def _check_room(self) -> None:
        if shutil.disk_usage(self.disk).free < 3 * self.max_size:
            raise DiskLow(f"too little free space on {self.disk}: mail stays on its server")

    async def _select(self, mailbox: Mailbox, now: datetime) -> Progress:
        """Go to the folder; how far it has been read."""
        selected = await mailbox.select(self.folder, read_only=self.settled is leave)
        known = await self.desk.store.read(mailboxes.progress, self.name)
        if known is not None and known.uidvalidity == selected.uidvalidity:
            start = await self._with_old(known)
        else:
            self._failures.clear()
            self._is_settled = False
            start = await self._start(mailbox, selected, now) if known is None else _anew(known, selected)
            log.warning("mailbox %s: read from UID %d on", self.name, start.first_uid)
        if start != known:
            await self.desk.store.run(mailboxes.begin, start)
        return start

    async def _with_old(self, known: Progress) -> Progress:
        if not self.takes_old or known.takes_old:
            return known
        await self.desk.store.run(mailboxes.take_older, self.name)
        return replace(known, first_uid=1, silent_uid=known.first_uid, next_uid=1)

    async def _start(self, mailbox: Mailbox, selected: Selected, now: datetime) -> Progress:
        uidnext = selected.uidnext or max(await mailbox.uids(), default=0) + 1
        first = 1 if self.takes_old else uidnext
        return Progress(self.name, selected.uidvalidity, first, uidnext if self.takes_old else 0, first, now)

    async def _take_from(self, mailbox: Mailbox, progress: Progress, first: int) -> None:
        uids = await mailbox.uids(first)
        unknown = await self.desk.store.read(mailboxes.unknown, self.name, progress.uidvalidity, uids)
        if not self._is_settled:
            await self._settle_again(mailbox, progress, uids, unknown)
        self._forget_gone(first, uids)
        refused: list[ServerRefused] = []
        for lot in self._lots(unknown):
            listed = await self._listed(mailbox, progress, lot, refused)
            for group in self._groups(await self._without_older(progress, listed)):
                try:
                    await self._take(mailbox, progress, group)
                except ServerRefused as error:
                    refused.append(error)
        if refused:
            raise refused[0]  # not everything is in the ledger: again, soon

    def _forget_gone(self, first: int, uids: Sequence[int]) -> None:
        there = set(uids)
        for uid in [uid for uid in self._failures if uid >= first and uid not in there]:
            del self._failures[uid]

    def _lots(self, uids: Sequence[int]) -> list[list[int]]:
        """As many as one command names. Those that failed before come last and alone, to keep nobody waiting."""
        fresh = [uid for uid in uids if not self._failures[uid]]
        failed = sorted((uid for uid in uids if self._failures[uid]), key=lambda uid: self._failures[uid])
        return [*(fresh[start : start + BATCH] for start in range(0, len(fresh), BATCH)), *([uid] for uid in failed)]

    async def _listed(
        self, mailbox: Mailbox, progress: Progress, uids: list[int], refused: list[ServerRefused]
    ) -> list[Message]:
        """What lies there. One message that the server stumbles over must not hide the others."""
        try:
            listed = await mailbox.messages(uids)
        except ServerRefused as error:
            if len(uids) > 1:
                return [one for uid in uids for one in await self._listed(mailbox, progress, [uid], refused)]
            refused.append(error)
            listed = []
        except Unreachable:
            await self._fail(progress, uids)
            raise
        found = {message.uid for message in listed}
        await self._fail(progress, [uid for uid in uids if uid not in found])
        return listed

    async def _settle_again(
        self, mailbox: Mailbox, progress: Progress, uids: Sequence[int], unknown: Sequence[int]
    ) -> None:
        new = set(unknown)
        known = [uid for uid in uids if uid not in new]
        taken = await self.desk.store.read(mailboxes.in_ledger, self.name, progress.uidvalidity, known)
        self._is_settled = True
        await self._tell_settled(mailbox, sorted(taken))

    async def _tell_settled(self, mailbox: Mailbox, uids: Sequence[int]) -> None:
        """A server that does not do what shall become of taken mail must not keep new mail out."""
        try:
            if uids:
                await self.settled(mailbox, uids)
        except ServerRefused as error:
            self._is_settled = False
            log.warning("mailbox %s: taken mail stays where it is: %s", self.name, error)

    async def _without_older(self, progress: Progress, messages: list[Message]) -> list[Message]:
        """After a change of UIDVALIDITY all that lay there before the desk came shows up once more."""
        if progress.takes_old:
            return messages
        older = {message.uid for message in messages if progress.is_old(message.uid, message.internaldate)}
        if older:
            now = self.desk.now()
            await self.desk.store.run(mailboxes.pass_over, self.name, progress.uidvalidity, older, mailboxes.OLDER, now)
        return [message for message in messages if message.uid not in older]

    def _groups(self, messages: list[Message]) -> Iterator[list[Message]]:
        """Small messages together, large ones and troublemakers alone."""
        group: list[Message] = []
        for message in messages:
            is_alone = self._failures[message.uid] > 0 or message.size > self.max_size
            if group and (is_alone or sum(each.size for each in group) + message.size > _TOGETHER):
                yield group
                group = []
            group.append(message)
            if is_alone:
                yield group
                group = []
        if group:
            yield group

    async def _take(self, mailbox: Mailbox, progress: Progress, group: list[Message]) -> None:
        """Fetch and commit; one transaction moves the cursor and keeps the mail."""
        first, mark = group[0], self.mark
        if len(group) == 1 and (first.size > self.max_size or self._failures[first.uid] >= _ATTEMPTS):
            fetched = await self._beginning(mailbox, progress, first)
            is_whole = len(fetched.get(first.uid, b"")) >= first.size > 0
            mark = mark if is_whole and first.size <= self.max_size else Mark.CUT
        else:
            fetched = await self._fetch(mailbox, progress, [message.uid for message in group])
        there = [message for message in group if message.uid in fetched]
        told = await asyncio.gather(
            *(self._accept(progress, message, fetched[message.uid], mark) for message in there), return_exceptions=True
        )
        taken = [message.uid for message, mail in zip(there, told, strict=True) if isinstance(mail, int)]
        for uid in taken:
            self._failures.pop(uid, None)
        await self._tell_settled(mailbox, taken)
        for message, mail in zip(there, told, strict=True):
            await self._note(progress, message, mail)

    async def _note(self, progress: Progress, message: Message, mail: int | BaseException) -> None:
        """What became of a message. Raises what hinders all of them; what only this one does keeps nobody waiting."""
        if isinstance(mail, int):
            log.info("imap: mail %d from %s, UID %d, %d octets", mail, self.name, message.uid, message.size)
        elif isinstance(mail, MaildError) or not isinstance(mail, Exception):
            raise mail
        else:  # a bug
            log.error("mailbox %s: UID %d cannot be taken", self.name, message.uid, exc_info=mail)
            await self._fail(progress, [message.uid])

    async def _fetch(self, mailbox: Mailbox, progress: Progress, uids: list[int]) -> dict[int, bytes]:
        """Whole messages, of those that the server gives away."""
        try:
            fetched = await mailbox.bodies(uids)
        except (Unreachable, ServerRefused):
            await self._fail(progress, uids)
            raise
        await self._fail(progress, [uid for uid in uids if uid not in fetched])
        return fetched

    async def _beginning(self, mailbox: Mailbox, progress: Progress, message: Message) -> dict[int, bytes]:
        """What can be had of a message that is too large or broken on its server; if nothing, it is passed over.

        A server that hangs up in the middle of a message, as Dovecot does, may give its header section: asked for last.
        """
        uid = message.uid
        try:
            if self._failures[uid] >= 2 * _ATTEMPTS:
                beginning = (await mailbox.headers([uid])).get(uid)
            else:
                beginning = await mailbox.beginning(uid, _BEGINNING)
        except (Unreachable, ServerRefused):
            await self._fail(progress, [uid])
            raise
        if beginning is not None:
            return {uid: beginning}
        await self._fail(progress, [uid])
        return {}

    async def _fail(self, progress: Progress, uids: Sequence[int]) -> None:
        """Something went wrong with these messages, or with one of them; after many times they are passed over.

        Together they fail once only: from then on each is asked for alone.
        """
        self._failures.update(uids)
        for uid in uids:
            if self._failures[uid] > 2 * _ATTEMPTS:
                log.error("mailbox %s: UID %d is passed over after many attempts", self.name, uid)
                place = (self.name, progress.uidvalidity, [uid])
                await self.desk.store.run(mailboxes.pass_over, *place, _UNFETCHED, self.desk.now())
                del self._failures[uid]

    async def _accept(self, progress: Progress, message: Message, raw: bytes, mark: Mark) -> int:
        clean = with_crlf(raw) if len(raw) < _BIG else await asyncio.to_thread(with_crlf, raw)
        envelope = self._envelope(clean, message, mark, is_silent=progress.is_old(message.uid, message.internaldate))

        def move_on(tx: Tx) -> None:
            mailboxes.move_on(tx, self.name, progress.uidvalidity, message.uid)

        key = mailboxes.source_key(self.name, progress.uidvalidity, message.uid)
        return await accept(self.desk, clean, envelope, key, move_on)

    def _envelope(self, raw: bytes, message: Message, mark: Mark, *, is_silent: bool) -> Envelope:
        facts, policy = stored_facts(raw), self.desk.policy
        ours = tuple(address for address in facts.recipients if category_for(address, policy))
        return Envelope(
            mail_from=facts.mail_from,
            rcpt_tos=ours or (policy.category(self.category).address,),
            door=Door.IMAP,
            peer=self.mailbox,
            is_trusted_peer=True,
            user="",
            received_at=min(message.internaldate, self.desk.now()),
            is_silent=is_silent,
            mark=mark,
        )


@dataclass(slots=True)
class Reading:
    """The work at a mailbox that customers' mail arrives in: its folder, and beside it the server's folder for spam.

    What lies there is taken too, to be held: so it stands in the list of held mail, and can be released.
    """

    inbox: Intake
    state: MailboxState
    sweep_every: float = SWEEP
    _junk: Intake | None = None

    async def work(self, mailbox: Mailbox) -> None:
        """Sweep, wait, look, for ever. Raises what ends the connection."""
        is_first = True
        while True:
            await self.inbox.sweep(mailbox, is_first=is_first)
            self.state.went_well()
            if await self._sweep_junk(mailbox, is_first=is_first):
                await self.inbox.come_back(mailbox)
            is_first = False
            await self._wait(mailbox)

    async def _sweep_junk(self, mailbox: Mailbox, *, is_first: bool) -> bool:
        """Is another folder selected now, perhaps?"""
        try:
            folder = folder_for("\\Junk", await mailbox.folders())
            if folder is None or folder == self.inbox.folder:
                return False
            if self._junk is None or self._junk.folder != folder:
                self._junk = self._intake_of_junk(folder)
            await self._junk.sweep(mailbox, is_first=is_first)
        except ServerRefused as error:
            log.warning("mailbox %s: its folder for spam is not read now: %s", self.inbox.mailbox, error)
        return True

    def _intake_of_junk(self, folder: str) -> Intake:
        name = f"{self.inbox.mailbox}\t{Mark.JUNK}"  # no name in the configuration holds a tab
        return replace(
            self.inbox,
            folder=folder,
            name=name,
            mark=Mark.JUNK,
            settled=leave,
            takes_old=False,
            _failures=Counter(),
            _is_settled=False,
        )

    async def _wait(self, mailbox: Mailbox) -> None:
        """Until the next sweep is due, by the clock that never jumps, or by the one that deadlines are told by."""
        desk = self.inbox.desk
        end, at = time.monotonic() + self.sweep_every, desk.now() + timedelta(seconds=self.sweep_every)
        while (left := end - time.monotonic()) > 0 and desk.now() < at:
            if await mailbox.idle(min(left, _PROBE)):
                await self.inbox.look(mailbox)


def _anew(known: Progress, selected: Selected) -> Progress:
    """Other UIDs from now on (RFC 3501 §2.3.1.1): everything is looked at once more, and known mail is recognised."""
    return replace(known, uidvalidity=selected.uidvalidity, first_uid=1, next_uid=1, is_second=True)
