"""The outbox: a letter is leased, frozen once, and has one end."""

from datetime import timedelta

import pytest

from maild.core.tokens import Purpose
from maild.store import outbox
from maild.store.db import Store
from tests.store.rows import add_letter, count
from tests.values import IVAN, NOW

HOUR = timedelta(hours=1)


def only(store: Store) -> outbox.OutboxRow:
    [row] = store.read_now(outbox.rows)
    return row


def claim(store: Store, hours: float = 0, limit: int = 9) -> list[outbox.Letter]:
    return store.run_now(outbox.claim, NOW + timedelta(hours=hours), limit)


def test_a_claimed_letter_has_everything_and_is_not_claimed_twice(store: Store) -> None:
    number = add_letter(store, 7)
    [letter] = claim(store)
    assert (letter.id, letter.ticket, letter.to_address, letter.to_name) == (number, 7, IVAN.address, "Иван")
    assert (letter.purpose, letter.language, letter.context, letter.attempts) == (Purpose.CUSTOMER, "ru", {}, 0)
    assert (letter.frozen, letter.subject, letter.created_at) == (None, None, NOW)
    assert claim(store) == []
    still = NOW + outbox.LEASE - timedelta(microseconds=1)
    assert store.run_now(outbox.claim, still, 9) == []
    assert [again.id for again in store.run_now(outbox.claim, NOW + outbox.LEASE, 9)] == [number]


def test_letters_are_claimed_oldest_first_and_only_when_due(store: Store) -> None:
    late = add_letter(store, now=NOW + HOUR)
    first, second, third = (add_letter(store) for _ in range(3))
    assert [letter.id for letter in claim(store, limit=2)] == [first, second]
    assert [letter.id for letter in claim(store)] == [third]
    assert [letter.id for letter in claim(store, hours=1) if letter.id == late] == [late]


def test_a_letter_is_frozen_once(store: Store) -> None:
    number = add_letter(store)
    store.run_now(outbox.freeze, number, "[#7]", "billing+b1.x@desk.example", b"first")
    store.run_now(outbox.freeze, number, "other", "other@desk.example", b"second")
    [letter] = claim(store)
    assert (letter.frozen, letter.subject, letter.mail_from) == (b"first", "[#7]", "billing+b1.x@desk.example")


def test_a_postponed_letter_comes_back_with_the_same_bytes(store: Store) -> None:
    number = add_letter(store)
    store.run_now(outbox.freeze, number, "a", "b@desk.example", b"bytes")
    claim(store)
    store.run_now(outbox.later, number, "451 later", NOW + HOUR)
    assert claim(store, hours=0.9) == []
    row = only(store)
    assert (row.state, row.attempts, row.last_reply, row.next_attempt_at) == ("queued", 1, "451 later", NOW + HOUR)
    [letter] = claim(store, hours=1)
    assert (letter.frozen, letter.attempts) == (b"bytes", 1)


def test_a_sent_letter_is_never_sent_again(store: Store) -> None:
    number = add_letter(store)
    claim(store)
    store.run_now(outbox.sent, number, "250 ok", NOW)
    row = only(store)
    assert (row.state, row.attempts, row.last_reply, row.next_attempt_at) == ("sent", 1, "250 ok", None)
    assert not store.run_now(outbox.retry, number, NOW)
    assert not store.run_now(outbox.drop, number, "no")
    assert claim(store, hours=99) == []


def test_a_failed_letter_can_be_tried_again_and_a_queued_one_dropped(store: Store) -> None:
    number = add_letter(store)
    claim(store)
    store.run_now(outbox.failed, number, "550 no")
    assert only(store).state == "failed"
    assert claim(store, hours=99) == []
    assert not store.run_now(outbox.drop, number, "no")
    assert store.run_now(outbox.retry, number, NOW)
    assert [letter.id for letter in claim(store)] == [number]
    assert store.run_now(outbox.drop, number, "dropped by anna")
    assert (only(store).state, only(store).last_reply) == ("failed", "dropped by anna")


def test_a_letter_under_way_is_not_sent_a_second_time_beside_it(store: Store) -> None:
    number = add_letter(store)
    claim(store)
    assert store.run_now(outbox.retry, number, NOW)
    assert claim(store) == [], "its lease has not run out"


def test_a_bounced_letter_has_failed(store: Store) -> None:
    number = add_letter(store)
    store.run_now(outbox.sent, number, "250 ok", NOW)
    store.run_now(outbox.bounced, number, "5.1.1")
    assert (only(store).state, only(store).last_reply) == ("failed", "bounced 5.1.1")


def test_a_bounce_that_is_quicker_than_we_are_stands(store: Store) -> None:
    number = add_letter(store)
    claim(store)
    store.run_now(outbox.bounced, number, "5.1.1")
    store.run_now(outbox.sent, number, "250 ok", NOW)
    store.run_now(outbox.later, number, "connection lost", NOW + HOUR)
    assert (only(store).state, only(store).last_reply) == ("failed", "bounced 5.1.1")
    assert claim(store, hours=99) == []


def test_a_letter_that_nobody_has_seen_can_be_written_anew_and_one_that_was_sent_cannot(store: Store) -> None:
    number = add_letter(store)
    store.run_now(outbox.freeze, number, "a", "b@desk.example", b"first")
    store.run_now(outbox.thaw, number)
    store.run_now(outbox.freeze, number, "a", "b@desk.example", b"second")
    [letter] = claim(store)
    assert letter.frozen == b"second"
    store.run_now(outbox.sent, number, "250 ok", NOW)
    store.run_now(outbox.thaw, number)
    assert only(store).state == "sent"


def test_a_new_start_takes_back_what_the_last_run_was_sending(store: Store) -> None:
    number = add_letter(store)
    claim(store)
    store.run_now(outbox.release_leases)
    assert [letter.id for letter in claim(store)] == [number]


def test_a_message_id_is_used_once(store: Store) -> None:
    add_letter(store, message_id="same@desk.example")
    with pytest.raises(Exception, match=r"(?i)unique"):
        add_letter(store, message_id="same@desk.example")
    assert count(store, "outbox") == 1


def test_the_lists_show_letters_by_state(store: Store) -> None:
    queued, failed = add_letter(store), add_letter(store)
    store.run_now(outbox.failed, failed, "550")
    assert [row.id for row in store.read_now(outbox.rows)] == [queued, failed]
    assert [row.id for row in store.read_now(outbox.rows, state="failed")] == [failed]
    assert store.read_now(outbox.depth) == {"queued": 1, "failed": 1}
