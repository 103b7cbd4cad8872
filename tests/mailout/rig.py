"""A desk with letters to send, and its sender at work, for the tests of this folder."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Self

from maild.core.effects import OpenTicket, Send
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.rounds import round_context
from maild.core.tokens import Purpose
from maild.desk.apply import queue_letter
from maild.desk.desk import Desk, utc_now
from maild.mailout.outcome import Transport
from maild.mailout.sender import run_sender
from maild.store import outbox, tickets
from maild.store.db import Tx
from tests.servers import until


class Rig:
    """The outbox of a desk, whose clock can be put forward."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._shift = timedelta(0)
        desk.now = self._now

    def _now(self) -> datetime:
        return utc_now() + self._shift

    def later(self, shift: timedelta) -> Self:
        """Put the desk's clock forward."""
        self._shift += shift
        return self

    async def queue(self, *addresses: str, rings: bool = True) -> None:
        """An acknowledgement to each of these customers, in a ticket of his own."""
        await self.desk.store.run(self._queue, addresses)
        if rings:
            self.desk.wake.letters.set()

    def _queue(
        self,
        tx: Tx,
        addresses: Iterable[str],
        letter: Letter = Letter.ACKNOWLEDGEMENT,
        context: Mapping[str, object] | None = None,
    ) -> None:
        now = self.desk.now()
        for address in addresses:
            person = Mailbox("", address)
            number = tickets.open_ticket(tx, OpenTicket("Нет счёта", "billing", "", (person,), "ru"), now)
            send = Send(letter, number, person, Purpose.CUSTOMER, "ru", context=context or {})
            queue_letter(tx, self.desk, send, number, None, now)

    async def queue_round(self, address: str, letter: Letter = Letter.SOLVED) -> None:
        """A letter about a round that starts now."""
        await self.desk.store.run(self._queue, (address,), letter, round_context(self.desk.policy, self._now()))

    async def rows(self) -> dict[str, outbox.OutboxRow]:
        """The outbox by recipient."""
        return {row.to: row for row in await self.desk.store.read(outbox.rows)}

    async def until(self, is_so: Callable[[dict[str, outbox.OutboxRow]], bool], seconds: float = 120) -> None:
        """Wait until the outbox is as wanted."""

        def ask() -> bool:
            return is_so({row.to: row for row in self.desk.store.read_now(outbox.rows)})

        await asyncio.to_thread(until, ask, "the outbox as wanted", seconds)

    async def until_state(self, state: str, seconds: float = 120) -> None:
        """Wait until every letter is in that state."""
        await self.until(lambda rows: {row.state for row in rows.values()} == {state}, seconds)


@asynccontextmanager
async def sending(
    rig: Rig, make_transport: Callable[[], Transport], workers: int = 4
) -> AsyncIterator[asyncio.Task[None]]:
    """A sender at work as long as the block lasts."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_sender(rig.desk, make_transport, workers=workers, stop=stop))
    try:
        yield task
    finally:
        stop.set()
        await task
