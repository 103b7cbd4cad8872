"""Who is waited for before the writer is asked, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable

from maild.store.crowd import Crowd

Play = Callable[[Crowd[str], list[str]], Awaitable[None]]


def played(play: Play) -> None:
    """Let it act with a crowd and what the crowd has handed over so far."""

    async def go() -> None:
        handed: list[str] = []
        await play(Crowd(asyncio.get_running_loop(), handed.append), handed)

    asyncio.run(go())


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def seconds_until(is_so: Callable[[], bool]) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not is_so():
        assert loop.time() < began + 5
        await asyncio.sleep(0)
    return loop.time() - began


def test_what_is_asked_in_one_turn_goes_over_together_at_its_end() -> None:
    async def play(crowd: Crowd[str], handed: list[str]) -> None:
        crowd.add("a")
        crowd.add("b")
        assert handed == []
        await turns()
        assert handed == ["a", "b"]

    played(play)


def test_who_is_about_to_ask_is_waited_for() -> None:
    async def play(crowd: Crowd[str], handed: list[str]) -> None:
        crowd.expect("B")
        crowd.expect("C")
        crowd.add("a")
        await turns()
        crowd.forget("B")
        crowd.add("b")
        await turns()
        assert handed == []
        crowd.forget("C")
        crowd.add("c")
        await turns()
        assert handed == ["a", "b", "c"]

    played(play)


def test_who_goes_without_asking_holds_up_nobody() -> None:
    async def play(crowd: Crowd[str], handed: list[str]) -> None:
        crowd.expect("B")
        crowd.add("a")
        await turns()
        crowd.forget("B")
        crowd.forget("B")
        await turns()
        assert handed == ["a"]

    played(play)


def test_who_is_late_is_waited_for_a_moment_and_only_once() -> None:
    async def play(crowd: Crowd[str], handed: list[str]) -> None:
        crowd.expect("late")
        crowd.add("a")
        assert await seconds_until(lambda: handed == ["a"]) >= 0.003
        crowd.add("b")
        await turns()
        assert handed == ["a", "b"]
        crowd.expect("late")
        crowd.add("c")
        await turns()
        assert handed == ["a", "b"], "he has been announced anew"

    played(play)
