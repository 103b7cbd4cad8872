"""A real desk for tests: the configuration file, the database and the templates are the real ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maild.config import load
from maild.desk.desk import Desk
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


@contextmanager
def make_desk(folder: Path, store_url: str = "", **attributes: Any) -> Iterator[Desk]:
    """An open desk in an empty directory; `attributes` are those of Desk that shall be other than built (`now`, …)."""
    (folder / "secret").write_text(SECRET)
    path = folder / "config.toml"
    path.write_text(_CONFIG + (f'[store]\nurl = "{store_url}"\n' if store_url else ""))
    desk = build_desk(load(path))
    try:
        for name, value in attributes.items():
            setattr(desk, name, value)
        yield desk
    finally:
        desk.store.close()
