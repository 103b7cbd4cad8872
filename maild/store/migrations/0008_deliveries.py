"""What mail systems behind the relay have reported of letters: delayed, delivered, bounced."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Create the table: a row for each letter of the outbox that something was reported of."""

    class DeliveryReports(peewee.Model):
        letter = peewee.BigIntegerField(primary_key=True)
        state = peewee.TextField()
        status = peewee.TextField()
        at = peewee.BigIntegerField()

        class Meta:
            database = db
            legacy_table_names = False

    db.create_tables([DeliveryReports], safe=False)
