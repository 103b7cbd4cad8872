"""The CPU that single steps take, measured in this process: taking a mail, understanding it, writing its letters."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bench import mails
from bench.growth import envelope, open_desk
from bench.servers import configure
from maild.core.letter import Letter
from maild.desk import letters
from maild.desk.accept import accept
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.mime.compose import Outgoing, compose
from maild.mime.parse import parse
from maild.mime.render import Renderer, templates_dir
from maild.mime.samples import sample_context
from maild.store import outbox

T = TypeVar("T")

LANGUAGES = ("ru", "en")
OF_A_TICKET = (Letter.ACKNOWLEDGEMENT, Letter.NEW_TICKET)  # what every new ticket calls forth
_AT_ONCE = 10  # mails at the door
_CLAIM = 4  # letters that the sender has in hand


def parse_cost(make: Callable[[int], bytes], count: int) -> float:
    """Milliseconds of CPU for each of `count` different mails."""
    made = [make(number) for number in range(count + 1)]
    parse(made.pop())
    return _milliseconds(parse, made)


def letter_cost(rounds: int, kinds: Sequence[Letter] = tuple(Letter)) -> float:
    """Milliseconds of CPU for one letter, templates and RFC 5322 bytes: the mean of the kinds in both languages."""
    renderer = Renderer(templates_dir())
    each = [(letter, language) for letter in kinds for language in LANGUAGES]
    for kind in each:  # templates are compiled at their first use
        _write(renderer, *kind)
    return _milliseconds(lambda kind: _write(renderer, *kind), each * rounds)


def stage_costs(count: int) -> tuple[float, float, float]:
    """Milliseconds of CPU for a mail of 4 KB on SQLite, all threads and the database included.

    Of taking it, of understanding and deciding, and of writing its two letters down for the relay.
    """
    with TemporaryDirectory(prefix="maild-bench-") as name, open_desk(configure(Path(name), relay=25)) as desk:
        asyncio.run(_stages(desk, 0, _AT_ONCE))  # templates are compiled at their first use
        taken, decided, written = asyncio.run(_stages(desk, _AT_ONCE, count))
    return taken / count, decided / count, written / count


async def _stages(desk: Desk, first: int, count: int) -> tuple[float, float, float]:
    raws = iter([mails.text_mail(number) for number in range(first, first + count)])

    async def client() -> None:
        for raw in raws:
            await accept(desk, raw, envelope(desk, raw))

    async def take() -> None:
        await asyncio.gather(*(client() for _ in range(_AT_ONCE)))

    async def decide() -> None:
        while await receive_waiting(desk):
            pass

    async def write() -> None:
        while claimed := await desk.store.run(outbox.claim, desk.now(), _CLAIM):
            await asyncio.gather(*(letters.freeze(desk, letter) for letter in claimed))

    return await _spent(take), await _spent(decide), await _spent(write)


async def _spent(act: Callable[[], Awaitable[None]]) -> float:
    started = time.process_time()
    await act()
    return (time.process_time() - started) * 1000


def _write(renderer: Renderer, letter: Letter, language: str) -> bytes:
    rendered = renderer.letter(letter, language, sample_context(letter, language))
    return compose(
        Outgoing(
            from_name="Кактус",
            from_address=mails.TO,
            to_name="Иван Петров",
            to_address=mails.author(1),
            reply_to="",
            subject=rendered.subject,
            date=datetime(2026, 11, 23, tzinfo=UTC),
            message_id=mails.message_id(1),
            references=(mails.message_id(2),),
            text=rendered.text,
            html=rendered.html,
        )
    )


def _milliseconds(do: Callable[[T], object], things: Sequence[T]) -> float:
    started = time.process_time()
    for thing in things:
        do(thing)
    return (time.process_time() - started) * 1000 / len(things)
