"""A desk and a server of our own that does what it is told, for the tests that need no real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from maild.desk.desk import Desk
from tests.imapserver import ImapServer
from tests.mailin.doors import open_desk


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    made = open_desk(folder)
    yield made
    made.store.close()


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as running:
        yield running
