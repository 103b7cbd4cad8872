"""Addresses that a bounce of ours has said do not exist. No letter waits for them; nothing else changes."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Create the table."""

    class Unreachable(peewee.Model):
        address = peewee.TextField(primary_key=True)
        at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False

    db.create_tables([Unreachable], safe=False)
