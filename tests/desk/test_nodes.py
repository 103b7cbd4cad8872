"""Two nodes on one PostgreSQL decide on the same tickets at the same moment: each is decided on once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pytest

from maild.core.errors import StoreBusy
from maild.core.tokens import Action, Claim, action_token, new_nonce, page_nonce
from maild.desk import act
from maild.desk.accept import accept
from maild.desk.clock import close_due
from maild.desk.delivery import delivered
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.store import ledger, lists, outbox
from tests.factory import make_desk
from tests.values import NOW, OLGA, WINDOW, make_envelope

EDGE = NOW + WINDOW
TICK = timedelta(microseconds=1)

T = TypeVar("T")


@contextmanager
def on_both(folder: Path, url: str) -> Iterator[tuple[Desk, Desk]]:
    """Two desks on that database, whose clocks stand still."""
    with ExitStack() as stack:
        for name in ("a", "b"):
            (folder / name).mkdir()
        first, second = (stack.enter_context(make_desk(folder / name, url, now=lambda: NOW)) for name in ("a", "b"))
        yield first, second


async def solve(desk: Desk, count: int) -> list[int]:
    """So many solved tickets whose letters have gone out."""
    numbers = [
        await act.open_towards(desk, "cli", OLGA, category="billing", topic="", subject=f"{n}", words="Вот.")
        for n in range(count)
    ]
    await asyncio.gather(*(act.speak(desk, number, "cli", solves=True) for number in numbers))
    while letters := await desk.store.run(outbox.claim, NOW, 100):
        for letter in letters:
            await delivered(desk, letter, "250")
    return numbers


def batched(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    """`itertools.batched` of Python 3.12."""
    left = iter(numbers)
    while group := list(islice(left, size)):
        yield group


async def patiently(do: Callable[[], Awaitable[T]]) -> T:
    """Again while the other node is slow to let go of what it holds: a page says so, a job comes again."""
    while True:
        try:
            return await do()
        except StoreBusy:
            continue


async def press(desk: Desk, number: int) -> None:
    token = action_token(desk.keys, Claim(number, OLGA.address, Action.CONTINUE))
    nonce = page_nonce(desk.keys, token, new_nonce(number.to_bytes(10)), NOW + WINDOW)
    await patiently(lambda: act.click(desk, token, nonce))


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.soak)])
def test_a_click_and_the_closing_job_never_both_win(tmp_path: Path, postgres_url: str, count: int) -> None:
    async def race(clicking: Desk, closing: Desk) -> None:
        numbers = await solve(clicking, count)
        # The clocks of two machines differ by a moment: whose decision comes first is for the lock to say.
        closing.now, clicking.now = (lambda: EDGE), (lambda: EDGE - TICK)

        meets = asyncio.Event()

        async def click_all() -> None:
            for position, group in enumerate(
                batched(reversed(numbers), 4)
            ):  # newest first; the job closes oldest first
                if position * 4 >= count // 3:
                    meets.set()
                await asyncio.gather(*(press(clicking, number) for number in group))

        async def close_all() -> int:
            await meets.wait()
            return sum([await patiently(lambda: close_due(closing)) for _ in range(20)])

        closed, _ = await asyncio.gather(close_all(), click_all())
        ends = []
        letters_of: dict[int | None, Counter[str]] = defaultdict(Counter)
        for row in await closing.store.read(outbox.rows):
            letters_of[row.ticket][row.letter] += 1
        for number in numbers:
            history = [row.event for row in await closing.store.read(lists.events_of, number)]
            ticket = await closing.store.read(lists.ticket_row, number)
            assert ticket is not None
            ends.append((ticket.status, history.count("closed"), history.count("reopened")))
            letters = letters_of[number]
            assert (letters["closed"], letters["reopened"]) == ends[-1][1:], "exactly one letter, and that of the end"
        assert set(ends) == {("closed", 1, 0), ("open", 0, 1)}, "one of them, and each of them somewhere"
        assert sum(end[0] == "closed" for end in ends) == closed

    with on_both(tmp_path, postgres_url) as nodes:
        asyncio.run(race(*nodes))


def test_an_answer_waits_until_another_node_has_understood_what_it_answers(tmp_path: Path, postgres_url: str) -> None:
    async def two_nodes(first: Desk, second: Desk) -> None:
        mail = b"From: olga@client.example\r\nMessage-ID: <%s@client.example>\r\n%s\r\nWords.\r\n"
        await accept(first, mail % (b"one", b""), make_envelope())
        [question] = await first.store.run(ledger.claim, NOW, 1)
        await accept(second, mail % (b"two", b"In-Reply-To: <one@client.example>\r\n"), make_envelope())
        assert await receive_waiting(second) == 1
        assert (await second.store.read(ledger.depth))["spooled"] == 2, "it waits, and nothing is wrong with it"
        await first.store.run(ledger.put_off, question, NOW)
        assert await receive_waiting(first) == 1
        second.now = lambda: NOW + timedelta(seconds=1)
        assert await receive_waiting(second) == 1
        assert len(await second.store.read(lists.ticket_rows)) == 1
        assert len(await second.store.read(lists.messages_of, 1)) == 2

    with on_both(tmp_path, postgres_url) as nodes:
        asyncio.run(two_nodes(*nodes))
