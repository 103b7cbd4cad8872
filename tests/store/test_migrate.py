"""A database is brought to the schema of this release; one of a newer release is refused untouched."""

from collections.abc import Callable

import peewee
import pytest

from maild.core.errors import ConfigError
from maild.store.db import Store, open_store
from maild.store.schema import migrate
from maild.store.sqlite import sqlite_path

TABLES = {
    "settings", "mails", "arrivals", "tickets", "participants", "people", "messages", "events", "outbox", "leases",
    "nonces",
}  # fmt: skip


def tables(store: Store) -> set[str]:
    return {row[0] for row in store.read_now(lambda tx: tx.all("SELECT name FROM sqlite_master WHERE type = 'table'"))}


def steps(store: Store) -> list[tuple[object, ...]]:
    [(table,)] = store.read_now(
        lambda tx: tx.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%migration%'")
    )
    return store.read_now(lambda tx: tx.all(f"SELECT * FROM {table}"))


def test_an_empty_database_gets_every_table_once(open_again: Callable[[], Store]) -> None:
    store = open_again()
    assert tables(store) >= TABLES
    before = steps(store)
    assert steps(open_again()) == before


def test_what_was_done_is_named(url: str) -> None:
    database = peewee.SqliteDatabase(str(sqlite_path(url)))
    assert migrate(database)[0] == "0001_begin"
    assert migrate(database) == []
    database.close()


def test_a_database_of_a_newer_release_is_refused_and_named(url: str, open_again: Callable[[], Store]) -> None:
    store = open_again()
    [(table,)] = store.read_now(
        lambda tx: tx.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%migration%'")
    )
    columns = [row[1] for row in store.read_now(lambda tx: tx.all(f"PRAGMA table_info({table})"))]
    others = ", ".join(column for column in columns if column not in ("id", "name"))
    store.run_now(
        lambda tx: tx.run(f"INSERT INTO {table} (name, {others}) SELECT '0999_future', {others} FROM {table} LIMIT 1")
    )
    store.close()
    with pytest.raises(ConfigError, match="newer maild.*0999_future"):
        open_store(url)
