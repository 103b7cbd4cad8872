"""Where a letter in a mailbox is being moved to by the desk itself, written down before it is."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """A column more for each letter in a mailbox."""
    db.execute_sql("ALTER TABLE filings ADD COLUMN moving_to TEXT")
