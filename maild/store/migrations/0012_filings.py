"""Letters filed in mailboxes: where each lies, where it was moved to and not yet obeyed, and copies of answers."""

from typing import Any

import peewee
from playhouse.sqlite_ext import AutoIncrementField


def up(migrator: Any, db: peewee.Database) -> None:
    """Create the tables."""
    identity = AutoIncrementField if isinstance(db, peewee.SqliteDatabase) else peewee.BigAutoField

    class Table(peewee.Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Filings(Table):
        """One message of ours in a mailbox. `uid` 0: not seen there yet. `to_…`: a move that is to be obeyed."""

        id = identity()
        mailbox = peewee.TextField()
        ticket = peewee.BigIntegerField(null=True)
        message_id = peewee.TextField()
        purpose = peewee.TextField()
        state = peewee.TextField()
        folder = peewee.TextField()
        uidvalidity = peewee.BigIntegerField()
        uid = peewee.BigIntegerField()
        is_settled = peewee.BooleanField()
        missing_since = peewee.BigIntegerField(null=True)
        to_folder = peewee.TextField(null=True)
        to_uidvalidity = peewee.BigIntegerField(null=True)
        to_uid = peewee.BigIntegerField(null=True)
        seen_at = peewee.BigIntegerField(null=True)
        due_at = peewee.BigIntegerField(null=True)

        class Meta:
            indexes = (
                (("mailbox", "message_id"), False),
                (("mailbox", "folder", "uid"), False),
                (("ticket",), False),
                (("mailbox", "is_settled"), False),
                (("mailbox", "due_at"), False),
                (("mailbox", "missing_since"), False),
            )

    class SentCopies(Table):
        """An answer that was relayed, to be laid into Sent once."""

        mailbox = peewee.TextField()
        message = peewee.BigIntegerField()
        letter = peewee.BigIntegerField()
        is_done = peewee.BooleanField()

        class Meta:
            primary_key = peewee.CompositeKey("mailbox", "message")
            indexes = ((("mailbox", "is_done"), False), (("letter",), False))

    class FolderMarks(Table):
        """Up to which UID (exclusive) a folder has been looked through."""

        mailbox = peewee.TextField()
        folder = peewee.TextField()
        uidvalidity = peewee.BigIntegerField()
        uidnext = peewee.BigIntegerField()

        class Meta:
            primary_key = peewee.CompositeKey("mailbox", "folder")

    db.create_tables([Filings, SentCopies, FolderMarks], safe=False)
