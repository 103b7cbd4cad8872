"""What a form of the portal said beside its words, with the delivery it came in; and questions not sent yet."""

from typing import Any

import peewee

Text, Number = peewee.TextField, peewee.BigIntegerField


def up(migrator: Any, db: peewee.Database) -> None:
    """A column more for each arrival; the tables of drafts."""

    class Table(peewee.Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Drafts(Table):
        """What is typed and not sent; `person` is who may see it besides whoever holds its id, "" is nobody.

        `ticket` is the one that it answers, 0 for a new question.
        """

        id = Text(primary_key=True)
        person = Text(index=True)
        ticket = Number()
        at = Number(index=True)
        category = Text()
        topic = Text()
        fields = Text()
        words = Text()

    class DraftFiles(Table):
        draft = Text()
        position = Number()
        name = Text()
        type = Text()
        size = Number()
        octets = peewee.BlobField()  # last, as in mails

        class Meta:
            primary_key = peewee.CompositeKey("draft", "position")

    db.execute_sql("ALTER TABLE arrivals ADD COLUMN form TEXT NOT NULL DEFAULT ''")
    db.create_tables([Drafts, DraftFiles], safe=False)
