"""A database is brought to the schema of this release; one of a newer release is refused untouched."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import peewee
import pytest

from maild.core.errors import ConfigError
from maild.store import schema
from maild.store.db import Store, migrate_store, open_store
from maild.store.schema import migrate
from maild.store.sqlite import sqlite_path
from tests.servers import Postgres
from tests.store.rows import only_sqlite

STEPS = sorted(path.stem for path in Path(schema.__file__).with_name("migrations").glob("0*.py"))
TABLES = {
    "settings", "mails", "arrivals", "tickets", "participants", "people", "messages", "events", "outbox", "leases",
    "nonces", "unreachable", "cc_proposals", "muted", "dropped",
}  # fmt: skip


def tables(store: Store) -> set[str]:
    return set(store._backend.database.get_tables())


def steps(store: Store) -> list[tuple[object, ...]]:
    return store.read_now(lambda tx: tx.all("SELECT * FROM schema_migration"))


def test_an_empty_database_gets_every_table_once(open_again: Callable[[], Store]) -> None:
    store = open_again()
    assert tables(store) >= TABLES
    before = steps(store)
    assert steps(open_again()) == before


@only_sqlite
def test_what_was_done_is_named(url: str) -> None:
    database = peewee.SqliteDatabase(str(sqlite_path(url)))
    assert migrate(database) == STEPS
    assert migrate(database) == []
    database.close()


def test_a_database_of_the_release_before_gets_the_missing_step_and_keeps_its_rows(url: str) -> None:
    store = open_store(url)
    store.run_now(lambda tx: tx.run("INSERT INTO people (address, language) VALUES ('ivan@client.example', 'ru')"))
    store.run_now(lambda tx: tx.run("DROP TABLE unreachable"))
    store.run_now(lambda tx: tx.run("DELETE FROM schema_migration WHERE name = '0002_unreachable'"))
    store.close()
    if store.is_shared:
        with pytest.raises(ConfigError, match=r"lacks 0002_unreachable: run `maild migrate`"):
            open_store(url)
    assert migrate_store(url) == ["0002_unreachable"]
    store = open_store(url)
    assert tables(store) >= TABLES
    assert store.read_now(lambda tx: tx.all("SELECT address, language FROM people")) == [("ivan@client.example", "ru")]
    store.close()


def test_a_release_works_on_the_schema_before_until_it_is_migrated(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(postgres_url)
    store.run_now(lambda tx: tx.run(f"DELETE FROM schema_migration WHERE name = '{STEPS[-1]}'"))
    store.close()
    with pytest.raises(ConfigError, match=f"lacks {STEPS[-1]}"):
        open_store(postgres_url)
    monkeypatch.setattr(schema, "MAY_WAIT", frozenset(STEPS[-1:]))
    store = open_store(postgres_url)
    assert store.read_now(lambda tx: tx.one("SELECT COUNT(*) FROM tickets")) == (0,)
    store.close()


def test_a_database_of_a_newer_release_is_refused_and_named(url: str, open_again: Callable[[], Store]) -> None:
    store = open_again()
    store.run_now(
        lambda tx: tx.run(
            "INSERT INTO schema_migration (name, applied) SELECT '0999_future', applied FROM schema_migration LIMIT 1"
        )
    )
    store.close()
    with pytest.raises(ConfigError, match=r"newer maild.*0999_future"):
        open_store(url)


def test_postgresql_is_migrated_only_when_asked_and_by_one_at_a_time(postgres_server: Postgres) -> None:
    url = postgres_server.create()
    try:
        with pytest.raises(ConfigError, match=r"lacks 0001_begin.*: run `maild migrate`"):
            open_store(url)
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(migrate_store, [url] * 4))
        assert sum(map(len, done)) == len(done[0] or done[1] or done[2] or done[3]), "the others had nothing to do"
        store = open_store(url)
        assert tables(store) >= TABLES
        store.close()
    finally:
        postgres_server.drop(url)
