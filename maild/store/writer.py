"""The one thread that writes: it takes whatever waits, commits it together (group commit) and only then answers.

What has been answered is on disk. One failure stays alone; a thread that dies is noticed.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import peewee

from maild.core.errors import StoreBusy
from maild.store.backend import Backend, Conflict
from maild.store.tx import Tx

log = logging.getLogger(__name__)

Call = Callable[[Tx, Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done: `call` gives a result for each item. Neighbours with the same call may be done by one.

    The answer belongs to an event loop, or to a thread that waits for it.
    """

    call: Call
    item: Any
    answer: "asyncio.Future[Any] | Future[Any]"


_Step = list[Job]  # jobs of the same call


@dataclass(frozen=True, slots=True)
class _Outcome:
    job: Job
    result: Any = None
    failure: BaseException | None = None


class Writer:
    """The thread, running. `died` ends when it does, with what it died of."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.died: Future[None] = Future()
        self._thread = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Let it be done and answered; with StoreBusy if nothing is done any more."""
        self._jobs.put(job)
        if self.died.done():  # nobody else would answer
            self._refuse_waiting()

    def close(self) -> None:
        """Finish what waits and end."""
        self._jobs.put(None)
        self._thread.join()

    def _write(self) -> None:
        jobs: list[Job] = []
        try:
            while (first := self._jobs.get()) is not None:
                jobs, is_last = self._waiting(first)
                self._commit(jobs)
                jobs = []  # the last one may hold a large mail
                if is_last:
                    break
        except BaseException as error:
            # Nothing can be made durable any more: whoever watches `died` stops the program.
            log.exception("the writer thread died")
            self.died.set_exception(error)
            # What it had in hand when it died; those that have been answered stay so.
            _answer(_Outcome(job, failure=StoreBusy("the database is not available")) for job in jobs)
        finally:
            if not self.died.done():
                self.died.set_result(None)
            self._refuse_waiting()
            self._backend.database.close()

    def _waiting(self, first: Job) -> tuple[list[Job], bool]:
        jobs = [first]
        while len(jobs) < self._backend.batch:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _refuse_waiting(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                _answer([_Outcome(job, failure=StoreBusy("the database is closed"))])

    def _commit(self, jobs: list[Job]) -> None:
        """In as few commits as other nodes allow, in the order they came."""
        steps = [list(neighbours) for _, neighbours in groupby(jobs, key=lambda job: job.call)]
        while steps:
            steps = self._commit_some(steps)

    def _commit_some(self, steps: list[_Step]) -> list[_Step]:
        """As many as possible in one commit; the rest."""
        batch = _Batch(self._backend, steps)
        try:
            with self._backend.writing():
                batch.carry_out()
        except peewee.PeeweeException as error:
            log.warning("commit failed: %s", _first_cause(error))
            self._backend.recover()
            busy = StoreBusy("the database is not available")
            busy.__cause__ = error
            _answer(_Outcome(job, failure=busy) for step in steps for job in step)
            return []
        _answer(batch.done)
        return batch.left


class _Batch:
    """What goes into one commit, each step in a savepoint of its own: one that fails does not take others with it.

    One that meets the lock of another node waits for it only when it holds none itself, alone at the beginning: so
    nobody waits in a circle, and nobody long.
    """

    def __init__(self, backend: Backend, steps: list[_Step]) -> None:
        self._backend = backend
        self._bells: set[str] = set()
        self._is_hurried = False
        self.done: list[_Outcome] = []
        self.left = steps

    def carry_out(self) -> None:
        """In the transaction that is open: all, or up to the one that has to wait."""
        while self.left:
            step, *rest = self.left
            if (self.done or len(step) > 1) and not self._is_hurried:
                self._backend.hurry()
                self._is_hurried = True
            outcomes = self._attempt(step)
            failure = outcomes[0].failure
            if failure is not None and len(step) > 1:  # whose fault it is shows when each is done by itself
                self.left = [*([job] for job in step), *rest]
                continue
            if self._is_hurried and isinstance(failure, Conflict):
                break
            self.done += outcomes
            self.left = rest
        self._backend.announce(self._bells)

    def _attempt(self, step: _Step) -> list[_Outcome]:
        bells: set[str] = set()
        try:
            with self._savepoint():
                results = step[0].call(Tx(self._backend, bells), [job.item for job in step])
        except peewee.PeeweeException as error:
            if self._backend.is_over():
                raise  # nobody's change is there any more
            busy = self._backend.busy(error)
            if busy is not None:
                busy.__cause__ = error
            return [_Outcome(job, failure=busy or error) for job in step]
        except Exception as error:  # noqa: BLE001 - a bug in one transaction belongs to its caller, not to its neighbours
            return [_Outcome(job, failure=error) for job in step]
        self._bells |= bells
        return [_Outcome(job, result) for job, result in zip(step, results, strict=True)]

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        """peewee's own makes up a name for each, which no database can remember the statement of."""
        execute: Callable[[str], Any] = self._backend.database.execute_sql
        execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            execute("ROLLBACK TO SAVEPOINT step")
            raise
        execute("RELEASE SAVEPOINT step")


def _answer(outcomes: Iterable[_Outcome]) -> None:
    """Tell everybody; each event loop is woken once for all of its own."""
    loops: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        if isinstance(outcome.job.answer, Future):
            _settle([outcome])
        else:
            loops.setdefault(outcome.job.answer.get_loop(), []).append(outcome)
    for loop, own in loops.items():
        try:
            loop.call_soon_threadsafe(_settle, own)
        except RuntimeError:
            log.debug("answers for an event loop that is closed")


def _settle(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        answer = outcome.job.answer
        if answer.done():  # whoever asked has gone away
            continue
        if outcome.failure is None:
            answer.set_result(outcome.result)
        else:
            answer.set_exception(outcome.failure)


def _first_cause(error: BaseException) -> BaseException:
    """What went wrong before the rollback did: SQLite itself rolls back when the disk is full, so ours fails too."""
    while error.__context__ is not None:
        error = error.__context__
    return error
