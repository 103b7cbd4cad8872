"""Whether somebody chose the language of his letters himself, or his mails have told it."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """A column more for each person."""
    db.execute_sql("ALTER TABLE people ADD COLUMN is_chosen BOOLEAN NOT NULL DEFAULT FALSE")
