"""PostgreSQL: one database for any number of nodes, which share nothing else.

Transactions run READ COMMITTED and lock the rows they decide on; connections are made anew after the server was away.
The password comes from libpq's own places (PGPASSFILE, `passfile=` in the URL) as well as from the URL.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

import peewee
import psycopg
from playhouse.postgres_ext import PooledPsycopg3Database
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from maild.core.errors import ConfigError, StoreBusy
from maild.store import schema
from maild.store.backend import Backend, Conflict, Ring

log = logging.getLogger(__name__)

_CHANNEL = "maild"
_TURNS = 0x6D61696C  # "mail": the advisory locks of `wait_turn`
_CONNECTIONS = 10
_AGAIN = 1.0  # seconds until a lost connection for bells is made again
# libpq and session settings, unless the URL says otherwise. A node that has lost power or network must not keep rows
# locked, nor a server that has, a node waiting: both ends notice within half a minute.
_CONNECT = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "target_session_attrs": "read-write",
    "application_name": "maild",
}
_SESSION = {
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_HURRY = "SET LOCAL lock_timeout = '20ms'"
# SQLSTATEs (PostgreSQL, appendix A): what another transaction is the reason of, and what else may pass by itself.
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
_READ_ONLY = "25006"


class Postgres(Backend):
    """A PostgreSQL database, open."""

    is_shared = True
    batch = 50  # locks are held until the commit, and other nodes wait for them
    lock = " FOR UPDATE"
    skip_locked = " FOR UPDATE SKIP LOCKED"

    put_words = (
        "INSERT INTO words (ticket, people, text) VALUES (?, string_to_array(?, ' '), to_tsvector('simple', ?))"
        " ON CONFLICT (ticket) DO UPDATE SET people = EXCLUDED.people, text = EXCLUDED.text"
    )
    find_words = (
        "SELECT ticket FROM words WHERE text @@ to_tsquery('simple', ?) AND people && string_to_array(?, ' ')"
        " AND ticket < ? ORDER BY ticket DESC LIMIT ?"
    )
    drop_words = "DELETE FROM words WHERE ticket = ?"

    def __init__(self, database: PooledPsycopg3Database, conninfo: str) -> None:
        super().__init__(database)
        self._pool: Any = database
        self._conninfo = conninfo
        self._is_cut = False

    def sql(self, text: str) -> str:
        """`?` → `%s`, once for each text."""
        return _translated(text)

    def values(self, parameters: tuple[object, ...]) -> tuple[object, ...]:
        """Text has no NUL here; what a stranger's server answered may."""
        return tuple(storable(each) for each in parameters)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """READ COMMITTED: a statement that has waited for a lock sees what its holder committed."""
        with self._transaction("READ COMMITTED"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """REPEATABLE READ: all statements see the same snapshot."""
        with self._transaction("REPEATABLE READ, READ ONLY"):
            yield

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[None]:
        """A connection that was lost while it idled costs nobody an error: it is made again."""
        with ExitStack() as stack:
            try:
                self._check_not_cut()
                stack.enter_context(self.database.atomic(mode))
            except peewee.PeeweeException:
                self.recover()
                self._check_not_cut()
                stack.enter_context(self.database.atomic(mode))
            yield

    def _check_not_cut(self) -> None:
        if self._is_cut:
            raise peewee.OperationalError("the program ends, the server is not asked any more")

    def words_asked(self, people: Sequence[str], beginnings: Sequence[str]) -> tuple[str, ...]:
        """A tsquery, and the people as an array in one text."""
        return " & ".join(f"{one}:*" for one in beginnings), " ".join(people)

    def is_over(self) -> bool:
        """The connection is lost, or the server has given the transaction up."""
        return self.database.is_closed() or self._status() != TransactionStatus.INTRANS

    def _status(self) -> TransactionStatus:
        return TransactionStatus(self.database.connection().info.transaction_status)

    def busy(self, error: peewee.PeeweeException) -> StoreBusy | None:
        """Everything operational may pass; so may a server that was told to write nothing."""
        state = _sqlstate(error)
        if state in _CONFLICTS:
            return Conflict("the database is busy with the same rows")
        may_pass = isinstance(error, peewee.OperationalError | peewee.InterfaceError) and not _is_too_much(state)
        if may_pass or state == _READ_ONLY:
            return StoreBusy("the database is not available")
        return None

    def recover(self) -> None:
        """Let a broken connection go; the pool keeps it only if it can be used again."""
        if not self.database.is_closed():
            self.database.close()

    def hurry(self) -> None:
        """PostgreSQL looks for deadlocks after a second; with this, none comes about."""
        self.database.execute_sql(_HURRY)

    def wait_turn(self, what: str) -> None:
        """An advisory lock until the end of the transaction."""
        self.database.execute_sql("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_TURNS, what))

    def announce(self, bells: Collection[str]) -> None:
        """NOTIFY is sent by the commit."""
        for bell in sorted(bells):
            self.database.execute_sql("SELECT pg_notify(%s, %s)", (_CHANNEL, bell))

    async def listen(self, ring: Ring) -> None:
        """A connection of its own; while it is lost, polling has to do."""
        while True:
            try:
                await self._hear(ring)
            except psycopg.Error as error:
                log.info("no bells from other nodes at the moment: %s", _first_line(error))
            await asyncio.sleep(_AGAIN)

    async def _hear(self, ring: Ring) -> None:
        connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        async with connection:
            await connection.execute(f"LISTEN {_CHANNEL}")
            async for bell in connection.notifies():
                ring(bell.payload)

    def cut(self) -> None:
        """A server that was stopped (SIGSTOP) or hangs never ends a wait: its sockets have to, from this side."""
        self._is_cut = True
        for held in list(self._pool._in_use.values()):  # the pool has no public list of what it gave out
            _hang_up(held.connection)

    def close(self) -> None:
        """Every connection, of whichever thread."""
        self._pool.close_all()


def _hang_up(connection: psycopg.Connection[Any]) -> None:
    """End the connection under the thread that waits for an answer on it."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.Error):
        log.debug("a connection was closed already")


@lru_cache(maxsize=1000)
def _translated(text: str) -> str:
    return text.replace("%", "%%").replace("?", "%s")


def storable(value: object) -> object:
    """The value, text without NUL: PostgreSQL refuses it."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


def _sqlstate(error: peewee.PeeweeException) -> str | None:
    """peewee keeps the driver's exception in `orig`, if there was one."""
    original = getattr(error, "orig", None)
    return original.sqlstate if isinstance(original, psycopg.Error) else None


def _is_too_much(state: str | None) -> bool:
    """Class 54: a value that is too large for an index stays so."""
    return state is not None and state.startswith("54")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def open_postgres(url: str) -> Postgres:
    """The database of that URL, with this release's schema or the one before (`schema.MAY_WAIT`).

    Raises what `open_store` does: nothing is created or migrated here.
    """
    backend = _connected(url)
    try:
        _check_durability(backend.database)
        missing = [step for step in schema.missing_steps(backend.database) if step not in schema.MAY_WAIT]
    except peewee.PeeweeException as error:
        backend.close()
        raise _not_opened(error) from error
    except BaseException:
        backend.close()
        raise
    backend.database.close()  # this thread's, back to the pool
    if missing:
        backend.close()
        raise ConfigError([f"store.url: the schema lacks {', '.join(missing)}: run `maild migrate` first"])
    return backend


def migrate_postgres(url: str) -> list[str]:
    """Bring the database to this release's schema, alone; the steps that were missing. Raises as `open_store`."""
    backend = _connected(url)
    try:
        return schema.migrate(backend.database)
    except peewee.PeeweeException as error:
        raise _not_opened(error) from error
    finally:
        backend.close()


def _connected(url: str) -> Postgres:
    try:
        conninfo = _conninfo(url)
    except psycopg.Error as error:
        raise ConfigError([f"store.url: {_first_line(error)}"]) from None  # the cause would show the whole URL
    database = PooledPsycopg3Database(url, max_connections=_CONNECTIONS, conninfo=conninfo)
    try:
        database.connect()
    except peewee.PeeweeException as error:
        raise StoreBusy(f"store.url: PostgreSQL does not let us in: {_first_line(error)}") from error
    return Postgres(database, conninfo)


def _conninfo(url: str) -> str:
    """The URL with our settings where it says nothing itself."""
    given: dict[str, Any] = conninfo_to_dict(url)
    session = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    options = f"{session} {given.get('options') or ''}".strip()
    return make_conninfo(**{**_CONNECT, **given, "options": options})


def _not_opened(error: peewee.PeeweeException) -> Exception:
    if isinstance(error, peewee.OperationalError):
        return StoreBusy(f"store.url: {_first_line(error)}")
    return ConfigError([f"store.url: {_first_line(error)}"])


def _check_durability(database: peewee.Database) -> None:
    """What has been answered survives a power cut: only so a door may say yes after a commit."""
    problems = []
    for name in ("fsync", "synchronous_commit"):
        value = database.execute_sql(f"SHOW {name}").fetchone()[0]
        if value == "off":
            problems.append(f"store.url: PostgreSQL answers {name}=off: a power cut would lose accepted mail")
    if problems:
        raise ConfigError(problems)
