"""The database behind one bridge: `await store.run(fn, …)` writes, `await store.read(fn, …)` looks.

A transaction is one plain function of a `Tx`, so nobody can await inside it. One writer thread takes whatever waits,
commits it together (group commit) and only then answers all of it: what has been answered is on disk.
"""

import asyncio
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import peewee

from maild.core.errors import ConfigError, MaildError, StoreBusy
from maild.store.schema import migrate

P = ParamSpec("P")
T = TypeVar("T")
Row = tuple[Any, ...]

log = logging.getLogger(__name__)

_BATCH = 200  # transactions that share one commit at most
_BUSY_MS = 5_000  # how long another process may hold the write lock
_READERS = 2
_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": _BUSY_MS}


class Tx:
    """A transaction: SQL with `?` for parameters, plain tuples for rows."""

    def __init__(self, database: peewee.Database) -> None:
        self._database = database

    def run(self, sql: str, *parameters: Any) -> int:
        """Carry out a statement; how many rows it changed."""
        return int(self._database.execute_sql(sql, parameters).rowcount)

    def one(self, sql: str, *parameters: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._database.execute_sql(sql, parameters).fetchone()
        return row

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        """All rows."""
        return list(self._database.execute_sql(sql, parameters).fetchall())

    def new_id(self, sql: str, *parameters: Any) -> int:
        """The value of an INSERT … RETURNING."""
        row = self.one(sql, *parameters)
        if row is None:
            raise LookupError("INSERT returned no row")
        return int(row[0])


@dataclass(frozen=True, slots=True)
class _Job:
    call: Callable[[Tx], Any]
    answer: "Future[Any]"


class Store:
    """An open database. Make it with `open_store`; close it at the end."""

    def __init__(self, database: peewee.Database) -> None:
        self._database = database
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self.died: Future[None] = Future()
        self._writer = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._writer.start()

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
        """Finish what waits and let go of the file."""
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()

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
            with self._database.atomic():
                return fn(Tx(self._database), *args, **kwargs)
        except peewee.OperationalError as error:
            raise StoreBusy("the database is not available") from error

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
            self._database.close()

    def _waiting(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs = [first]
        while len(jobs) < _BATCH:
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
        """All jobs in one commit, each in a savepoint of its own: one that fails does not take the others with it."""
        done: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            with self._database.atomic("IMMEDIATE"):
                done = [(job, *self._attempt(job)) for job in jobs]
        except peewee.PeeweeException as error:
            log.warning("commit failed: %s", error)
            busy = StoreBusy("the database is not available")
            busy.__cause__ = error
            done = [(job, None, busy) for job in jobs]
        for job, result, failure in done:
            if failure is None:
                job.answer.set_result(result)
            else:
                job.answer.set_exception(failure)

    def _attempt(self, job: _Job) -> tuple[Any, BaseException | None]:
        try:
            with self._database.atomic():
                return job.call(Tx(self._database)), None
        except peewee.OperationalError as error:
            if not self._database.connection().in_transaction:
                raise  # SQLite rolled the whole commit back (disk full, I/O error): nobody's change is there
            busy = StoreBusy("the database is not available")
            busy.__cause__ = error
            return None, busy
        except Exception as error:  # noqa: BLE001 - a bug in one transaction belongs to its caller, not to its neighbours
            return None, error


def sqlite_path(url: str) -> Path:
    """The file of `sqlite:///absolute/path`. Raises ConfigError for any other URL."""
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        raise ConfigError([f"store.url: {url.partition('://')[0]} is not served, use sqlite:///absolute/path"])
    return Path("/" + url.removeprefix(prefix).lstrip("/"))


def open_store(url: str) -> Store:
    """The database of that URL, created and migrated if needed.

    Raises ConfigError if it cannot be opened, does not keep its promises, or belongs to a newer release; StoreBusy if
    another process keeps it for longer than we wait.
    """
    path = sqlite_path(url)
    database = peewee.SqliteDatabase(str(path), pragmas=_PRAGMAS)
    try:
        _create_private(path)
        database.connect()
        _check_durability(database)
        migrate(database)
    except (peewee.PeeweeException, OSError, sqlite3.Error) as error:
        raise _not_opened(path, error) from error
    finally:
        if not database.is_closed():
            database.close()
    return Store(database)


def _not_opened(path: Path, error: Exception) -> MaildError:
    """Who holds the file lets go of it again; anything else needs a person."""
    if "locked" in str(error):
        return StoreBusy(f"{path}: {error}")
    return ConfigError([f"store.url: {path}: {error}"])


def _create_private(path: Path) -> None:
    """The mails of strangers are nobody else's business: mode 0600 from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _check_durability(database: peewee.Database) -> None:
    mode = database.execute_sql("PRAGMA journal_mode").fetchone()[0]
    synchronous = database.execute_sql("PRAGMA synchronous").fetchone()[0]
    if (mode, synchronous) != ("wal", 2):
        raise ConfigError([f"store.url: SQLite answers journal_mode={mode} synchronous={synchronous}, not wal and 2"])
