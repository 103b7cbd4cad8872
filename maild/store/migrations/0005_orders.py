"""What support's orders need: reminders, decisions about held mail, and the audit list, which can only grow."""

from typing import Any

import peewee
from playhouse.sqlite_ext import AutoIncrementField


def up(migrator: Any, db: peewee.Database) -> None:
    """Create the tables."""
    is_sqlite = isinstance(db, peewee.SqliteDatabase)
    identity = AutoIncrementField if is_sqlite else peewee.BigAutoField

    class Table(peewee.Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Snoozes(Table):
        """Support is reminded of the ticket at that moment."""

        ticket = peewee.BigIntegerField(primary_key=True)
        until = peewee.BigIntegerField(index=True)
        since = peewee.BigIntegerField()
        who = peewee.TextField()

    class Approvals(Table):
        """Support decided that this held mail of its own is sent, or kept as a note."""

        mail = peewee.BigIntegerField(primary_key=True)
        action = peewee.TextField()
        person = peewee.TextField()

    class Audit(Table):
        """Acts that belong to no ticket."""

        id = identity()
        at = peewee.BigIntegerField()
        act = peewee.TextField()
        who = peewee.TextField()
        via = peewee.TextField()
        what = peewee.TextField()
        reason = peewee.TextField()

    db.create_tables([Snoozes, Approvals, Audit], safe=False)
    for statement in _SQLITE if is_sqlite else _POSTGRES:
        db.execute_sql(statement)


_SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit list can only grow'); END"
    for what in ("UPDATE", "DELETE")
)
_POSTGRES = (
    "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'the audit list can only grow'; END $$",
    "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
)
