"""A database for each backend: the whole suite runs on every one of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maild.store.db import Store, open_store
from maild.store.sqlite import is_sqlite
from tests.factory import put_database

BACKENDS = ["sqlite", "postgres"]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "postgres":
        made: str = request.getfixturevalue("postgres_url")
        return made
    return f"sqlite://{tmp_path}/maild.db"


@pytest.fixture
def open_again(url: str) -> Iterator[Callable[[], Store]]:
    """Opens the same database once more, as another process would; closed after the test."""
    opened: list[Store] = []

    def once_more() -> Store:
        opened.append(open_store(url))
        return opened[-1]

    yield once_more
    for store in opened:
        store.close()


@pytest.fixture
def store(url: str, tmp_path: Path, open_again: Callable[[], Store]) -> Store:
    """The database, open."""
    if is_sqlite(url):
        put_database(tmp_path)
    return open_again()
