"""Old mail that was brought in, which nobody is written to about."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """A column more for each arrival."""
    db.execute_sql("ALTER TABLE arrivals ADD COLUMN is_silent BOOLEAN NOT NULL DEFAULT FALSE")
