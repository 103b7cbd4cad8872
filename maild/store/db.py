"""The database behind one bridge: `await store.run(fn, …)` writes, `await store.read(fn, …)` looks.

A transaction is one plain function of a `Tx`, so nobody can await inside it. What has been answered is on disk.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from typing import Any, Concatenate, ParamSpec, TypeVar

import peewee

from maild.core.errors import ConfigError
from maild.store.backend import Backend, Ring
from maild.store.crowd import Crowd
from maild.store.sqlite import is_sqlite, migrate_sqlite, open_sqlite
from maild.store.tx import Row, Tx
from maild.store.writer import Call, Job, Writer

__all__ = ["Row", "Store", "Tx", "migrate_store", "open_backend", "open_store"]

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")

_READERS = 2


class Store:
    """An open database. Make it with `open_store`; close it at the end."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._writer = Writer(backend)
        self._crowd: Crowd[Job] | None = None

    @property
    def died(self) -> Future[None]:
        """Ends when the writer does, with what it died of: nothing can be promised any more."""
        return self._writer.died

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
        answer: T = await self._ask(lambda tx, _: [fn(tx, *args, **kwargs)], None)
        return answer

    async def run_together(self, fn: Callable[[Tx, Sequence[A]], Sequence[T]], item: A) -> T:
        """`run` for what comes in crowds: `fn(tx, items)` gives the results of several callers' items at once.

        Should it raise, it is called again for each of them alone.
        """
        answer: T = await self._ask(fn, item)
        return answer

    def expect(self, who: object) -> None:
        """Somebody will ask for something in a moment, so that one commit can serve him and those who ask meanwhile.

        They wait for him some milliseconds at most.
        """
        self._crowd_here().expect(who)

    def expect_no_more(self, who: object) -> None:
        """He asks in this turn of the event loop, or not at all. Twice does no harm."""
        if self._crowd is not None:
            self._crowd.forget(who)

    async def _ask(self, call: Call, item: Any) -> Any:
        """Done even if whoever asks goes away meanwhile."""
        crowd = self._crowd_here()
        answer: asyncio.Future[Any] = crowd.loop.create_future()
        crowd.add(Job(call, item, answer))
        return await answer

    def _crowd_here(self) -> Crowd[Job]:
        loop = asyncio.get_running_loop()
        if self._crowd is None or self._crowd.loop is not loop:
            self._crowd = Crowd(loop, self._writer.submit)
        return self._crowd

    async def read(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `fn(tx, …)` sees in one snapshot. It must not write."""
        return await asyncio.wrap_future(self._readers.submit(lambda: self._look(fn, *args, **kwargs)))

    def run_now(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`run` for programs without an event loop."""
        answer: Future[T] = Future()
        self._writer.submit(Job(lambda tx, _: [fn(tx, *args, **kwargs)], None, answer))
        return answer.result()

    def read_now(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` for programs without an event loop."""
        return self._readers.submit(lambda: self._look(fn, *args, **kwargs)).result()

    def cut(self) -> None:
        """Wait no longer for a database server that does not answer: what is asked of it now fails with StoreBusy."""
        self._backend.cut()

    def close(self) -> None:
        """Finish what waits and let go of the database."""
        self._writer.close()
        self._readers.shutdown()
        self._backend.close()

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
