"""People in Cc, whom support may let into a ticket; addresses that sent spam, which get no automatic letters."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Create the tables."""

    class Table(peewee.Model):
        class Meta:
            database = db
            legacy_table_names = False

    class CcProposals(Table):
        """A row goes when its person joins the ticket."""

        ticket = peewee.BigIntegerField()
        address = peewee.TextField()
        name = peewee.TextField()
        at = peewee.BigIntegerField()

        class Meta:
            primary_key = peewee.CompositeKey("ticket", "address")

    class Muted(Table):
        address = peewee.TextField(primary_key=True)
        at = peewee.BigIntegerField()

    db.create_tables([CcProposals, Muted], safe=False)
