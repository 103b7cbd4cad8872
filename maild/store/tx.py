"""What a function of the database works with: SQL in, plain tuples out. Knows no table."""

from collections.abc import Sequence
from typing import Any

from maild.store.backend import Backend

Row = tuple[Any, ...]


class Tx:
    """A transaction: SQL with `?` for parameters, plain tuples for rows.

    `lock` and `skip_locked` end a SELECT whose rows decide what is written: nobody else decides on them before the
    commit. They are empty where a transaction is alone anyway, and in one that only reads.
    """

    def __init__(self, backend: Backend, bells: set[str] | None = None) -> None:
        self._backend = backend
        self._bells = bells
        is_writing = bells is not None
        self.lock = backend.lock if is_writing else ""
        self.skip_locked = backend.skip_locked if is_writing else ""

    def run(self, sql: str, *parameters: Any) -> int:
        """Carry out a statement; how many rows it changed."""
        return int(self._execute(sql, parameters).rowcount)

    def one(self, sql: str, *parameters: Any) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        """All rows."""
        return list(self._execute(sql, parameters).fetchall())

    def new_id(self, sql: str, *parameters: Any) -> int:
        """The value of an INSERT … RETURNING."""
        row = self.one(sql, *parameters)
        if row is None:
            raise LookupError("INSERT returned no row")
        return int(row[0])

    def text_columns(self) -> list[tuple[str, str]]:
        """Every column of every table that holds text: table, column."""
        database = self._backend.database
        return [
            (table, column.name)
            for table in database.get_tables()
            for column in database.get_columns(table)
            if column.data_type.lower() == "text"
        ]

    def put_words(self, ticket: int, people: str, text: str) -> None:
        """What the search finds of a ticket from now on: words of letters and digits, with spaces between them."""
        self.run(self._backend.put_words, ticket, people, text)

    def drop_words(self, ticket: int) -> None:
        """The search finds nothing of that ticket any more."""
        self.run(self._backend.drop_words, ticket)

    def find_words(self, people: Sequence[str], beginnings: Sequence[str], before: int, limit: int) -> list[int]:
        """The newest tickets, with numbers below `before`, of any of these people, with words that begin like that."""
        asked = self._backend.words_asked(people, beginnings)
        return [int(row[0]) for row in self.all(self._backend.find_words, *asked, before, limit)]

    def wait_turn(self, what: str) -> None:
        """From here to the commit no other node is past this point with the same word."""
        if self._bells is not None:
            self._backend.wait_turn(what)

    def ring(self, bell: str) -> None:
        """Tell all nodes at the commit that there is something to do; see `Store.listen`."""
        if self._bells is not None:
            self._bells.add(bell)

    def _execute(self, sql: str, parameters: tuple[Any, ...]) -> Any:
        backend = self._backend
        return backend.database.execute_sql(backend.sql(sql), backend.values(parameters))
