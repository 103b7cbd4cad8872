"""Copies a SQLite database to an empty PostgreSQL one, reads it back, and commits only if every table is the same.

The checksum of a table is the sum of the SHA-256 of its rows, so that no order is needed that both databases know.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import peewee
import psycopg

from maild.core.errors import ConfigError, StoreBusy
from maild.store import words
from maild.store.db import Tx, open_backend
from maild.store.postgres import open_postgres, storable

# In the order in which they are printed.
TABLES = (
    "settings", "mails", "arrivals", "tickets", "participants", "people", "messages", "events", "outbox", "leases",
    "nonces", "unreachable", "delivery_reports", "cc_proposals", "muted", "snoozes", "approvals", "dropped", "audit",
    "mailboxes", "mailbox_passed",
    "sessions", "rates", "grants", "filings", "sent_copies", "folder_marks",
    "drafts", "draft_files",
)  # fmt: skip
_HISTORY = "schema_migration"
_INDEX = "words"  # made anew from what was copied; FTS5 keeps it in several tables
_AT_ONCE = 100  # rows; a mail may have 25 MiB
_SUM = 2**256

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """A table that is the same on both sides."""

    name: str
    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    flags: frozenset[int]  # positions of the columns that are true or false: SQLite keeps 1 and 0
    key: str | None  # the column that counts up by itself

    @property
    def names(self) -> str:
        return ", ".join(f'"{column}"' for column in self.columns)


def move(source_url: str, target_url: str) -> list[Copied]:
    """Copy everything into a database that has the schema already; what has been copied.

    Raises ConfigError if the target is not empty or anything differs, StoreBusy if a database fails. Nobody may serve
    the source meanwhile.
    """
    source, target = open_backend(source_url), open_postgres(target_url)
    try:
        with source.reading(), target.writing():
            copied = _copy_all(source.database, target.database)
            words.index_all(Tx(target))
            return copied
    except (peewee.PeeweeException, psycopg.Error) as error:
        raise StoreBusy(f"nothing has been copied: {error}") from error
    finally:
        source.close()
        target.close()


def _copy_all(source: peewee.Database, target: Any) -> list[Copied]:
    tables = [_table(target, name) for name in TABLES]
    here = {name for name in source.get_tables() if name != _INDEX and not name.startswith(f"{_INDEX}_")}
    if forgotten := here - {*TABLES, _HISTORY, "sqlite_sequence"}:
        raise LookupError(f"tables that nobody copies: {forgotten}")
    for table in tables:
        target.execute_sql(f'LOCK TABLE "{table.name}"')
    if full := [table.name for table in tables if _has_rows(target, table)]:
        raise ConfigError([f"--to: the database is not empty: there are rows in {', '.join(full)}"])
    return [_copy(source, target, table) for table in tables]


def _has_rows(target: peewee.Database, table: _Table) -> bool:
    return target.execute_sql(f'SELECT 1 FROM "{table.name}" LIMIT 1').fetchone() is not None


def _table(target: peewee.Database, name: str) -> _Table:
    columns = target.get_columns(name)
    return _Table(
        name=name,
        columns=tuple(column.name for column in columns),
        flags=frozenset(index for index, column in enumerate(columns) if column.data_type == "boolean"),
        key=next((column.name for column in columns if "nextval(" in (column.default or "")), None),
    )


def _copy(source: peewee.Database, target: Any, table: _Table) -> Copied:
    marks = ", ".join(["%s"] * len(table.columns))
    insert = f'INSERT INTO "{table.name}" ({table.names}) VALUES ({marks})'
    before = _Sum()
    for rows in _batches(source.execute_sql(f'SELECT {table.names} FROM "{table.name}"')):
        fitting = [_fitting(row, table) for row in rows]
        before.add(fitting)
        target.cursor().executemany(insert, fitting)
    after = _Sum()
    for rows in _batches(target.execute_sql(f'SELECT {table.names} FROM "{table.name}"', named_cursor=True)):
        after.add(rows)
    if before.result() != after.result():
        raise ConfigError([f"--to: {table.name} differs after copying: {before.result()} became {after.result()}"])
    if table.key:
        _count_on(source, target, table, table.key)
    return Copied(table.name, *after.result())


def _batches(cursor: Any) -> Iterator[list[Row]]:
    with closing(cursor):
        while rows := cursor.fetchmany(_AT_ONCE):
            yield rows


def _fitting(row: Row, table: _Table) -> Row:
    """A row of SQLite as PostgreSQL takes it."""
    return tuple(bool(value) if index in table.flags else storable(value) for index, value in enumerate(row))


def _count_on(source: peewee.Database, target: peewee.Database, table: _Table, key: str) -> None:
    """Numbers that have been used, even by rows that are gone, are not used again."""
    row = source.execute_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).fetchone()
    if row and row[0]:
        target.execute_sql("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (table.name, key, row[0]))


class _Sum:
    """Count and checksum of rows in any order."""

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._rows += 1
            self._sum = (self._sum + int.from_bytes(_digest(row))) % _SUM

    def result(self) -> tuple[int, str]:
        return self._rows, f"{self._sum:064x}"


def _digest(row: Row) -> bytes:
    """Type and length before each value: no two rows can be written the same."""
    digest = hashlib.sha256()
    for value in row:
        kind, data = _written(value)
        digest.update(b"%c%d:" % (kind, len(data)))
        digest.update(data)
    return digest.digest()


def _written(value: object) -> tuple[bytes, bytes]:
    match value:
        case None:
            return b"n", b""
        case bool() | int():
            return b"i", b"%d" % value
        case str():
            return b"t", value.encode()
        case bytes() | memoryview():
            return b"b", bytes(value)
    raise TypeError(f"a {type(value).__name__} in the database")
