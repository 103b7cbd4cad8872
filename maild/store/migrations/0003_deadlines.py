"""When a ticket that waits for its customer counts as solved, and whether a round has had its reminder."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """Two moments more for each ticket; the first is looked for every minute."""
    db.execute_sql("ALTER TABLE tickets ADD COLUMN auto_solve_at BIGINT")
    db.execute_sql("ALTER TABLE tickets ADD COLUMN reminded_at BIGINT")
    db.execute_sql("CREATE INDEX tickets_status_auto_solve_at ON tickets (status, auto_solve_at)")
