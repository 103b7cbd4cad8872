"""Claims letters that are due and hands them to the relay, several at once. The truth stands in the outbox table.

Knows neither SMTP nor what a letter says: a transport delivers it, the desk freezes it and hears what became of it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from maild.core.errors import StoreBusy
from maild.core.retry import next_attempt
from maild.desk import delivery, letters
from maild.desk.desk import Desk
from maild.mailout.breaker import Breaker
from maild.mailout.outcome import Delivered, Later, Never, Outcome, Transport
from maild.store import outbox

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

_POLL = 1.0  # seconds; letters of another process (the CLI) and those whose time has come ring no bell
_IDLE = 30.0  # seconds after which a worker without letters hangs up
_SLOW = 10.0  # seconds after which a letter takes no more part in what may be under way at once
_MAX_SLOW = 16  # letters: a relay that is slow with everything gets no more connections than that beside the usual ones
_STOP = 5.0  # seconds that letters in hand have at the end
_RENEW = outbox.LEASE.total_seconds() / 4  # seconds between two renewals of the leases in hand
_BUSY = 0.5  # seconds until a busy database is asked again


class RelayState:
    """How the relay does, for those who watch: `trouble` is its last word, "" while it answers."""

    def __init__(self) -> None:
        self.trouble = ""


async def run_sender(
    desk: Desk,
    make_transport: Callable[[], Transport],
    *,
    workers: int = 4,
    stop: asyncio.Event,
    state: RelayState | None = None,
) -> None:
    """Send letters until `stop`; then those in hand have 5 s. No letter and no relay makes this raise.

    `workers` letters are under way at once. One that the relay is slow with counts no longer: a tarpit holds up none
    but those who fell into it. `state` is kept up to date.
    """
    sender = _Sender(desk, make_transport, workers, state or RelayState())
    await sender.run(stop)


class _Sender:
    def __init__(self, desk: Desk, make_transport: Callable[[], Transport], workers: int, state: RelayState) -> None:
        self._desk = desk
        self._make_transport = make_transport
        self._workers = workers
        self._in_hand: dict[int, float] = {}  # since when, by the clock that never jumps
        self._queue: asyncio.Queue[outbox.Letter] = asyncio.Queue()
        self._idle = 0  # workers that wait for a letter
        self._breaker = Breaker()
        self._state = state
        self._bell = desk.wake.letters  # rung by whatever changes what can be claimed: new letters, a free worker, stop

    async def run(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = {group.create_task(self._ring_at(stop)), group.create_task(self._renew())}
            async for letter in self._claimed(stop):
                self._queue.put_nowait(letter)
                if self._queue.qsize() > self._idle:
                    worker = group.create_task(self._work())
                    tasks.add(worker)
                    worker.add_done_callback(tasks.discard)
            await self._finish()
            for task in tasks:
                task.cancel()

    async def _ring_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._bell.set()

    async def _renew(self) -> None:
        """Whoever finds a lease that has run out takes its sender for dead."""
        while True:
            await asyncio.sleep(_RENEW)
            try:
                if self._in_hand:
                    await self._desk.store.run(outbox.renew, tuple(self._in_hand), self._desk.now())
            except StoreBusy as error:
                log.warning("leases cannot be renewed: %s", error)

    async def _claimed(self, stop: asyncio.Event) -> AsyncIterator[outbox.Letter]:
        """Letters for as many workers as may work: a lease must not run out while its letter queues."""
        while not stop.is_set():
            self._bell.clear()  # before looking, so that no ring from now on is lost
            now = time.monotonic()
            room = self._breaker.room(self._room(now), len(self._in_hand), now)
            claimed = await self._claim(room) if room else []
            # A clock that was set forward, or a program that was stopped for a while, lets leases in hand run out.
            for letter in (each for each in claimed if each.id not in self._in_hand):
                self._in_hand[letter.id] = now
                yield letter
            if not room or len(claimed) < room:
                await self._listen(self._breaker.left(time.monotonic()) or _POLL)

    def _room(self, now: float) -> int:
        """How many more letters may be under way."""
        slow = sum(now - since > _SLOW for since in self._in_hand.values())
        return max(self._workers + min(slow, _MAX_SLOW) - len(self._in_hand), 0)

    async def _claim(self, limit: int) -> list[outbox.Letter]:
        try:
            return await self._desk.store.run(outbox.claim, self._desk.now(), limit, self._desk.policy.filed_addresses)
        except StoreBusy as error:
            log.warning("letters cannot be claimed: %s", error)
            return []

    async def _listen(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, _POLL)):
                await self._bell.wait()
        except TimeoutError:
            pass  # time to look without having been called

    async def _finish(self) -> None:
        """What is still in hand after that is claimed again by the next start."""
        end = time.monotonic() + _STOP
        while self._in_hand and time.monotonic() < end:
            self._bell.clear()
            await self._listen(end - time.monotonic())

    async def _work(self) -> None:
        """Send what is in the queue on one connection, until there has been nothing for a while."""
        transport = self._make_transport()
        try:
            while (letter := await self._next()) is not None:
                try:
                    await self._send(letter, transport)
                finally:
                    del self._in_hand[letter.id]
                    self._bell.set()
        finally:
            await transport.close()

    async def _next(self) -> outbox.Letter | None:
        """A letter; None for a worker that is not needed any more."""
        if self._queue.empty() and self._idle >= self._workers:
            return None
        self._idle += 1
        try:
            async with asyncio.timeout(_IDLE):
                return await self._queue.get()
        except TimeoutError:
            return None if self._queue.empty() else self._queue.get_nowait()  # it may have come at that very moment
        finally:
            self._idle -= 1

    async def _send(self, letter: outbox.Letter, transport: Transport) -> None:
        """One attempt, from the claim to the outbox row that says how it ended."""
        try:
            if letter.frozen is None and await _patiently(delivery.is_pointless, self._desk, letter):
                return
            outcome = await self._attempt(letter, transport)
            self._look_after_relay(outcome)
        except Exception:  # a bug in this letter must not stop the others
            log.exception("letter %d: internal error", letter.id)
            outcome = Later("internal error")
        try:
            await self._settle(letter, outcome)
        except Exception:  # the same; the letter comes back when its lease has run out
            log.exception("letter %d: its outcome cannot be written down", letter.id)

    async def _attempt(self, letter: outbox.Letter, transport: Transport) -> Outcome:
        frozen = letter if letter.frozen is not None else await _patiently(letters.freeze, self._desk, letter)
        if frozen.frozen is None or frozen.mail_from is None:
            raise ValueError("a letter came back from freezing without its bytes")
        return await transport.deliver(frozen.mail_from, frozen.to_address, frozen.frozen)

    def _look_after_relay(self, outcome: Outcome) -> None:
        if not (isinstance(outcome, Later) and outcome.is_relay_down):
            self._state.trouble = ""
            if self._breaker.answered():
                log.info("the relay answers again")
            return
        now = time.monotonic()
        self._state.trouble = outcome.reply
        if self._breaker.failed(now):
            log.warning("the relay is asked again in %.0f s: %s", self._breaker.left(now), outcome.reply)

    async def _settle(self, letter: outbox.Letter, outcome: Outcome) -> None:
        match outcome:
            case Delivered():
                _report(letter, "delivered", outcome)
                await _patiently(delivery.delivered, self._desk, letter, outcome.reply)
            case Never():
                await self._give_up(letter, outcome)
            case Later():
                delay = self._delay(letter, outcome)
                if delay is None:
                    await self._give_up(letter, outcome)
                else:
                    _report(letter, "postponed", outcome)
                    at = self._desk.now() + delay
                    is_unseen = _is_unseen(letter, outcome)
                    await _patiently(delivery.postponed, self._desk, letter, outcome.reply, at, is_unseen=is_unseen)

    async def _give_up(self, letter: outbox.Letter, outcome: Never | Later) -> None:
        _report(letter, "given up", outcome)
        is_unseen = _is_unseen(letter, outcome)
        await _patiently(delivery.gave_up, self._desk, letter, outcome.reply, is_unseen=is_unseen)

    def _delay(self, letter: outbox.Letter, outcome: Later) -> timedelta | None:
        """While the relay is down only the breaker slows us: once it is back no letter shall wait for an hour."""
        age = self._desk.now() - letter.created_at
        delay = next_attempt(letter.attempts, age)
        if delay is None or not outcome.is_relay_down:
            return delay
        return min(delay, timedelta(seconds=self._breaker.left(time.monotonic())))


def _is_unseen(letter: outbox.Letter, outcome: Never | Later) -> bool:
    """Has nobody seen a byte of it: not now, and not before, since its bytes would have been there already?"""
    return letter.frozen is None and (outcome.is_unseen if isinstance(outcome, Never) else outcome.is_relay_down)


async def _patiently(call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the desk returns, as soon as the database is not too busy for it."""
    while True:
        try:
            return await call(*args, **kwargs)
        except StoreBusy as error:
            log.warning("the database is busy: %s", error)
            await asyncio.sleep(_BUSY)


def _report(letter: outbox.Letter, what: str, outcome: Outcome) -> None:
    """One line per attempt; the reply's text may hold addresses, so only its code is told."""
    code = outcome.reply[:3]
    log.info("letter %d: %s %s", letter.id, what, code if code.isdigit() else "-")
