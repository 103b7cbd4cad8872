"""What the store needs of a database, whichever it is; what differs between them is in sqlite.py and postgres.py."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager

import peewee

from maild.core.errors import StoreBusy

Ring = Callable[[str], None]


class Conflict(StoreBusy):
    """Another node holds what this transaction needs, or waits for what it holds."""


class Backend(ABC):
    """An open database. Connections belong to threads: each makes its own at its first transaction."""

    is_shared = False  # may other nodes work on it at the same time?
    batch = 200  # transactions that share one commit at most
    # For the end of a SELECT that decides what a writing transaction does: lock the rows, or pass over locked ones.
    lock = ""
    skip_locked = ""
    # The full-text index: ticket, people and text go in; what `words_asked` gives, a number and a limit find tickets.
    put_words = ""
    find_words = ""
    drop_words = ""

    def __init__(self, database: peewee.Database) -> None:
        self.database = database

    def sql(self, text: str) -> str:
        """A statement with `?` for parameters, as this database reads it."""
        return text

    def values(self, parameters: tuple[object, ...]) -> tuple[object, ...]:
        """Parameters as this database takes them."""
        return parameters

    @abstractmethod
    def writing(self) -> AbstractContextManager[object]:
        """A transaction of this thread that will write."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[object]:
        """A transaction of this thread that sees one snapshot."""

    @abstractmethod
    def is_over(self) -> bool:
        """After an error inside `writing()`: has the whole transaction been lost, not only the failed part?"""

    @abstractmethod
    def busy(self, error: peewee.PeeweeException) -> StoreBusy | None:
        """What to tell whoever asked, if trying again later may help; None if it is a bug or a refused value."""

    @abstractmethod
    def words_asked(self, people: Sequence[str], beginnings: Sequence[str]) -> tuple[str, ...]:
        """The first parameters of `find_words`: any of these people, all of these beginnings of words."""

    def recover(self) -> None:  # noqa: B027 - most databases have nothing to do here
        """After a failed transaction: make the next one of this thread possible."""

    def hurry(self) -> None:  # noqa: B027
        """From here on this transaction, which holds locks, waits for those of other nodes hardly at all."""

    def wait_turn(self, what: str) -> None:  # noqa: B027
        """Wait until no other node's transaction is past this point with the same word; until the commit it is ours."""

    def announce(self, bells: Collection[str]) -> None:  # noqa: B027
        """At the commit, ring these bells on all nodes."""

    async def listen(self, ring: Ring) -> None:  # noqa: B027
        """Ring whatever other nodes announce, until cancelled; at once over where there are no other nodes."""

    def cut(self) -> None:  # noqa: B027
        """From any thread: whoever waits for a server that does not answer gets an error, and nobody asks it again."""

    def close(self) -> None:
        """Let go of the connections of all threads; none of them may be at work."""
        self.database.close()
