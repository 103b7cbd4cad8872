"""Brings a database to the schema of this release; refuses one that a newer release has changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peewee
from playhouse.migrations import Runner

from maild.core.errors import ConfigError

_STEPS = Path(__file__).parent / "migrations"
# Steps of this release that its code can do without, so that nodes of PostgreSQL can be restarted with it one after the
# other before `maild migrate`. Every release after the first one names here all the steps that it adds.
MAY_WAIT: frozenset[str] = frozenset()
_LOCK = 0x6D61696C64  # "maild": the advisory lock of whoever migrates


def migrate(database: peewee.Database) -> list[str]:
    """Carry out the steps that are missing, in order, all or none; their names.

    Looks before it locks: to read must be possible while somebody else writes. Raises ConfigError if the database knows
    steps that this release does not.
    """
    if not missing_steps(database):
        return []
    with _alone(database):
        missing = missing_steps(database)
        if missing:
            Runner(database, str(_STEPS)).up()
    return missing


def missing_steps(database: peewee.Database) -> list[str]:
    """The steps to this release's schema. Raises ConfigError if the database is ahead of it."""
    runner = Runner(database, str(_STEPS))
    known = [step.name for step in runner.migrations()]
    applied = runner.applied()
    strange = sorted(set(applied) - set(known))
    if strange:
        raise ConfigError([f"store.url: the database belongs to a newer maild (it has {', '.join(strange)})"])
    return [name for name in known if name not in applied]


@contextmanager
def _alone(database: peewee.Database) -> Iterator[None]:
    """A transaction that no other migration runs beside."""
    if isinstance(database, peewee.SqliteDatabase):
        with database.atomic("IMMEDIATE"):
            yield
        return
    with database.atomic():
        database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        yield
