"""The database behind one bridge: `await store.run(fn, …)` writes, `await store.read(fn, …)` looks.

A transaction is one plain function of a `Tx`, so nobody can await inside it. One writer thread takes whatever waits,
commits it together (group commit) and only then answers all of it: what has been answered is on disk.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Concatenate, ParamSpec, TypeVar

import peewee

from maild.core.errors import ConfigError, StoreBusy
from maild.store.backend import Backend, Conflict, Ring
from maild.store.sqlite import is_sqlite, migrate_sqlite, open_sqlite

P = ParamSpec("P")
T = TypeVar("T")
Row = tuple[Any, ...]

log = logging.getLogger(__name__)

_READERS = 2


class Tx:
    """A transaction: SQL with `?` for parameters, plain tuples for rows.

    `lock` and `skip_locked` end a SELECT whose rows decide what is written: nobody else decides on them before the
    commit. They are empty where a transaction is alone anyway, and in one that only reads.
    """

    def __init__(self, backend: Backend, bells: set[str] | None = None) -> None:
        self._backend = backend
        self._bells = bells
        is_writing = bells is not None
        self.lock = backend.lock if is_writing else ""
        self.skip_locked = backend.skip_locked if is_writing else ""

    def run(self, sql: str, *parameters: Any) -> int:
        """Carry out a statement; how many rows it changed."""
        return int(self._execute(sql, parameters).rowcount)

    def one(self, sql: str, *parameters: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        """All rows."""
        return list(self._execute(sql, parameters).fetchall())

    def new_id(self, sql: str, *parameters: Any) -> int:
        """The value of an INSERT … RETURNING."""
        row = self.one(sql, *parameters)
        if row is None:
            raise LookupError("INSERT returned no row")
        return int(row[0])

    def wait_turn(self, what: str) -> None:
        """From here to the commit no other node is past this point with the same word."""
        if self._bells is not None:
            self._backend.wait_turn(what)

    def ring(self, bell: str) -> None:
        """Tell all nodes at the commit that there is something to do; see `Store.listen`."""
        if self._bells is not None:
            self._bells.add(bell)

    def _execute(self, sql: str, parameters: tuple[Any, ...]) -> Any:
        backend = self._backend
        return backend.database.execute_sql(backend.sql(sql), backend.values(parameters))


@dataclass(frozen=True, slots=True)
class _Job:
    call: Callable[[Tx], Any]
    answer: "Future[Any]"


class Store:
    """An open database. Make it with `open_store`; close it at the end."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self.died: Future[None] = Future()
        self._writer = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._writer.start()

    @property
    def is_shared(self) -> bool:
        """May other nodes work on this database at the same time?"""
        return self._backend.is_shared

    async def listen(self, ring: Ring) -> None:
        """Call `ring` with each bell that some node has rung (`Tx.ring`), until cancelled.

        A bell may be missed while the connection is lost. Where there can be no other nodes this returns at once.
        """
        await self._backend.listen(ring)

    async def run(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `fn(tx, …)` returns, once its changes are durable. Raises StoreBusy if they cannot be made now."""
        # Shielded: an answer nobody waits for any more must not stop the writer that gives it.
        return await asyncio.shield(asyncio.wrap_future(self._submit(fn, *args, **kwargs)))

    async def read(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `fn(tx, …)` sees in one snapshot. It must not write."""
        return await asyncio.wrap_future(self._readers.submit(lambda: self._look(fn, *args, **kwargs)))

    def run_now(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`run` for programs without an event loop."""
        return self._submit(fn, *args, **kwargs).result()

    def read_now(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` for programs without an event loop."""
        return self._readers.submit(lambda: self._look(fn, *args, **kwargs)).result()

    def close(self) -> None:
        """Finish what waits and let go of the database."""
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._backend.close()

    def _submit(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        answer: Future[T] = Future()
        if self.died.done():
            raise StoreBusy("the database is not available")
        self._jobs.put(_Job(lambda tx: fn(tx, *args, **kwargs), answer))
        if self.died.done():  # it died between the question and the put: nobody else would answer
            self._refuse_waiting()
        return answer

    def _look(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with self._backend.reading():
                return fn(Tx(self._backend), *args, **kwargs)
        except peewee.PeeweeException as error:
            self._backend.recover()
            busy = self._backend.busy(error)
            if busy is None:
                raise
            raise busy from error

    def _write(self) -> None:
        jobs: list[_Job] = []
        try:
            while (first := self._jobs.get()) is not None:
                jobs, is_last = self._waiting(first)
                self._commit(jobs)
                if is_last:
                    break
        except BaseException as error:
            # Nothing can be made durable any more: whoever watches `died` stops the program.
            log.exception("the writer thread died")
            self.died.set_exception(error)
        finally:
            if not self.died.done():
                self.died.set_result(None)
            for job in jobs:  # what it had in hand when it died
                if not job.answer.done():
                    job.answer.set_exception(StoreBusy("the database is not available"))
            self._refuse_waiting()
            self._backend.database.close()

    def _waiting(self, first: _Job) -> tuple[list[_Job], bool]:
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
                job.answer.set_exception(StoreBusy("the database is closed"))

    def _commit(self, jobs: list[_Job]) -> None:
        """In as few commits as other nodes allow, in the order they came."""
        while jobs:
            jobs = self._commit_some(jobs)

    def _commit_some(self, jobs: list[_Job]) -> list[_Job]:
        """As many as possible in one commit, each in a savepoint of its own; the rest.

        One that fails does not take the others with it. One that meets the lock of another node waits for it only as
        the first, when it holds nothing: so nobody waits in a circle, and nobody long.
        """
        done: list[tuple[_Job, Any, BaseException | None]] = []
        bells: set[str] = set()
        try:
            with self._backend.writing():
                for job in jobs:
                    if len(done) == 1:
                        self._backend.hurry()
                    result, failure = self._attempt(job, bells)
                    if done and isinstance(failure, Conflict):
                        break
                    done.append((job, result, failure))
                self._backend.announce(bells)
        except peewee.PeeweeException as error:
            log.warning("commit failed: %s", error)
            self._backend.recover()
            busy = StoreBusy("the database is not available")
            busy.__cause__ = error
            done = [(job, None, busy) for job in jobs]
        for job, result, failure in done:
            if failure is None:
                job.answer.set_result(result)
            else:
                job.answer.set_exception(failure)
        return jobs[len(done) :]

    def _attempt(self, job: _Job, bells: set[str]) -> tuple[Any, BaseException | None]:
        try:
            with self._backend.database.atomic():
                return job.call(Tx(self._backend, bells)), None
        except peewee.PeeweeException as error:
            if self._backend.is_over():
                raise  # nobody's change is there any more
            busy = self._backend.busy(error)
            if busy is not None:
                busy.__cause__ = error
            return None, busy or error
        except Exception as error:  # noqa: BLE001 - a bug in one transaction belongs to its caller, not to its neighbours
            return None, error


def open_store(url: str) -> Store:
    """The database of that URL; a SQLite file is created and migrated if needed.

    Raises ConfigError if it cannot be opened, does not keep its promises, or has the schema of another release;
    StoreBusy if another process keeps it for longer than we wait, or if its server does not answer.
    """
    return Store(open_backend(url))


def open_backend(url: str) -> Backend:
    """What `open_store` opens, without threads. Raises the same."""
    if is_sqlite(url):
        return open_sqlite(url)
    if url.startswith("postgresql://"):
        backend: Backend = _postgres().open_postgres(url)
        return backend
    raise ConfigError([f"store.url: {url.partition('://')[0]} is not served, use sqlite:///absolute/path"])


def migrate_store(url: str) -> list[str]:
    """Bring the database of that URL to this release's schema; what had to be done. Raises as `open_store`."""
    if is_sqlite(url):
        return migrate_sqlite(url)
    done: list[str] = _postgres().migrate_postgres(url)
    return done


def _postgres() -> Any:
    """The module that needs the driver, which is an extra: it is looked for only by who uses PostgreSQL."""
    try:
        return import_module("maild.store.postgres")
    except ImportError as error:
        raise ConfigError([f"store.url: {error}: PostgreSQL needs pip install 'maild[postgres]'"]) from None
