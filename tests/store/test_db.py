"""The bridge to the database: what has been answered is on disk, one failure stays alone, a dead writer is noticed."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from maild.core.errors import ConfigError, StoreBusy
from maild.store import settings, sqlite
from maild.store.db import Store, Tx, open_store
from maild.store.sqlite import sqlite_path
from tests.store.rows import count, only_sqlite

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
WAIT = 120.0  # seconds; nothing here takes one


def keep(tx: Tx, number: int) -> int:
    settings.keep(tx, f"key {number}", "value")
    return number


def fail(tx: Tx, number: int) -> int:
    keep(tx, number)
    raise RuntimeError(f"bug {number}")


@only_sqlite
def test_many_at_once_share_commits_and_each_gets_its_own_answer(store: Store) -> None:
    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(store.run(keep, number) for number in range(1000)))

    commits: list[int] = []
    store.run_now(lambda tx: tx._backend.database.connection().set_trace_callback(
        lambda sql: commits.append(1) if sql.strip().upper().startswith("COMMIT") else None))  # fmt: skip
    assert asyncio.run(all_at_once()) == list(range(1000))
    assert len(commits) < 200, "one commit for whatever waits"
    assert count(store, "settings") == 1000


def test_one_failing_transaction_does_not_take_others_with_it(store: Store) -> None:
    async def mixed() -> list[int | BaseException]:
        return await asyncio.gather(
            *(store.run(fail if number % 3 == 0 else keep, number) for number in range(60)), return_exceptions=True
        )

    for number, answer in enumerate(asyncio.run(mixed())):
        assert (str(answer) == f"bug {number}") if number % 3 == 0 else answer == number
    assert count(store, "settings") == 40, "and of a failed one nothing stays"


def keep_all(tx: Tx, numbers: Sequence[int]) -> list[str]:
    """A bug when there are several: whoever is to blame has to be found."""
    for number in numbers:
        (fail if number % 3 == 0 else keep)(tx, number)
    return [f"{number} of {len(numbers)}" for number in numbers]


def test_what_comes_in_crowds_is_done_together_and_what_fails_alone(store: Store) -> None:
    async def crowd(*numbers: int) -> list[str | BaseException]:
        all_wait = threading.Event()
        first = asyncio.create_task(store.run(lambda tx: all_wait.wait(WAIT)))
        tasks = [asyncio.create_task(store.run_together(keep_all, number)) for number in numbers]
        await asyncio.sleep(0)
        all_wait.set()
        await first
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert asyncio.run(crowd(1, 2, 4, 5)) == ["1 of 4", "2 of 4", "4 of 4", "5 of 4"]
    assert [str(answer) for answer in asyncio.run(crowd(7, 9, 10))] == ["7 of 1", "bug 9", "10 of 1"]
    assert count(store, "settings") == 6


@only_sqlite
def test_a_closed_store_has_let_go_of_its_file(store: Store, url: str) -> None:
    both = threading.Barrier(2, timeout=WAIT)

    async def look_twice_at_once() -> None:
        await asyncio.gather(*(store.read(lambda tx: both.wait()) for _ in range(2)))

    asyncio.run(look_twice_at_once())
    store.close()
    path = str(sqlite_path(url))
    assert [name for name in map(os.path.realpath, Path("/proc/self/fd").iterdir()) if name.startswith(path)] == []


def test_a_wrong_statement_fails_alone(store: Store) -> None:
    async def mixed() -> tuple[object, ...]:
        return await asyncio.gather(
            store.run(keep, 1),
            store.run(lambda tx: tx.run("INSERT INTO nowhere VALUES (1)")),
            store.run(keep, 2),
            return_exceptions=True,
        )

    first, broken, second = asyncio.run(mixed())
    assert (first, second) == (1, 2)
    assert isinstance(broken, Exception)
    assert count(store, "settings") == 2


def test_what_has_been_answered_another_process_can_read(store: Store, url: str) -> None:
    store.run_now(keep, 7)
    program = """if True:
        import sys
        from maild.store.db import open_store
        store = open_store(sys.argv[1])
        print(store.read_now(lambda tx: tx.all("SELECT key FROM settings")))
        store.close()
    """
    answer = subprocess.run(
        [sys.executable, "-c", program, url], check=True, capture_output=True, text=True, env=ENVIRONMENT
    )
    assert answer.stdout.strip() == "[('key 7',)]"


def test_nothing_is_answered_before_it_is_committed(store: Store, open_again: Callable[[], Store]) -> None:
    answered = threading.Event()
    may_go_on = threading.Event()

    def slow(tx: Tx) -> None:
        keep(tx, 1)
        may_go_on.wait(WAIT)

    def ask() -> None:
        store.run_now(slow)
        answered.set()

    other = open_again()
    thread = threading.Thread(target=ask)
    thread.start()
    assert count(other, "settings") == 0
    assert not answered.is_set()
    may_go_on.set()
    assert answered.wait(WAIT)
    assert count(other, "settings") == 1
    thread.join()


def test_a_caller_that_goes_away_harms_nobody(store: Store) -> None:
    async def impatient() -> None:
        tasks = [asyncio.create_task(store.run(keep, number)) for number in range(50)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await store.run(keep, 99) == 99

    asyncio.run(impatient())
    assert not store.died.done()


@pytest.fixture
def impatient_store(monkeypatch: pytest.MonkeyPatch, url: str) -> Store:
    monkeypatch.setitem(sqlite._PRAGMAS, "busy_timeout", 100)
    return open_store(url)


@only_sqlite
def test_a_database_that_another_process_locks_is_busy_and_works_again(impatient_store: Store, url: str) -> None:
    other = sqlite3.connect(sqlite_path(url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        impatient_store.run_now(keep, 1)
    assert impatient_store.read_now(settings.setting, "key 1") is None, "reading goes on"
    other.execute("COMMIT")
    other.close()
    assert impatient_store.run_now(keep, 2) == 2
    assert count(impatient_store, "settings") == 1
    impatient_store.close()


@only_sqlite
def test_a_database_that_cannot_be_written_is_busy(store: Store) -> None:
    store.run_now(keep, 1)
    store.run_now(lambda tx: tx.run("PRAGMA query_only = 1"))
    for number in (2, 3):
        with pytest.raises(StoreBusy):
            store.run_now(keep, number)
    assert not store.died.done()
    assert count(store, "settings") == 1


def test_reading_sees_one_snapshot_and_writes_nothing(store: Store) -> None:
    def look(tx: Tx) -> tuple[object, object]:
        before = settings.setting(tx, "key 1")
        store.run_now(keep, 1)
        return before, settings.setting(tx, "key 1")

    assert store.read_now(look) == (None, None)
    assert store.read_now(settings.setting, "key 1") == "value"


@only_sqlite
def test_the_writers_connection_keeps_its_promises(store: Store) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    found = store.run_now(lambda tx: [tx.one(f"PRAGMA {name}") for name in names])
    assert found == [("wal",), (2,), (1,), (5000,)]
    seen = store.read_now(lambda tx: [tx.one(f"PRAGMA {name}") for name in names])
    assert seen == found


@only_sqlite
def test_the_file_is_nobody_elses_business(store: Store, url: str) -> None:
    store.run_now(keep, 1)
    path = sqlite_path(url)
    for file in path.parent.glob("maild.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_file_that_does_not_keep_its_promises_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sqlite._PRAGMAS, "synchronous", "normal")
    with pytest.raises(ConfigError, match="synchronous=1, not wal and 2"):
        open_store(f"sqlite://{tmp_path}/maild.db")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "maild.db").write_bytes(b"this is not a database, and long enough to be seen as none" * 20)
    with pytest.raises(ConfigError, match=r"maild\.db"):
        open_store(f"sqlite://{tmp_path}/maild.db")
    with pytest.raises(ConfigError, match="mysql is not served"):
        open_store("mysql://host/name")
    with pytest.raises(ConfigError, match=r"store\.url"):
        open_store(f"sqlite://{tmp_path}/maild.db/inside")


def test_a_dead_writer_is_noticed_and_answers_nobody_else(store: Store) -> None:
    def die(_: Tx) -> None:
        raise SystemExit("the thread is shot")

    async def at_once() -> list[object]:
        return await asyncio.gather(
            *(asyncio.wait_for(store.run(fn), WAIT) for fn in (die, lambda tx: keep(tx, 1))), return_exceptions=True
        )

    answers = asyncio.run(at_once())
    assert isinstance(store.died.exception(WAIT), SystemExit)
    assert all(isinstance(answer, StoreBusy | SystemExit) for answer in answers), answers
    with pytest.raises(StoreBusy):
        store.run_now(keep, 2)


def test_a_closed_store_refuses_and_says_so(store: Store) -> None:
    store.close()
    assert store.died.result(WAIT) is None
    with pytest.raises(StoreBusy):
        store.run_now(keep, 1)


def test_closing_finishes_what_waits(open_again: Callable[[], Store]) -> None:
    store = open_again()
    threads = [threading.Thread(target=store.run_now, args=(keep, number)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert count(open_again(), "settings") == 20


@pytest.mark.slow
@only_sqlite
def test_two_processes_may_open_a_new_database_at_once(url: str) -> None:
    program = "import sys; from maild.store.db import open_store; open_store(sys.argv[1]).close()"
    running = [subprocess.Popen([sys.executable, "-c", program, url], env=ENVIRONMENT) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
