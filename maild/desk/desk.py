"""What every function of the desk works with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from maild.core.policy import Policy
from maild.core.tokens import Keys
from maild.desk.rush import Rush
from maild.mime.render import Renderer
from maild.mime.sign import Sign, unsigned
from maild.store.db import Store


def utc_now() -> datetime:
    """The wall clock, read in this one place: deadlines are promised in wall time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Wake:
    """Bells between the parts of one process. They only save waiting: what is to be done stands in the database."""

    mail: asyncio.Event = field(default_factory=asyncio.Event)
    letters: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Desk:
    """An open desk. `instance` is its loop mark. `policy` and `renderer` are replaced when the admin reloads them.

    `sign` is the last thing that is done to a letter before its bytes are fixed.
    """

    store: Store
    policy: Policy
    keys: Keys
    renderer: Renderer
    instance: str
    sign: Sign = unsigned
    now: Callable[[], datetime] = utc_now
    wake: Wake = field(default_factory=Wake)
    rush: Rush = field(default_factory=Rush)
