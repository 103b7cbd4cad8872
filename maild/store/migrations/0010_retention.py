"""What `[retention]` goes by: when a ticket was closed or a held mail dropped, which mails still have their bytes."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Moments and indexes, filled in for what has happened already."""

    class Dropped(peewee.Model):
        """A held mail that was dropped; the row goes with its raw bytes."""

        mail = peewee.BigIntegerField(primary_key=True)
        at = peewee.BigIntegerField(index=True)

        class Meta:
            database = db
            legacy_table_names = False

    db.create_tables([Dropped], safe=False)
    for statement in _STATEMENTS:
        db.execute_sql(statement)


_STATEMENTS = (
    "INSERT INTO dropped (mail, at) SELECT CAST(SUBSTR(what, 6) AS BIGINT), MAX(at) FROM audit"
    " WHERE act = 'mail dropped' GROUP BY what",
    "ALTER TABLE tickets ADD COLUMN closed_at BIGINT",
    "UPDATE tickets SET closed_at = COALESCE((SELECT MAX(at) FROM events"
    " WHERE ticket = number AND event IN ('closed', 'merged')), created_at) WHERE status = 'closed'",
    "CREATE INDEX tickets_status_closed_at ON tickets (status, closed_at)",
    # Only of mails that have something to lose: the others would be looked at again every hour, for ever.
    "CREATE INDEX mails_kept ON mails (received_at) WHERE length(octets) > 0",
)
