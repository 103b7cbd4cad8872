"""The words of tickets, for the search of the portal: a full-text index of whichever kind the database has."""

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> None:
    """FTS5 of SQLite, or a tsvector of PostgreSQL."""
    if isinstance(db, peewee.SqliteDatabase):
        db.execute_sql(
            "CREATE VIRTUAL TABLE words USING fts5(people, text, detail=column, prefix='4',"
            " tokenize='unicode61 remove_diacritics 0')"
        )
        return
    db.execute_sql("CREATE TABLE words (ticket BIGINT PRIMARY KEY, people TEXT[] NOT NULL, text TSVECTOR NOT NULL)")
    db.execute_sql("CREATE INDEX words_text ON words USING GIN (text)")
    db.execute_sql("CREATE INDEX words_people ON words USING GIN (people)")
