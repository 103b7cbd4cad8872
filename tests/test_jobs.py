"""The clock's jobs: one that fails stops no other, is told, and runs again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from maild import jobs as module
from maild.core.errors import StoreBusy
from maild.jobs import Job, Jobs

SELDOM = 3600


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become hundredths."""
    monkeypatch.setattr(module, "_TICK", 0.01)
    monkeypatch.setattr(module, "_AGAIN", 0.1)


@asynccontextmanager
async def running(*jobs: Job) -> AsyncIterator[Jobs]:
    planned = Jobs(list(jobs), lambda: datetime.now(UTC))
    task = asyncio.create_task(planned.run())
    yield planned
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await planned.stop()


async def until(ask: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not ask():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


def counting(runs: list[float], *failures: Exception) -> Callable[[], Awaitable[None]]:
    """A job that fails once with each of these and then goes well."""
    left = list(failures)

    async def run() -> None:
        runs.append(time.monotonic())
        if left:
            raise left.pop(0)

    return run


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (ValueError("words of a mail"), "ValueError"),
        (StoreBusy("the database is busy"), "StoreBusy: the database is busy"),
    ],
)
def test_a_job_that_fails_is_told_and_soon_runs_again_however_seldom_it_does(failure: Exception, told: str) -> None:
    async def main() -> None:
        bad: list[float] = []
        good: list[float] = []
        async with running(Job("bad", SELDOM, counting(bad, failure)), Job("good", SELDOM, counting(good))) as jobs:
            await until(lambda: jobs.states["bad"].last_error)
            assert jobs.states["bad"].last_error == told
            assert jobs.states["bad"].last_success is None
            await until(lambda: jobs.states["good"].last_success)
            await until(lambda: jobs.states["bad"].last_success)
            assert jobs.states["bad"].last_error == ""
        assert (len(bad), len(good)) == (2, 1)
        assert bad[1] - bad[0] >= 0.1

    asyncio.run(main())


def test_a_clock_that_is_set_back_runs_every_job_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    offset = [0.0]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + offset[0])

    async def main() -> None:
        runs: list[float] = []
        async with running(Job("seldom", SELDOM, counting(runs))):
            await until(lambda: len(runs) == 1)
            await asyncio.sleep(0.03)  # some ticks in which nothing is due
            assert len(runs) == 1
            offset[0] = -5 * SELDOM
            await until(lambda: len(runs) == 2)

    asyncio.run(main())


def test_a_job_under_way_is_not_started_a_second_time() -> None:
    async def main() -> None:
        may_end, begun = asyncio.Event(), 0

        async def slow() -> None:
            nonlocal begun
            begun += 1
            await may_end.wait()

        async with running(Job("slow", 1, slow)):
            await asyncio.sleep(1.2)  # it is due again
            assert begun == 1
            may_end.set()
            await until(lambda: begun == 2)

    asyncio.run(main())
