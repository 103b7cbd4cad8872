"""Mailboxes on servers: how far each has been read, what in them was passed over, and how an arrival was marked."""

from typing import Any

import peewee

Text, Number, Flag = peewee.TextField, peewee.BigIntegerField, peewee.BooleanField


def up(migrator: Any, db: peewee.Database) -> None:
    """Two tables, and a column more for each arrival."""

    class Table(peewee.Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Mailboxes(Table):
        """A folder that is read. UIDs below `first_uid` lay there before; those below `silent_uid` are old mail.

        `is_second`: the folder has got other UIDs since we began.
        """

        name = Text(primary_key=True)
        uidvalidity = Number()
        first_uid = Number()
        silent_uid = Number()
        next_uid = Number()
        started_at = Number()
        is_second = Flag(default=False)
        swept_at = Number(null=True)

    class MailboxPassed(Table):
        """Messages that are not in the ledger and will not be."""

        name = Text()
        uidvalidity = Number()
        uid = Number()
        reason = Text()
        at = Number()

        class Meta:
            primary_key = peewee.CompositeKey("name", "uidvalidity", "uid")

    db.create_tables([Mailboxes, MailboxPassed], safe=False)
    db.execute_sql("ALTER TABLE arrivals ADD COLUMN mark TEXT NOT NULL DEFAULT ''")
