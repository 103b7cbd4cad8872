"""What the portal needs: sessions, how often somebody tried, access to accounts, and each person's own list of tickets.

A participant's row repeats what his list is ordered and divided by, so that a page of it costs the same however many
tickets he has. `answered` is the newest answer of support, `seen` what he has read or written himself.
"""

from typing import Any

import peewee

Text, Number = peewee.TextField, peewee.BigIntegerField


def up(migrator: Any, db: peewee.Database) -> None:
    """Create the tables; fill the new columns."""

    class Table(peewee.Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Sessions(Table):
        """`id` is the hash of what the cookie holds."""

        id = Text(primary_key=True)
        address = Text(index=True)
        at = Number()
        until = Number(index=True)

    class Rates(Table):
        """Something that may happen only so often happened."""

        key = Text()
        at = Number(index=True)

        class Meta:
            primary_key = False
            indexes = ((("key", "at"), False),)

    class Grants(Table):
        """The guest may read and write the owner's tickets."""

        owner = Text()
        guest = Text(index=True)
        at = Number()

        class Meta:
            primary_key = peewee.CompositeKey("owner", "guest")

    db.create_tables([Sessions, Rates, Grants], safe=False)
    for column in ("created_at BIGINT", "answered BIGINT", "seen BIGINT"):
        db.execute_sql(f"ALTER TABLE participants ADD COLUMN {column} NOT NULL DEFAULT 0")
    db.execute_sql("ALTER TABLE participants ADD COLUMN is_incoming BOOLEAN NOT NULL DEFAULT FALSE")
    for statement in _FILL:
        db.execute_sql(statement)
    db.execute_sql(
        "CREATE INDEX participants_list ON participants (address, created_at, ticket, position, is_incoming)"
    )
    db.execute_sql("CREATE INDEX participants_unread ON participants (address) WHERE answered > seen")


_FILL = (
    "UPDATE participants SET created_at = (SELECT t.created_at FROM tickets t WHERE t.number = participants.ticket),"
    " is_incoming = (SELECT t.is_incoming FROM tickets t WHERE t.number = participants.ticket)"
    " WHERE ticket IN (SELECT number FROM tickets)",
    "UPDATE participants SET answered = COALESCE((SELECT MAX(m.id) FROM messages m WHERE m.ticket = participants.ticket"
    " AND m.role = 'agent' AND m.is_note = FALSE), 0), seen = COALESCE((SELECT MAX(m.id) FROM messages m"
    " WHERE m.ticket = participants.ticket AND m.author = participants.address), 0)",
)
