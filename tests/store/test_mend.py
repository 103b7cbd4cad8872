"""Moments that a clock set too far ahead has left behind come back to where they would be, and no others move."""

from datetime import timedelta

from maild.core.retry import longest_waits
from maild.store import ledger, outbox
from maild.store.db import Store, Tx
from maild.store.mend import mend_moments
from maild.store.times import from_micros, to_micros
from tests.store.rows import RAW, add_letter, put
from tests.values import NOW

HOURS = timedelta(hours=5)
WAITS = longest_waits()


def test_leases_taken_by_a_clock_that_was_ahead_run_out_a_minute_from_now(store: Store) -> None:
    put(store, RAW)
    add_letter(store)
    store.run_now(ledger.claim, NOW + HOURS, 1)
    store.run_now(outbox.claim, NOW + HOURS, 1)
    assert store.run_now(mend_moments, NOW, WAITS) == 2
    later = NOW + ledger.LEASE
    assert (store.run_now(ledger.claim, NOW, 1), store.run_now(outbox.claim, NOW, 1)) == ([], [])
    assert len(store.run_now(ledger.claim, later, 1)) == len(store.run_now(outbox.claim, later, 1)) == 1


def test_an_attempt_put_off_by_a_clock_that_was_ahead_waits_as_long_as_its_number_says(store: Store) -> None:
    letters = [add_letter(store) for _ in range(len(WAITS) + 2)]
    store.run_now(lambda tx: tx.run("UPDATE outbox SET next_attempt_at = ?", to_micros(NOW + HOURS)))
    for attempts, letter in enumerate(letters):
        store.run_now(Tx.run, "UPDATE outbox SET attempts = ? WHERE id = ?", attempts, letter)
    assert store.run_now(mend_moments, NOW, WAITS) == len(letters)
    rows = store.read_now(lambda tx: tx.all("SELECT next_attempt_at FROM outbox ORDER BY id"))
    assert [from_micros(row[0]) - NOW for row in rows] == [*WAITS, WAITS[-1], WAITS[-1]]


def test_what_a_right_clock_has_written_stays(store: Store) -> None:
    put(store, RAW)
    first, second = add_letter(store), add_letter(store)
    store.run_now(ledger.claim, NOW, 1)
    store.run_now(outbox.claim, NOW, 2)
    store.run_now(outbox.later, first, "450", NOW + WAITS[1])
    before = store.read_now(lambda tx: tx.all("SELECT leased_until, next_attempt_at FROM outbox ORDER BY id"))
    assert store.run_now(mend_moments, NOW, WAITS) == 0
    assert store.read_now(lambda tx: tx.all("SELECT leased_until, next_attempt_at FROM outbox ORDER BY id")) == before
    assert second
