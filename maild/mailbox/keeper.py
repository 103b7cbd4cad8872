"""Keeps a connection to a mailbox while this node holds its lease, whatever happens. What is done there it is told.

One node at a time: a lease runs out by itself, so that another takes over within a minute when this one is gone.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from maild.core.errors import MaildError, StoreBusy
from maild.desk.desk import Desk
from maild.desk.mailbox_note import tell_of_mailbox
from maild.mailbox.login import Place, connect
from maild.mailbox.protocol import LoginRefused, Mailbox
from maild.store import leases

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=40)
_RENEW = 10.0  # seconds between two renewals, and between two looks at a lease that another node holds
_SURE = 0.75  # of a lease, counted from before it was asked for; what is under way ends in the rest
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds before the next attempt, doubled each time
_LOGIN_PAUSE = 300.0  # seconds: a server that refuses a password locks the account of who asks too often
_ALARM = 2  # logins refused in a row


@dataclass(slots=True)
class MailboxState:
    """How a mailbox does, for those who watch. `trouble` is "" while all is well.

    `category` is whose team is told when a login is refused again and again, "" for the default one; nobody is told of
    a mailbox in shadow.
    """

    name: str
    category: str = ""
    is_shadow: bool = False
    trouble: str = ""
    is_elsewhere: bool = False  # another node keeps it
    is_connected: bool = False
    refusals: int = 0  # logins refused in a row

    def went_well(self) -> None:
        """Something that proves it has just been done there."""
        self.trouble, self.refusals = "", 0

    @property
    def needs_admin(self) -> bool:
        """Will it not mend by itself?"""
        return self.refusals >= _ALARM


Work = Callable[[Mailbox], Awaitable[None]]  # says `MailboxState.went_well` each time it has achieved something


class _LeaseLost(Exception):
    """Somebody else holds the mailbox now, or nobody knows."""


async def keep(desk: Desk, place: Place, work: Work, state: MailboxState, holder: str) -> None:
    """Do `work` on a connection to the mailbox, again and again, until cancelled; nothing that happens there raises.

    `holder` names this node: whoever has the lease `mailbox:NAME` works, the others look every 10 seconds.
    """
    keeper = _Keeper(desk, place, work, state, holder)
    try:
        await keeper.run()
    finally:
        await keeper.give_back()


class _Keeper:
    def __init__(self, desk: Desk, place: Place, work: Work, state: MailboxState, holder: str) -> None:
        self._desk, self._place, self._work, self._state = desk, place, work, state
        self._holder = holder
        self._lease = f"mailbox:{state.name}"
        self._pause = _FIRST_PAUSE
        self._end = 0.0  # by the event loop's clock: until then nobody else can have the lease

    async def run(self) -> None:
        while True:
            try:
                if not await self._take_lease():
                    await asyncio.sleep(_RENEW)
                    continue
                await self._work_once()
            except LoginRefused as error:
                await self._refused(error)
            except MaildError as error:
                self._fail(error)
                log.warning("mailbox %s: %s", self._state.name, error)
            except _LeaseLost:
                log.warning("mailbox %s: another node may have it now", self._state.name)
                continue
            except Exception as error:  # a bug here must not stop the desk: it shows, and the next attempt may do
                self._fail(error)
                log.exception("mailbox %s", self._state.name)
            await self._rest()

    async def _take_lease(self) -> bool:
        now, end = self._desk.now(), asyncio.get_running_loop().time() + LEASE.total_seconds() * _SURE
        has_it = await self._desk.store.run(leases.take, self._lease, self._holder, now, LEASE)
        self._state.is_elsewhere = not has_it
        self._end = end if has_it else self._end
        return has_it

    async def _work_once(self) -> None:
        async with self._holding(), _connected(self._place) as mailbox:
            self._state.is_connected = True
            log.info("mailbox %s: connected", self._state.name)
            try:
                await self._work(mailbox)
            finally:
                self._state.is_connected = False

    @contextlib.asynccontextmanager
    async def _holding(self) -> AsyncIterator[None]:
        """Renew the lease all the time. Raises _LeaseLost in the middle of the work when that fails."""
        worker = asyncio.current_task()
        lost = False

        def stop(renewing: "asyncio.Task[None]") -> None:
            nonlocal lost
            if not renewing.cancelled() and worker is not None:
                lost = True
                worker.cancel()

        renewing = asyncio.create_task(self._renew())
        renewing.add_done_callback(stop)
        try:
            yield
        except asyncio.CancelledError:
            if lost and worker is not None and worker.uncancel() == 0:
                raise _LeaseLost from None
            raise
        finally:
            renewing.remove_done_callback(stop)
            renewing.cancel()

    async def _renew(self) -> None:
        """Ends when the lease is lost, or before it is over: the database may answer late, or not at all."""
        clock = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(_RENEW, self._end - clock.time()))
            try:
                async with asyncio.timeout_at(self._end):
                    if not await self._take_lease():
                        return
            except (StoreBusy, TimeoutError) as error:
                log.warning("mailbox %s: the lease cannot be renewed: %s", self._state.name, error or "no answer")
                if clock.time() >= self._end:
                    return

    async def _refused(self, error: LoginRefused) -> None:
        self._fail(error)
        self._state.refusals += 1
        level = logging.ERROR if self._state.needs_admin else logging.WARNING
        log.log(level, "mailbox %s: login refused, time %d: %s", self._state.name, self._state.refusals, error)
        if self._state.needs_admin and not self._state.is_shadow:
            try:
                name = self._state.name.partition("\t")[0]  # without what is done there
                await tell_of_mailbox(self._desk, name, self._state.category)
            except StoreBusy as busy:
                log.warning("mailbox %s: nobody is told now: %s", self._state.name, busy)

    def _fail(self, error: Exception) -> None:
        if not self._state.trouble:
            self._pause = _FIRST_PAUSE
        self._state.trouble = str(error) if isinstance(error, MaildError) else type(error).__name__

    async def _rest(self) -> None:
        """Longer each time, and not all nodes and mailboxes at once."""
        pause = _LOGIN_PAUSE if self._state.needs_admin else self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    async def give_back(self) -> None:
        """So that another node, or the next start, need not wait."""
        try:
            await self._desk.store.run(leases.give_back, self._lease, self._holder)
        except StoreBusy:
            log.warning("mailbox %s: the lease runs out by itself", self._state.name)


@contextlib.asynccontextmanager
async def _connected(place: Place) -> AsyncIterator[Mailbox]:
    mailbox = await connect(place)
    try:
        yield mailbox
    except asyncio.CancelledError:
        mailbox.close()  # no time for manners
        raise
    except BaseException:
        mailbox.close()
        raise
    else:
        await mailbox.logout()
