"""What only PostgreSQL has: other nodes at work at the same time, a server that goes away, promises to be checked."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from maild.core.errors import ConfigError, StoreBusy
from maild.core.facts import MailKeys
from maild.store import arrivals, deadlines, ledger, nonces, outbox, settings, tickets
from maild.store.db import Store, Tx, migrate_store, open_store
from tests.servers import Postgres, postgres, until
from tests.store.rows import RAW, add_letter, count, delivery, new_ticket, put, settle, state
from tests.values import IVAN, NOW, TECH

WAIT = 120.0  # seconds; nothing here takes one


@pytest.fixture
def url(postgres_url: str) -> str:
    """The URL of an empty database."""
    return postgres_url


@pytest.fixture
def other(open_again: Callable[[], Store]) -> Store:
    """Another node on the same database."""
    return open_again()


def keep(tx: Tx, number: int) -> int:
    settings.keep(tx, f"key {number}", "value")
    return number


@contextmanager
def held_up(store: Store, act: Callable[[Tx], object]) -> Iterator[None]:
    """A transaction of that node that has acted and does not end before the block does."""
    has_acted, may_end = threading.Event(), threading.Event()

    def slowly(tx: Tx) -> None:
        act(tx)
        has_acted.set()
        may_end.wait(WAIT)

    thread = threading.Thread(target=store.run_now, args=(slowly,))
    thread.start()
    try:
        assert has_acted.wait(WAIT)
        yield
    finally:
        may_end.set()
        thread.join()


def in_background(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_what_one_node_has_claimed_the_other_passes_over_without_waiting(store: Store, other: Store) -> None:
    mails = [put(store, RAW + bytes([65 + n]))[0] for n in range(4)]
    letters = [add_letter(store) for _ in range(4)]
    with held_up(store, lambda tx: ledger.claim(tx, NOW, 2)):
        assert other.run_now(ledger.claim, NOW, 9) == mails[2:]
    with held_up(store, lambda tx: outbox.claim(tx, NOW, 2)):
        assert [letter.id for letter in other.run_now(outbox.claim, NOW, 9)] == letters[2:]


def test_a_ticket_is_decided_on_by_one_node_at_a_time(store: Store, other: Store) -> None:
    number = new_ticket(store)
    seen: list[str] = []

    def look(tx: Tx) -> None:
        found = tickets.facts_of_ticket(tx, number)
        assert found is not None
        seen.append(found[0].subject)

    def rename(tx: Tx) -> None:
        look(tx)
        tx.run("UPDATE tickets SET subject = 'renamed' WHERE number = ?", number)

    with held_up(store, rename):
        thread = in_background(lambda: other.run_now(look))
        other.read_now(look)
        assert seen == ["Счёт", "Счёт"], "reading waits for nobody"
    thread.join()
    assert seen[2:] == ["renamed"], "deciding does, and sees what was decided before"


def test_a_delivery_that_comes_while_another_node_settles_its_mail_is_not_lost(store: Store, other: Store) -> None:
    mail, _ = put(store)
    spooled = store.read_now(ledger.load, mail)

    def settling(tx: Tx, loaded: ledger.SpooledMail) -> None:
        assert ledger.is_still_ours(tx, loaded)
        ledger.settle_arrivals(tx, loaded)

    with held_up(store, lambda tx: settling(tx, spooled)):
        thread = in_background(lambda: put(other, rcpt_tos=(TECH,)))
    thread.join()
    assert state(store, mail) == "spooled"
    again = store.read_now(ledger.load, mail)
    with held_up(store, lambda tx: put_in(tx, "second@desk.example")):
        settling_again = in_background(lambda: other.run_now(settling, again))
    settling_again.join()
    assert state(store, mail) == "spooled"


def put_in(tx: Tx, rcpt: str) -> None:
    arrivals.put(tx, delivery(rcpt_tos=(rcpt,)))


def test_who_has_lost_his_lease_does_not_settle_what_another_node_has(store: Store, other: Store) -> None:
    mail, _ = put(store)
    late = store.read_now(ledger.load, mail)
    settle(other, mail, ticket=5)
    put(store, rcpt_tos=(TECH,))
    assert state(store, mail) == "spooled"
    assert not store.run_now(ledger.is_still_ours, late)
    assert store.run_now(ledger.is_still_ours, store.read_now(ledger.load, mail))


def test_the_same_mail_at_two_nodes_at_once_is_one_row(store: Store, other: Store) -> None:
    with held_up(store, lambda tx: put_in(tx, TECH)):
        thread = in_background(lambda: put(other, rcpt_tos=(TECH,)))
    thread.join()
    assert (count(store, "mails"), count(store, "arrivals")) == (1, 2)


def test_a_nonce_works_once_on_all_nodes(store: Store, other: Store) -> None:
    worked: list[bool] = []
    with held_up(store, lambda tx: worked.append(nonces.use(tx, "n", NOW))):
        thread = in_background(lambda: worked.append(other.run_now(nonces.use, "n", NOW)))
    thread.join()
    assert worked == [True, False]


def test_budgets_are_counted_by_one_node_at_a_time(store: Store, other: Store) -> None:
    ticket = new_ticket(store)
    keys = MailKeys(IVAN.address, "")
    seen: list[int] = []

    def answer(tx: Tx) -> None:
        seen.append(tickets.facts_for(tx, keys, NOW).provoked.address_hour)
        tx.run("UPDATE outbox SET is_provoked = TRUE")

    add_letter(store, ticket)
    with held_up(store, answer):
        thread = in_background(lambda: other.run_now(answer))
    thread.join()
    assert seen == [0, 1]


def test_two_nodes_that_lock_in_opposite_order_both_come_through(store: Store, other: Store) -> None:
    """Each batch would hold what the other wants; nobody is told to try again."""
    numbers = [new_ticket(store) for _ in range(4)]

    def touch(tx: Tx, number: int) -> int:
        return len(tickets.tickets_by_number(tx, [number]))

    async def crossing() -> list[int]:
        each = numbers * 10
        tasks = [node.run(touch, number) for a, b in zip(each, reversed(each), strict=True)
                 for node, number in ((store, a), (other, b))]  # fmt: skip
        return await asyncio.gather(*tasks)

    assert asyncio.run(crossing()) == [1] * 80


def test_two_nodes_close_each_due_ticket_once(store: Store, other: Store) -> None:
    for _ in range(6):
        number = new_ticket(store)
        store.run_now(lambda tx, number: tx.run(
            "UPDATE tickets SET status = 'solved', reopen_until = 1 WHERE number = ?", number), number)  # fmt: skip
    closed: list[list[int]] = []

    def close(tx: Tx) -> None:
        due = deadlines.due_to_close(tx, NOW, 4)
        closed.append(due)
        for number in due:
            tx.run("UPDATE tickets SET status = 'closed' WHERE number = ?", number)

    with held_up(store, close):
        other.run_now(close)
    assert [len(each) for each in closed] == [4, 2]
    assert len({*closed[0], *closed[1]}) == 6


def test_a_bell_rings_on_other_nodes_at_the_commit(store: Store, other: Store) -> None:
    async def hear() -> str:
        heard: asyncio.Queue[str] = asyncio.Queue()
        listening = asyncio.create_task(other.listen(heard.put_nowait))
        try:
            while True:  # the first may come before LISTEN has been said
                await store.run(lambda tx: tx.ring(ledger.BELL))
                with suppress(TimeoutError):
                    return await asyncio.wait_for(heard.get(), 0.2)
        finally:
            listening.cancel()

    assert asyncio.run(asyncio.wait_for(hear(), WAIT)) == "mail"


def test_text_with_a_nul_is_stored_without_it(store: Store) -> None:
    store.run_now(settings.keep, "key", "a\0b")
    assert store.read_now(settings.setting, "key") == "a\ufffdb"


def test_text_with_signs_of_the_driver_is_text(store: Store) -> None:
    store.run_now(settings.keep, "100%s", "?%(a)s")
    assert store.read_now(lambda tx: tx.all("SELECT value FROM settings WHERE key LIKE '100%' AND value = ?", "?%(a)s"))


def test_a_lost_connection_is_made_again_without_anybody_noticing(
    store: Store, url: str, postgres_server: Postgres
) -> None:
    store.run_now(keep, 1)
    assert count(store, "settings") == 1
    name = postgres_server.name(url)
    postgres_server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert store.run_now(keep, 2) == 2
    assert count(store, "settings") == 2


def test_a_connection_lost_in_the_middle_is_busy_and_nothing_of_it_stays(
    store: Store, url: str, postgres_server: Postgres
) -> None:
    def cut_off(tx: Tx, *numbers: int) -> None:
        for number in numbers:
            keep(tx, number)
        name = postgres_server.name(url)
        postgres_server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        settings.setting(tx, "key 1")

    with pytest.raises(StoreBusy):
        store.run_now(cut_off, 1, 2)
    with pytest.raises(StoreBusy):
        store.read_now(cut_off)
    assert not store.died.done()
    assert store.run_now(keep, 3) == 3
    assert count(store, "settings") == 1


def test_a_database_that_was_made_read_only_is_busy(store: Store, url: str, postgres_server: Postgres) -> None:
    name = postgres_server.name(url)
    postgres_server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgres_server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with pytest.raises(StoreBusy):
        store.run_now(keep, 1)
    postgres_server.sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert store.run_now(keep, 1) == 1


@pytest.mark.parametrize("value", ["off", "local", "on"])
def test_a_commit_that_waits_for_no_disk_is_refused(url: str, postgres_server: Postgres, value: str) -> None:
    postgres_server.sql(f"ALTER DATABASE {postgres_server.name(url)} SET synchronous_commit = {value}")
    if value == "off":
        with pytest.raises(ConfigError, match="synchronous_commit=off"):
            open_store(url)
    else:
        open_store(url).close()


def test_a_server_without_fsync_is_refused(url: str, postgres_server: Postgres) -> None:
    def set_fsync(value: str) -> None:
        postgres_server.sql(f"ALTER SYSTEM SET fsync = {value}", "SELECT pg_reload_conf()")
        until(lambda: postgres_server.sql("SHOW fsync") == value, f"fsync is {value}")

    set_fsync("off")
    try:
        with pytest.raises(ConfigError, match="fsync=off"):
            open_store(url)
    finally:
        set_fsync("on")
    open_store(url).close()


def test_what_cannot_be_opened_says_why(url: str, postgres_server: Postgres) -> None:
    with pytest.raises(StoreBusy, match=r"does not let us in.*no_such_database"):
        open_store(postgres_server.url("no_such_database"))
    with pytest.raises(ConfigError, match=r"store\.url"):
        open_store("postgresql://host/db?no_such_option=1")
    with pytest.raises(StoreBusy) as refused:
        open_store("postgresql://anna:hunter2@127.0.0.1:1/desk")
    assert "hunter2" not in str(refused.value)


@pytest.mark.system
def test_a_server_that_crashes_and_comes_back_needs_no_new_start_of_ours() -> None:
    with postgres() as server:
        migrate_store(server.url("postgres"))
        store = open_store(server.url("postgres"))
        try:
            store.run_now(keep, 1)
            server.stop("immediate")
            for ask in (lambda: store.run_now(keep, 2), lambda: store.read_now(settings.setting, "key 1")):
                with pytest.raises(StoreBusy):
                    ask()
            server.start()
            assert store.run_now(keep, 3) == 3
            assert store.read_now(settings.setting, "key 1") == "value", "what was answered is there"
            assert count(store, "settings") == 2
            assert not store.died.done()
        finally:
            store.close()


@pytest.mark.parametrize("is_write", [True, False])
def test_a_wait_for_a_server_that_does_not_answer_can_be_cut_short(url: str, is_write: bool) -> None:
    store = open_store(url)
    began = threading.Event()

    def wait(tx: Tx) -> None:
        began.set()
        tx.all("SELECT pg_sleep(60)")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.run_now if is_write else store.read_now, wait)
        assert began.wait(10)
        store.cut()
        with pytest.raises(StoreBusy):
            waiting.result(10)
    with pytest.raises(StoreBusy):
        store.run_now(keep, 1)
    store.close()


def test_letters_under_way_keep_their_lease_and_those_of_a_dead_sender_come_back(store: Store, other: Store) -> None:
    first, second = add_letter(store), add_letter(store)
    store.run_now(outbox.claim, NOW, 9)
    half = outbox.LEASE / 2
    store.run_now(outbox.renew, (first,), NOW + half)
    assert [letter.id for letter in other.run_now(outbox.claim, NOW + outbox.LEASE, 9)] == [second]
    again = other.run_now(outbox.claim, NOW + half + outbox.LEASE, 9)
    assert [letter.id for letter in again] == [first]
    assert timedelta(seconds=60) >= outbox.LEASE
