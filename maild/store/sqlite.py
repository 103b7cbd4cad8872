"""SQLite: one file, one writer. What has been committed is on disk (WAL, synchronous=FULL, read back at the start)."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import peewee

from maild.core.errors import ConfigError, MaildError, StoreBusy
from maild.store.backend import Backend
from maild.store.schema import migrate

_BUSY_MS = 5_000  # how long another process may hold the write lock
_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": _BUSY_MS}
_PREFIX = "sqlite:///"


class Sqlite(Backend):
    """A SQLite file, open."""

    put_words = "INSERT OR REPLACE INTO words (rowid, people, text) VALUES (?, ?, ?)"
    find_words = "SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?"
    drop_words = "DELETE FROM words WHERE rowid = ?"

    def __init__(self, database: "_Database", path: Path) -> None:
        super().__init__(database)
        self._opened = database.opened
        self._names = (str(path), f"{path}-wal")
        self._files: dict[str, tuple[int, int]] = {}  # database and WAL as the writer has them open

    @contextmanager
    def writing(self) -> Iterator[None]:
        """With the write lock from the first statement on: nobody decides on what another one is changing."""
        with self.database.atomic("IMMEDIATE"):
            yield
            self._check_files()

    def _check_files(self) -> None:
        """SQLite goes on writing to a file that was removed or replaced: its mails would be gone after the next start.

        Raises OperationalError until what stands there is again what was opened.
        """
        for name in self._names:
            mark = _mark(name)
            if mark is None or self._files.setdefault(name, mark) != mark:
                raise peewee.OperationalError(
                    f"{name} was removed or replaced: put it back, or start maild again with what is there now"
                )

    def reading(self) -> AbstractContextManager[object]:
        """WAL: readers see the last commit before they began."""
        context: AbstractContextManager[object] = self.database.atomic()
        return context

    def words_asked(self, people: Sequence[str], beginnings: Sequence[str]) -> tuple[str, ...]:
        """One question in the words of FTS5."""
        whose = " OR ".join(f'"{one}"' for one in people)
        words = " AND ".join(f'"{one}" *' for one in beginnings)
        return (f"people : ({whose}) AND text : ({words})",)

    def is_over(self) -> bool:
        """SQLite rolls everything back when the disk is full or cannot be read."""
        return not self.database.connection().in_transaction

    def busy(self, error: peewee.PeeweeException) -> StoreBusy | None:
        """Locked, full, read-only, unreadable: all of it may pass."""
        return StoreBusy("the database is not available") if isinstance(error, peewee.OperationalError) else None

    def close(self) -> None:
        """Every connection: what its threads have left open keeps the file in use."""
        self.database.close()
        for connection in self._opened:
            connection.close()


class _Database(peewee.SqliteDatabase):
    """Remembers its connections; they belong to threads, but are closed by whoever closes the store."""

    def __init__(self, path: Path) -> None:
        self.opened: list[sqlite3.Connection] = []
        super().__init__(str(path), pragmas=_PRAGMAS, check_same_thread=False)

    def _connect(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._connect()  # type: ignore[misc] # peewee has no types
        self.opened.append(connection)
        return connection


def _mark(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def sqlite_path(url: str) -> Path:
    """The file of `sqlite:///absolute/path`."""
    return Path("/" + url.removeprefix(_PREFIX).lstrip("/"))


def is_sqlite(url: str) -> bool:
    """Is that the URL of a SQLite file?"""
    return url.startswith(_PREFIX)


def open_sqlite(url: str) -> Sqlite:
    """The database in that file, created and migrated if needed. Raises what `open_store` does."""
    migrate_sqlite(url)
    path = sqlite_path(url)
    return Sqlite(_Database(path), path)


def migrate_sqlite(url: str) -> list[str]:
    """Bring the file to this release's schema; the steps that were missing. Raises what `open_store` does."""
    path = sqlite_path(url)
    database = peewee.SqliteDatabase(str(path), pragmas=_PRAGMAS)
    try:
        _create_private(path)
        database.connect()
        _check_durability(database)
        return migrate(database)
    except (peewee.PeeweeException, OSError, sqlite3.Error) as error:
        raise _not_opened(path, error) from error
    finally:
        if not database.is_closed():
            database.close()


def clean_sqlite(url: str) -> bool:
    """Write the file anew without its free pages, which still hold what was deleted; False if that cannot be now."""
    database = peewee.SqliteDatabase(str(sqlite_path(url)), pragmas=_PRAGMAS)
    try:
        database.connect()
        database.execute_sql("VACUUM")
        row = database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return bool(row[0] == 0)
    except peewee.OperationalError:
        return False  # a full disk, or somebody else writes without a pause
    finally:
        database.close()


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
