"""Brings a database to the schema of this release; refuses one that a newer release has changed."""

from pathlib import Path

import peewee
from playhouse.migrations import Runner

from maild.core.errors import ConfigError

_STEPS = Path(__file__).parent / "migrations"


def migrate(database: peewee.Database) -> list[str]:
    """Carry out the steps that are missing, in order, one transaction each; their names.

    Raises ConfigError if the database knows steps that this release does not.
    """
    with database.atomic("IMMEDIATE"):
        runner = Runner(database, str(_STEPS))
        known = [step.name for step in runner.migrations()]
        applied = runner.applied()
        strange = sorted(set(applied) - set(known))
        if strange:
            raise ConfigError([f"store.url: the database belongs to a newer maild (it has {', '.join(strange)})"])
        missing = [name for name in known if name not in applied]
        if missing:
            runner.up()
    return missing
