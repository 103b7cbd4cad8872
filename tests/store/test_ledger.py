"""The ledger: one row per distinct mail, every delivery noted, nothing lost between the workers' hands."""

from datetime import timedelta

import pytest

from maild.core.mail import Door
from maild.store import arrivals, ledger
from maild.store.db import Store
from tests.store.rows import RAW, count, delivery, fate, put, settle, state
from tests.values import BILLING, NOW, TECH

MINUTE = timedelta(minutes=1)


def test_a_mail_comes_back_as_it_came(store: Store) -> None:
    mail, is_fresh = put(store)
    assert is_fresh
    assert store.read_now(ledger.raw, mail) == RAW
    spooled = store.read_now(ledger.load, mail)
    assert (spooled.raw, spooled.attempts, spooled.ticket, spooled.is_released) == (RAW, 0, None, False)
    assert [arrival.rcpt_tos for arrival in spooled.arrivals] == [(BILLING,)]
    assert spooled.arrivals[0].received_at == NOW
    assert spooled.known_rcpts == frozenset()


def test_the_same_mail_again_is_one_row_with_two_deliveries(store: Store) -> None:
    first, second = put(store), put(store, RAW.replace(b"\r\n", b"\n"), door=Door.IMAP)
    assert second == (first[0], False)
    assert (count(store, "mails"), count(store, "arrivals")) == (1, 2)
    [row] = store.read_now(ledger.rows)
    assert row.door == "smtp"


def test_a_repeated_mail_that_is_not_settled_yet_is_handled_as_new(store: Store) -> None:
    mail, _ = put(store)
    put(store)
    put(store, rcpt_tos=(TECH,))
    put(store, rcpt_tos=(TECH,))
    spooled = store.read_now(ledger.load, mail)
    assert spooled.known_rcpts == frozenset(), "nothing of it has been routed"
    assert [arrival.rcpt_tos for arrival in spooled.arrivals] == [(BILLING,), (BILLING,), (TECH,), (TECH,)]
    settle(store, mail)
    assert state(store, mail) == "done"


def test_the_same_message_id_with_other_content_is_another_mail(store: Store) -> None:
    assert put(store)[0] != put(store, RAW.replace(b"Hello", b"Hallo"))[0]


def test_without_a_message_id_the_content_alone_decides(store: Store) -> None:
    bare = b"Subject: a\r\n\r\nHello.\r\n"
    assert put(store, bare)[0] == put(store, bare)[0]
    assert put(store, bare)[0] != put(store, bare + b"!")[0]


def test_of_deliveries_that_come_at_once_each_gets_the_answer_that_it_would_get_alone(store: Store) -> None:
    old, _ = put(store)
    new = [RAW + bytes([65 + n]) for n in range(3)]
    crowd = [delivery(new[0]), delivery(), delivery(new[1]), delivery(new[0], rcpt_tos=(TECH,)), delivery(new[2])]
    answers = store.run_now(arrivals.put_all, crowd)
    mails = [answers[place][0] for place in (0, 2, 4)]
    assert old < mails[0] < mails[1] < mails[2], "in the order they came"
    assert answers == [(mails[0], True), (old, False), (mails[1], True), (mails[0], True), (mails[2], True)]
    assert [store.read_now(ledger.raw, mail) for mail in mails] == new
    assert store.run_now(ledger.claim, NOW, 9) == [old, *mails]
    spooled = store.read_now(ledger.load, mails[0])
    assert [arrival.rcpt_tos for arrival in spooled.arrivals] == [(BILLING,), (TECH,)]


def test_sources_that_come_at_once_are_told_apart(store: Store) -> None:
    crowd = [delivery(RAW + bytes([65 + n % 2]), source_key=f"imap/1/{n % 3}") for n in range(4)]
    answers = store.run_now(arrivals.put_all, crowd)
    assert [fresh for _, fresh in answers] == [True, True, False, False]
    assert (count(store, "mails"), count(store, "arrivals")) == (2, 3)


def test_the_same_source_a_second_time_changes_nothing(store: Store) -> None:
    mail, _ = put(store, source_key="imap/1/7")
    assert put(store, RAW + b"other", source_key="imap/1/7", rcpt_tos=(TECH,)) == (mail, False)
    assert (count(store, "mails"), count(store, "arrivals")) == (1, 1)


def test_a_settled_mail_with_new_recipients_is_routed_again_for_them(store: Store) -> None:
    mail, _ = put(store)
    settle(store, mail, ticket=5)
    assert put(store) == (mail, False)
    assert state(store, mail) == "done"
    assert put(store, rcpt_tos=(BILLING, TECH)) == (mail, True)
    assert state(store, mail) == "spooled"
    put(store, rcpt_tos=(TECH,))
    spooled = store.read_now(ledger.load, mail)
    assert spooled.known_rcpts == {BILLING}
    assert [arrival.rcpt_tos for arrival in spooled.arrivals] == [(BILLING, TECH), (TECH,)]
    assert spooled.ticket == 5


def test_a_delivery_between_load_and_settle_brings_the_mail_back(store: Store) -> None:
    mail, _ = put(store)
    spooled = store.read_now(ledger.load, mail)
    put(store, rcpt_tos=(TECH,))
    store.run_now(ledger.settle, spooled, fate(ticket=5))
    assert state(store, mail) == "spooled"
    again = store.read_now(ledger.load, mail)
    assert again.known_rcpts == {BILLING}
    assert [arrival.rcpt_tos for arrival in again.arrivals] == [(TECH,)]
    store.run_now(ledger.settle_arrivals, again)
    assert state(store, mail) == "done"


def test_a_claim_is_a_lease_in_order_of_arrival_that_runs_out(store: Store) -> None:
    mails = [put(store, RAW + bytes([65 + n]))[0] for n in range(5)]
    assert store.run_now(ledger.claim, NOW, 3) == mails[:3]
    assert store.run_now(ledger.claim, NOW, 3) == mails[3:]
    assert store.run_now(ledger.claim, NOW + ledger.LEASE - timedelta(microseconds=1), 9) == []
    assert store.run_now(ledger.claim, NOW + ledger.LEASE, 9) == mails


def test_a_new_start_takes_back_what_the_last_run_was_working_on(store: Store) -> None:
    mail, troubled = put(store)[0], put(store, RAW + b"x")[0]
    store.run_now(ledger.claim, NOW, 9)
    store.run_now(ledger.put_back, troubled, NOW, MINUTE)
    store.run_now(ledger.release_leases)
    assert store.run_now(ledger.claim, NOW, 9) == [mail], "what failed still waits its time"


def test_a_mail_that_was_put_back_waits_and_is_counted(store: Store) -> None:
    mail, _ = put(store)
    store.run_now(ledger.claim, NOW, 1)
    assert store.run_now(ledger.put_back, mail, NOW, MINUTE) == 1
    assert store.run_now(ledger.put_back, mail, NOW, MINUTE) == 2
    assert store.run_now(ledger.claim, NOW, 1) == []
    assert store.run_now(ledger.claim, NOW + MINUTE, 1) == [mail]
    assert store.read_now(ledger.load, mail).attempts == 2
    settle(store, mail)
    assert store.run_now(ledger.put_back, mail, NOW, MINUTE) == 0, "it has been settled meanwhile"
    assert store.run_now(ledger.claim, NOW + MINUTE, 1) == []


@pytest.mark.parametrize("is_released", [True, False])
def test_a_held_mail_is_replayed_with_all_its_deliveries(store: Store, is_released: bool) -> None:
    mail, _ = put(store)
    settle(store, mail, held=True, ticket=5)
    assert state(store, mail) == "held"
    assert store.run_now(ledger.claim, NOW, 1) == []
    put(store)
    put(store, rcpt_tos=(TECH,))
    assert state(store, mail) == "held", "a repeated mail stays held"
    assert store.run_now(ledger.replay, mail, is_released=is_released)
    assert store.run_now(ledger.claim, NOW, 1) == [mail]
    spooled = store.read_now(ledger.load, mail)
    assert (spooled.is_released, spooled.known_rcpts, spooled.ticket) == (is_released, frozenset(), 5)
    assert [arrival.rcpt_tos for arrival in spooled.arrivals] == [(BILLING,), (BILLING,), (TECH,)]
    assert not store.run_now(ledger.replay, mail, is_released=True), "it is not held any more"


def test_trouble_with_a_second_delivery_does_not_make_the_mail_new_again(store: Store) -> None:
    mail, _ = put(store)
    settle(store, mail, ticket=5)
    put(store, rcpt_tos=(TECH,))
    store.run_now(ledger.hold, mail, "trouble")
    store.run_now(ledger.replay, mail, is_released=False)
    assert store.read_now(ledger.load, mail).known_rcpts == {BILLING}


def test_a_dropped_mail_keeps_its_row_and_bytes_and_does_not_come_back(store: Store) -> None:
    mail, _ = put(store)
    assert not store.run_now(ledger.drop, mail, "no", NOW), "only what is held"
    settle(store, mail, held=True)
    assert store.run_now(ledger.drop, mail, "dropped by anna", NOW)
    row = store.read_now(ledger.row, mail)
    assert row is not None
    assert (row.state, row.reason) == ("done", "dropped by anna")
    assert store.read_now(ledger.raw, mail) == RAW
    put(store, rcpt_tos=(TECH,))
    assert store.read_now(ledger.load, mail).known_rcpts == {BILLING}, "it is only told to more, if it had a ticket"


def test_the_lists_show_what_is_there(store: Store) -> None:
    held, spooled = put(store)[0], put(store, RAW + b"x")[0]
    settle(store, held, held=True, ticket=5)
    [row] = store.read_now(ledger.rows, state="held")
    assert (row.id, row.ticket, row.sender, row.reason, row.message_id) == (
        held,
        5,
        "ivan@client.example",
        "why",
        "1@client.example",
    )
    assert [row.id for row in store.read_now(ledger.rows)] == [held, spooled]
    assert store.read_now(ledger.depth) == {"held": 1, "spooled": 1}


def test_held_mails_are_announced_once_until_they_are_held_again(store: Store) -> None:
    mail, _ = put(store)
    settle(store, mail, held=True)
    [(row, recipients)] = store.read_now(ledger.held_unannounced, 9)
    assert (row.id, recipients) == (mail, [BILLING])
    store.run_now(ledger.announced, mail, NOW)
    assert store.read_now(ledger.held_unannounced, 9) == []
    store.run_now(ledger.replay, mail, is_released=False)
    settle(store, mail, held=True)
    assert len(store.read_now(ledger.held_unannounced, 9)) == 1


def test_a_mail_that_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(LookupError, match="no mail 99"):
        store.read_now(ledger.load, 99)
    assert store.read_now(ledger.raw, 99) is None
