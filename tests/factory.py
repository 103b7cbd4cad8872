"""A real desk for tests: the configuration file, the database and the templates are the real ones."""

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maild.config import load
from maild.desk.desk import Desk
from maild.store.db import migrate_store
from maild.wiring import build_desk
from tests.servers import SECRET

_CONFIG = """\
[desk]
name = "Кактус"
language = "ru"
timezone = "Europe/Moscow"
state_dir = "."
[outbound]
relay = "smtp://127.0.0.1:1"
[[category]]
key = "billing"
title = {ru = "Счета", en = "Billing"}
address = "billing@desk.example"
team = ["billing-team@office.example"]
[[category]]
key = "tech"
title = {ru = "Техника", en = "Technical"}
address = "tech@desk.example"
team = ["tech-team@office.example"]
"""


@functools.cache
def _database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        migrate_store(f"sqlite://{folder}/maild.db")
        return Path(folder, "maild.db").read_bytes()


def put_database(folder: Path) -> None:
    """An empty database of this release's schema, unless there is one: to build it takes longer than most tests."""
    path = folder / "maild.db"
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(_database())


@contextmanager
def make_desk(folder: Path, store_url: str = "", **attributes: Any) -> Iterator[Desk]:
    """An open desk in an empty directory; `attributes` are those of Desk that shall be other than built (`now`, …)."""
    (folder / "secret").write_text(SECRET)
    path = folder / "config.toml"
    path.write_text(_CONFIG + (f'[store]\nurl = "{store_url}"\n' if store_url else ""))
    if not store_url:
        put_database(folder)
    desk = build_desk(load(path))
    try:
        for name, value in attributes.items():
            setattr(desk, name, value)
        yield desk
    finally:
        desk.store.close()
