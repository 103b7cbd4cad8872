"""The periodic jobs. `schedule` says when; a job only starts a guarded task, so that none can stop the others.

What is due stands in the database: a job that was missed finds all of it the next time.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import schedule

from maild.core.errors import MaildError
from maild.logs import told

log = logging.getLogger(__name__)

_TICK = 1.0  # seconds
_AGAIN = 10.0  # seconds until a job that failed is tried again, however seldom it runs


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so many seconds, and at the start."""

    name: str
    every: int
    do: Callable[[], Awaitable[object]]


@dataclass(slots=True)
class JobState:
    """What health says of a job."""

    last_start: datetime | None = None
    last_success: datetime | None = None
    last_error: str = ""


class Jobs:
    """Runs jobs until it is cancelled. `states` is for health and metrics."""

    def __init__(self, jobs: list[Job], now: Callable[[], datetime]) -> None:
        self._jobs = jobs
        self._now = now
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, float] = {}  # of jobs that failed: when they run again, of the monotonic clock
        self.states: Mapping[str, JobState] = {job.name: JobState() for job in jobs}

    async def run(self) -> None:
        """Every job at once, then each in its rhythm; one that failed sooner."""
        self._start_all()
        planned, wall = self._plan(), time.time()
        while True:
            await asyncio.sleep(_TICK)
            if time.time() < wall:
                # `schedule` compares wall times: a clock that was set back would put every job off by that much.
                planned = self._plan()
                self._start_all()
            wall = time.time()
            planned.run_pending()
            for job in self._jobs:
                if self._again.get(job.name, math.inf) <= time.monotonic():
                    self._start(job)

    async def stop(self) -> None:
        """Let the jobs under way finish."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _start_all(self) -> None:
        for job in self._jobs:
            self._start(job)

    def _plan(self) -> schedule.Scheduler:
        planned = schedule.Scheduler()
        for job in self._jobs:
            planned.every(job.every).seconds.do(self._start, job)
        return planned

    def _start(self, job: Job) -> None:
        """Unless its last run is still under way."""
        running = self._running.get(job.name)
        if running is None or running.done():
            self._running[job.name] = asyncio.create_task(self._guarded(job), name=f"job-{job.name}")

    async def _guarded(self, job: Job) -> None:
        state = self.states[job.name]
        state.last_start = self._now()
        try:
            await job.do()
        except MaildError as error:
            self._failed(job, error)
            log.warning("job %s: %s", job.name, state.last_error)
        except (
            Exception
        ) as error:  # a bug in one job must not stop the others: health shows it, the next run tries again
            self._failed(job, error)
            log.exception("job %s failed", job.name)
        else:
            self._again.pop(job.name, None)
            state.last_error = ""
            state.last_success = self._now()

    def _failed(self, job: Job, error: Exception) -> None:
        self.states[job.name].last_error = told(error)
        self._again[job.name] = time.monotonic() + _AGAIN
