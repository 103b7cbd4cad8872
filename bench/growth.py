"""What a mail costs on a desk that has many tickets: accepted, decided, its letters written and marked as sent.

A thousand tickets are made by the real program; the rest are copies of their rows, with ids and addresses of their
own. So every table and index has the size that so many real mails would have given it.
"""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import mails
from bench.servers import configure
from maild.config import load
from maild.core.mail import Door, Envelope
from maild.desk import delivery, letters
from maild.desk.accept import accept
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.store import outbox
from maild.wiring import build_desk

SEED = 1000  # tickets made by the program itself
_CLAIM = 50

# Ids, and what points to them: table → {column: table it counts in}.
_COUNTED = {
    "mails": {"id": "mails", "ticket": "tickets"},
    "arrivals": {"id": "arrivals", "mail": "mails"},
    "tickets": {"number": "tickets", "follow_up_of": "tickets"},
    "participants": {"ticket": "tickets"},
    "messages": {"id": "messages", "ticket": "tickets", "mail": "mails"},
    "events": {"id": "events", "ticket": "tickets"},
    "outbox": {"id": "outbox", "ticket": "tickets", "message": "messages"},
}
# Each copy has names of its own where the program looks things up by name (those of support stay), and lies further
# back in time.
_NAMES = {"message_id", "address", "author", "to_address", "to_domain", "sender"}
_MOMENTS = {"created_at", "sent_at", "received_at", "at"}
_APART = 7_200_000_000  # microseconds between two copies


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one mail, on a desk of so many tickets: milliseconds of CPU and of time. `database` is its size in MiB."""

    tickets: int
    cpu: float
    elapsed: float
    database: float


def growth_costs(sizes: Iterable[int], mails_each: int = 200) -> Iterator[Cost]:
    """The cost at each size; half of the mails ask, the other half answer into tickets from all over the desk."""
    with TemporaryDirectory(prefix="maild-bench-") as name:
        folder = Path(name)
        path, database = configure(folder, relay=25), folder / "maild.db"
        with open_desk(path) as desk:
            asyncio.run(_handle(desk, [mails.text_mail(number) for number in range(SEED)]))
        _settle(database)
        database.rename(folder / "seed")
        for tickets in sizes:
            shutil.copyfile(folder / "seed", database)
            copy_tickets(database, tickets // SEED)
            with open_desk(path) as desk:
                yield _cost(desk, tickets, _mixed(tickets, mails_each), database)
            for left in folder.glob("maild.db*"):
                left.unlink()


def _settle(database: Path) -> None:
    """All of the database into its one file: what the write-ahead log still holds is not copied."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def open_desk(config: Path) -> Iterator[Desk]:
    desk = build_desk(load(config))
    try:
        yield desk
    finally:
        desk.store.close()


def _cost(desk: Desk, tickets: int, wanted: list[bytes], database: Path) -> Cost:
    size = database.stat().st_size / 2**20
    asyncio.run(_handle(desk, [wanted.pop()]))  # templates are compiled at their first use
    cpu, elapsed = time.process_time(), time.perf_counter()
    asyncio.run(_handle(desk, wanted))
    cpu, elapsed = time.process_time() - cpu, time.perf_counter() - elapsed
    return Cost(tickets, cpu * 1000 / len(wanted), elapsed * 1000 / len(wanted), size)


def _mixed(tickets: int, count: int) -> list[bytes]:
    """New questions, and answers of the askers of tickets at even distances."""
    step = tickets // (count // 2)
    asked = range(0, step * (count // 2), step)
    return [mail for ticket in asked for mail in (mails.text_mail(10_000_000 + ticket), _answer(ticket))]


def _answer(ticket: int) -> bytes:
    """A mail of the customer who asked that question."""
    copy, number = divmod(ticket, SEED)
    mark = f".c{copy}" if copy else ""
    who, asked = mails.author(number) + mark, mails.message_id(number) + mark
    return mails.text_mail(20_000_000 + ticket, who=who, answers=asked)


async def _handle(desk: Desk, wanted: list[bytes]) -> None:
    """From the door to letters that the relay has taken, without the sockets at both ends."""
    for raw in wanted:
        await accept(desk, raw, envelope(desk, raw))
    while await receive_waiting(desk):
        pass
    while claimed := await desk.store.run(outbox.claim, desk.now(), _CLAIM):
        for letter in claimed:
            await delivery.delivered(desk, await letters.freeze(desk, letter), "250 2.0.0 ok")


def envelope(desk: Desk, raw: bytes) -> Envelope:
    return Envelope(
        mail_from="ivan@firma.test",
        rcpt_tos=(mails.TO,),
        door=Door.SMTP,
        peer="127.0.0.1",
        is_trusted_peer=True,
        user="",
        received_at=desk.now(),
    )


def copy_tickets(database: Path, times: int) -> None:
    """Turn a thousand tickets, with all that belongs to them, into so many thousands."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # a copy that is lost is made again
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        last = {table: _last(connection, table, columns) for table, columns in _COUNTED.items()}
        statements = [_copying(connection, table, last) for table in _COUNTED]
        for copy in range(1, times):
            for statement in statements:
                connection.execute(statement, {"copy": copy})
        connection.commit()


def _last(connection: sqlite3.Connection, table: str, columns: dict[str, str]) -> int:
    own = next((column for column, counted_in in columns.items() if counted_in == table), None)
    return int(connection.execute(f"SELECT MAX({own}) FROM {table}").fetchone()[0]) if own else 0


def _copying(connection: sqlite3.Connection, table: str, last: dict[str, int]) -> str:
    """The statement that makes copy number `:copy` of a table's first rows."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = [_copied(table, column, last) for column in columns]
    own = next((column for column, counted_in in _COUNTED[table].items() if counted_in in (table, "tickets")))
    names = ", ".join(f'"{column}"' for column in columns)
    first = f"{own} <= {last[_COUNTED[table][own]]}"
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table} WHERE {first}"


def _copied(table: str, column: str, last: dict[str, int]) -> str:
    if counted_in := _COUNTED[table].get(column):
        return f"{column} + :copy * {last[counted_in]}"
    if column in _NAMES:
        is_shared = f"{column} = '' OR {column} LIKE '%team.{mails.DOMAIN}'"
        return f"CASE WHEN {is_shared} THEN {column} ELSE {column} || '.c' || :copy END"
    return f"{column} - :copy * {_APART}" if column in _MOMENTS else f'"{column}"'
