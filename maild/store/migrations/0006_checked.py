"""What maild found out itself about a mail's sender (`trust.verify`), with the delivery that it was asked for."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """A column more for each arrival."""
    db.execute_sql("ALTER TABLE arrivals ADD COLUMN results TEXT NOT NULL DEFAULT ''")
