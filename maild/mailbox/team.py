"""The shared mailbox as the queue of support: letters are put into it, moves in it are obeyed, answers in Sent kept.

One turn after the other, each from what the database and the mailbox say at that moment: what a crash has cut in two is
found half done and brought to its end. What has to be decided is decided by the desk.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from maild.core.errors import MaildError, Transient
from maild.core.folders import folders_of, is_keyword_of_ours
from maild.core.policy import Queue
from maild.core.retry import next_attempt
from maild.desk import delivery, filing, letters
from maild.desk.desk import Desk
from maild.desk.filing import Misplaced
from maild.mailbox.inbox import Inbox
from maild.mailbox.keeper import MailboxState
from maild.mailbox.look import Lookout, is_deleted, named
from maild.mailbox.places import Places, find_places
from maild.mailbox.protocol import BATCH, ConnectionLost, Mailbox, Message, ServerRefused
from maild.mailbox.sent import Sent
from maild.mailbox.troubles import Troubles
from maild.store import filings, outbox
from maild.store.filings import Filing

log = logging.getLogger(__name__)

_LONGEST_LOOK = 5.0  # seconds between two looks at all folders
_PAUSE = 0.5  # seconds between two turns; what there is to do stands in the database
_LETTERS = 5  # claimed at once
_SEARCHED = 20  # letters that are looked for everywhere in one turn before they count as deleted
_PUT_OFF = timedelta(minutes=5)  # a move that cannot be obeyed
_DELETED_AFTER = timedelta(seconds=10)  # beside the delay of moves: programs move in two steps


@dataclass(slots=True)
class Keeping:
    """The work at a mailbox that is the queue of support, on one connection after the other."""

    desk: Desk
    queue: Queue
    state: MailboxState
    _troubles: Troubles = field(init=False)

    def __post_init__(self) -> None:
        self._troubles = Troubles(self.desk.now)

    async def work(self, mailbox: Mailbox) -> None:
        """One turn after the other, for ever. Raises what ends the connection."""
        team = Team(self.desk, self.queue, mailbox, self._troubles)
        await team.begin()
        while True:
            await team.turn()
            self.state.went_well()
            await asyncio.sleep(_PAUSE)


class Team:
    """A mailbox on an open connection. `begin` first, then `turn` again and again; both raise what `Mailbox` does.

    `troubles` are those there were on earlier connections.
    """

    def __init__(self, desk: Desk, queue: Queue, mailbox: Mailbox, troubles: Troubles | None = None) -> None:
        self._desk, self.queue, self._mailbox = desk, queue, mailbox
        self._troubles = troubles = troubles or Troubles(desk.now)
        self._lookout = Lookout(mailbox, troubles)
        self._sent = Sent(desk, queue, mailbox, troubles)
        self._places = Places({}, "")
        self._inbox = Inbox(desk, queue, mailbox, troubles) if queue.inbox else None
        self._next_look = 0.0
        self._takes_keywords = True

    async def begin(self) -> None:
        """Folders are there; what may lie wrongly is looked at."""
        self._places = await find_places(self._mailbox, self.queue, self._desk.policy)
        await filing.take_up(self._desk, self.queue)
        self._next_look = 0.0  # a folder needs its mark before something is put into it

    async def turn(self, *, looks: bool = False) -> None:
        """Everything that is to be done now. `looks`: look at the folders, however short ago that was."""
        if self._places.names.keys() != set(folders_of(self.queue, self._desk.policy)):
            await self.begin()  # the admin has reloaded the categories
        work = await filing.work_in(self._desk, self.queue)
        if looks or work.moves or time.monotonic() >= self._next_look:
            await self._look()
            work = await filing.work_in(self._desk, self.queue)
        for move in work.moves:
            await self._maybe_obey(move)
        if work.has_letters:
            await self._file_letters()
        if work.has_misplaced or work.moves:
            await self._put_right()
        for letter in work.copies:
            await self._sent.copy(self._places.sent, letter)

    async def _look(self) -> None:
        """At all folders, in their order: what left one before it was looked at has reached the next, or will be seen
        there in the next turn."""
        found = []
        for folder, name in self._places.names.items():
            mark = await self._desk.store.read(filings.mark_of, self.queue.name, folder)
            seen = await self._lookout.look(folder, name, mark)
            if seen is not None:
                found.append(seen)
        if found:
            await filing.observe(self._desk, self.queue, found)
        is_more = await self._look_for_missing()
        await self._sent.look(self._places.sent)
        if self._inbox is not None:
            await self._inbox.clear(self._places)
        delay = self.queue.move_delay.total_seconds() / 2
        self._next_look = 0.0 if is_more else time.monotonic() + min(max(delay, 0.5), _LONGEST_LOOK)

    async def _look_for_missing(self) -> bool:
        """What was copied first and removed long after has been seen in its new place already, as a copy.

        Whether there is more to be looked for.
        """
        before = self._desk.now() - self.queue.move_delay - _DELETED_AFTER
        missing = await self._desk.store.read(filings.missing_before, self.queue.name, before)
        for letter in missing[:_SEARCHED]:
            for folder, name in self._places.names.items():
                selected = await self._mailbox.select(name, read_only=True)
                if uids := await named(self._mailbox, letter.message_id):
                    await filing.turned_up(self._desk, self.queue, folder, selected.uidvalidity, uids[-1], letter)
                    break
        if missing:
            await filing.note_deleted(self._desk, self.queue, missing[:_SEARCHED])
        return len(missing) > _SEARCHED

    async def _maybe_obey(self, move: Filing) -> None:
        try:
            await self._obey(move)
        except Transient:
            raise
        except Exception:  # a bug with this ticket must not stop the others
            log.exception("mailbox %s: a move in ticket %s cannot be obeyed", self.queue.name, move.ticket)
            await self._desk.store.run(filings.put_off, move.id, self._desk.now() + _PUT_OFF)

    async def _obey(self, move: Filing) -> None:
        """Unless it is only a copy, its first place being filled still, or has gone from where it was moved to."""
        is_copy = await self._is_at(move.folder, move.uidvalidity, move.uid)
        if is_copy or not await self._is_at(move.to_folder, move.to_uidvalidity, move.to_uid):
            await self._desk.store.run(filings.move_undone, move.id)
        else:
            await filing.obey(self._desk, move, self.queue)

    async def _is_at(self, folder: str | None, uidvalidity: int | None, uid: int | None) -> bool:
        name = self._places.names.get(folder or "")
        if name is None or not uid:
            return False
        selected = await self._mailbox.select(name, read_only=True)
        if selected.uidvalidity != uidvalidity:
            return False
        return any(not is_deleted(each.flags) for each in await self._mailbox.messages([uid]))

    async def _file_letters(self) -> None:
        claimed = await self._desk.store.run(outbox.claim_filed, self._desk.now(), _LETTERS, self.queue.address)
        for letter in claimed:
            try:
                await self._file(await letters.freeze(self._desk, letter))
            except ConnectionLost:
                await delivery.postponed(self._desk, letter, "the connection was lost", self._desk.now())
                raise
            except ServerRefused as error:
                await self._postpone(letter, str(error))
            except MaildError:
                raise
            except Exception:  # a bug in this letter must not stop the others
                log.exception("letter %d: internal error", letter.id)
                await self._postpone(letter, "internal error")
        self._next_look = 0.0  # to learn the UIDs

    async def _file(self, letter: outbox.Letter) -> None:
        """Into its folder, once: what an earlier attempt may have put there is looked for."""
        place, keywords, was_begun = await filing.place_for(self._desk, self.queue, letter)
        if place.state == "begun" and not (was_begun and await self._lies_in(place)):
            name = self._places.names.get(place.folder, self._places.names[self.queue.new])
            await self._append(name, letter, sorted(keywords))
        await filing.filed(self._desk, place, letter)
        log.info("letter %d: filed in %s", letter.id, self.queue.name)

    async def _lies_in(self, place: Filing) -> bool:
        name = self._places.names.get(place.folder)
        if name is None:
            return False
        await self._mailbox.select(name, read_only=True)
        return bool(await named(self._mailbox, place.message_id))

    async def _append(self, name: str, letter: outbox.Letter, keywords: Sequence[str]) -> None:
        if letter.frozen is None:
            raise ValueError("a letter came back from freezing without its bytes")
        flags = keywords if self._takes_keywords else ()
        try:
            await self._mailbox.append(name, letter.frozen, flags, letter.created_at)
        except ServerRefused:
            if not flags:
                raise
            await self._mailbox.append(name, letter.frozen, (), letter.created_at)
            self._takes_keywords = False

    async def _postpone(self, letter: outbox.Letter, reply: str) -> None:
        now = self._desk.now()
        delay = next_attempt(letter.attempts, now - letter.created_at)
        log.warning("letter %d: cannot be filed in %s", letter.id, self.queue.name)
        if delay is None:
            await delivery.gave_up(self._desk, letter, reply)
        else:
            await delivery.postponed(self._desk, letter, reply, now + delay)

    async def _put_right(self) -> None:
        """Letters whose ticket has changed go where they belong, with its keywords."""
        groups: dict[tuple[str, str], list[Misplaced]] = defaultdict(list)
        for letter in await filing.misplaced(self._desk, self.queue, BATCH):
            groups[letter.filing.folder, letter.folder].append(letter)
        for (folder, target), group in groups.items():
            if not self._troubles.is_resting((folder, target)):
                await self._try_group(folder, target, group)

    async def _try_group(self, folder: str, target: str, group: list[Misplaced]) -> None:
        """A folder that nothing can be moved into, or out of, must not keep the others from what is to be done."""
        try:
            await self._put_group_right(folder, target, group)
        except ServerRefused as error:
            self._troubles.again((folder, target))
            await filing.not_moved(self._desk, group)
            log.warning("mailbox %s: letters stay in %s: %s", self.queue.name, folder, error)
        else:
            self._troubles.forget((folder, target))

    async def _put_group_right(self, folder: str, target: str, group: list[Misplaced]) -> None:
        name = self._places.name_of(folder)
        try:
            selected = await self._mailbox.select(name)
        except ServerRefused:
            log.warning("mailbox %s: a folder has gone", self.queue.name)
            await filing.put_right(self._desk, self.queue, [], gone=group)
            return
        good = [one for one in group if one.filing.uidvalidity == selected.uidvalidity]
        there = {each.uid: each for each in await self._mailbox.messages([one.filing.uid for one in good])}
        present = [one for one in good if one.filing.uid in there]
        await self._mark([(one, there[one.filing.uid]) for one in present])
        if folder != target and present:
            await filing.about_to_move(self._desk, present, target)
            await self._mailbox.move([one.filing.uid for one in present], self._places.names[target])
            self._next_look = 0.0
        missing = [one for one in group if one not in present]
        await filing.put_right(self._desk, self.queue, present, gone=missing)

    async def _mark(self, found: Sequence[tuple[Misplaced, Message]]) -> None:
        """Keywords for what changes by itself. A server that keeps none does without."""
        changes: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for letter, message in found:
            ours = {flag for flag in message.flags if is_keyword_of_ours(flag)}
            wanted = {flag.lower(): flag for flag in letter.keywords}
            for flag in ours:
                if flag.lower() not in wanted:
                    changes[flag, False].append(message.uid)
            for flag in wanted.values():
                if flag.lower() not in {one.lower() for one in ours}:
                    changes[flag, True].append(message.uid)
        try:
            for (flag, is_set), uids in changes.items():
                if self._takes_keywords:
                    await self._mailbox.store(uids, [flag], is_set=is_set)
        except ServerRefused:
            self._takes_keywords = False
