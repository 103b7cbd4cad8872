"""A full disk (a tmpfs of 2 MiB): nothing is half written, everybody is told, and with room it works again."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from maild.core.errors import ConfigError, StoreBusy
from maild.store import arrivals, ledger
from maild.store.db import Store, open_store
from tests.disks import fill, small_disk
from tests.store.rows import RAW, count, delivery, put

SIZE = "2m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own for the database."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, SIZE):
        yield folder


@pytest.fixture
def store_on_disk(disk: Path) -> Iterator[Store]:
    store = open_store(f"sqlite://{disk}/maild.db")
    yield store
    store.close()


def large(number: int) -> bytes:
    return f"Message-ID: <{number}@client.example>\r\n\r\n".encode() + os.urandom(60_000)


def test_on_a_full_disk_nothing_is_taken_and_afterwards_everything_again(store_on_disk: Store, disk: Path) -> None:
    store = store_on_disk
    put(store, RAW)
    ballast = fill(disk)
    for number in range(3):
        with pytest.raises(StoreBusy):
            put(store, large(number))
    assert (count(store, "mails"), count(store, "arrivals")) == (1, 1)
    assert not store.died.done()
    ballast.unlink()
    assert put(store, large(1))[1]
    assert (count(store, "mails"), count(store, "arrivals")) == (2, 2)


def test_of_a_batch_that_does_not_fit_every_answer_is_true(store_on_disk: Store, disk: Path) -> None:
    store = store_on_disk
    raws = [large(number) for number in range(60)]

    async def all_at_once() -> list[tuple[int, bool] | BaseException]:
        return await asyncio.gather(
            *(store.run_together(arrivals.put_all, delivery(raw)) for raw in raws),
            return_exceptions=True,
        )

    answers = asyncio.run(all_at_once())
    taken = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert all(isinstance(answer, StoreBusy) for answer in answers if isinstance(answer, BaseException)), answers
    assert len(taken) < len(raws), "3.6 MB do not fit on the disk"
    rows = {row.id for row in store.read_now(ledger.rows)}
    assert rows == {mail for mail, _ in taken}
    assert count(store, "arrivals") == len(taken)
    for mail in rows:
        assert store.read_now(ledger.raw, mail) in raws
    assert store.read_now(lambda tx: tx.one("PRAGMA integrity_check")) == ("ok",)


def test_a_disk_that_is_full_from_the_start_is_named(disk: Path) -> None:
    fill(disk)
    with pytest.raises(ConfigError, match=r"maild\.db"):
        open_store(f"sqlite://{disk}/maild.db")
