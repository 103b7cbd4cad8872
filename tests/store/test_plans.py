"""The cost of a mail must not grow with the number of tickets: no query of the daily round reads a whole table."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from maild.core.effects import SetStatus
from maild.core.facts import MailKeys
from maild.core.requests import Scope
from maild.core.ticket import Status
from maild.store import (
    arrivals,
    deadlines,
    grants,
    ledger,
    lists,
    mine,
    nonces,
    outbox,
    people,
    rates,
    reading,
    retention,
    sessions,
    threads,
    tickets,
)
from maild.store.db import Row, Store, Tx
from tests.store.rows import add_letter, delivery, message, new_ticket, only_sqlite, put
from tests.values import IVAN, NOW

pytestmark = only_sqlite  # EXPLAIN of PostgreSQL depends on how much there is, and little is always scanned

# "latest" and "unread" are cut off by a LIMIT; of "words" FTS5 calls every look a scan.
SMALL = ("settings", "leases", "people", "latest", "unread", "words")
KEYS = MailKeys(IVAN.address, "m@x.example", ("a", "b"), (1, 2), letter=1, returned_id="r@x.example")
ROUND = SetStatus(0, Status.SOLVED, solved_at=NOW, reopen_until=NOW)


class Watched(Tx):
    """Asks SQLite how it would carry out each statement before it does."""

    def __init__(self, tx: Tx) -> None:
        super().__init__(tx._backend, set())
        self.steps: list[str] = []

    def run(self, sql: str, *parameters: Any) -> int:
        self._explain(sql, parameters)
        return super().run(sql, *parameters)

    def one(self, sql: str, *parameters: Any) -> Row | None:
        self._explain(sql, parameters)
        return super().one(sql, *parameters)

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        self._explain(sql, parameters)
        return super().all(sql, *parameters)

    def _explain(self, sql: str, parameters: tuple[Any, ...]) -> None:
        plan = self._backend.database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
        self.steps += [f"{row[3]}: {sql}" for row in plan]


def put_again(tx: Tx) -> None:
    arrivals.put(tx, delivery(source_key="source", rcpt_tos=("x@desk.example",)))


def material(tx: Tx) -> None:
    [letter] = outbox.claim(tx, NOW, 1)
    threads.material_for(tx, letter, with_notes=True)


def marks(tx: Tx) -> None:
    mine.mark_seen(tx, 1, "x", 1)
    mine.mark_answered(tx, 1, 1)
    mine.mark_copied(tx, 1)
    mine.mark_old(tx, 1, 1)


def _tab(scope: Scope) -> Callable[[Tx], Any]:
    return lambda tx: mine.tickets_of(tx, IVAN.address, scope, before=(NOW, 9))


DAILY: dict[str, Callable[[Tx], Any]] = {
    "put": put_again,
    "claim": lambda tx: ledger.claim(tx, NOW, 20),
    "load": lambda tx: ledger.load(tx, 1),
    "settle": lambda tx: ledger.settle_arrivals(tx, ledger.load(tx, 1)),
    "answers waiting": lambda tx: ledger.answers_waiting(tx, 1, ("a", "b")),
    "put off": lambda tx: ledger.put_off(tx, 1, NOW),
    "put back": lambda tx: ledger.put_back(tx, 1, NOW, timedelta(0)),
    "held": lambda tx: ledger.held_unannounced(tx, 9),
    "facts": lambda tx: tickets.facts_for(tx, KEYS, NOW),
    "facts of a ticket": lambda tx: tickets.facts_of_ticket(tx, 1),
    "message of mail": lambda tx: tickets.message_of_mail(tx, 1),
    "set status": lambda tx: tickets.set_status(tx, 1, ROUND, NOW),
    "confirm": lambda tx: tickets.confirm(tx, 1, NOW),
    "due to close": lambda tx: deadlines.due_to_close(tx, NOW, 100),
    "due to auto-solve": lambda tx: deadlines.due_to_auto_solve(tx, NOW, 100),
    "due to remind": lambda tx: deadlines.due_to_remind(tx, NOW, timedelta(hours=6), 100),
    "claim letters": lambda tx: outbox.claim(tx, NOW, 9),
    "letter sent": lambda tx: outbox.sent(tx, 1, "250", NOW),
    "letter later": lambda tx: outbox.later(tx, 1, "451", NOW),
    "material": material,
    "nonce": lambda tx: (nonces.use(tx, "n", NOW), nonces.forget(tx, NOW)),
    "raw mail kept no longer": lambda tx: retention.raw_due(tx, NOW, NOW + timedelta(days=1), 9),
    "dropped mail kept no longer": lambda tx: retention.dropped_due(tx, NOW, NOW, 9),
    "tickets kept no longer": lambda tx: retention.closed_due(tx, NOW, NOW, 9),
    "raw deleted": lambda tx: retention.delete_raw(tx, [1, 2]),
    "tickets deleted": lambda tx: retention.delete_tickets(tx, [1, 2]),
    "history": lambda tx: lists.events_of(tx, 1),
    "session": lambda tx: (sessions.person_of(tx, "s", NOW), sessions.end_all(tx, "x"), sessions.forget(tx, NOW)),
    "rates": lambda tx: (rates.count(tx, "k", NOW), rates.forget(tx, NOW)),
    "access": lambda tx: (grants.given_by(tx, "x"), grants.given_to(tx, "x"), grants.guests_of(tx, [1])),
    "may read": lambda tx: mine.may_read(tx, 1, "x"),
    "somebody": lambda tx: (people.is_known(tx, "x"), people.name_of(tx, "x"), mine.unread_answers(tx, "x", 9)),
    "seen": marks,
    "thread": lambda tx: (
        reading.messages_before(tx, 1, "x", 9, 10),
        reading.message(tx, 1, 1),
        reading.happened_between(tx, 1, NOW, NOW),
        reading.follow_ups(tx, 1),
        reading.head_of(tx, 1),
        reading.newest_message(tx, 1),
        reading.is_unseen(tx, 1, "x", 1),
    ),
    **{f"tab {scope}": _tab(scope) for scope in Scope},
}

KEPT = ("raw mail kept no longer", "dropped mail kept no longer", "tickets kept no longer")
QUEUES = ("claim", "held", "due to close", "due to auto-solve", "due to remind", "claim letters", *KEPT)


def steps(store: Store, name: str) -> list[str]:
    """How the database carries out everything that goes by that name."""
    put(store)
    new_ticket(store)
    store.run_now(tickets.add_message, 1, message(message_id="q@x.example"), 1)
    add_letter(store, 1, is_provoked=True)

    def watch(tx: Tx) -> list[str]:
        watched = Watched(tx)
        DAILY[name](watched)
        assert watched.steps
        return watched.steps

    return store.run_now(watch)


@pytest.mark.parametrize("name", DAILY)
def test_no_daily_query_reads_a_whole_table(store: Store, name: str) -> None:
    scans = [step for step in steps(store, name) if step.startswith("SCAN")]
    assert [step for step in scans if not any(step.startswith(f"SCAN {table}") for table in SMALL)] == []


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_read_in_the_order_of_its_index(store: Store, name: str) -> None:
    assert [step for step in steps(store, name) if "TEMP B-TREE" in step] == []
