"""What is kept no longer goes; what somebody may still need stays; the rows of mails stay for ever."""

from datetime import datetime, timedelta

import pytest

from maild.core.changes import Merged
from maild.core.effects import Event, Record, SetStatus
from maild.core.letter import Letter
from maild.core.reports import Delivery
from maild.core.ticket import Status
from maild.store import changes, deliveries, ledger, lists, outbox, proposals, retention, tickets
from maild.store.db import Store
from tests.store.rows import RAW, add_letter, count, message, new_ticket, put, settle, state
from tests.values import IVAN, NOW, OLGA, TECH

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
EVER = NOW - 9999 * DAY


def raw_due(store: Store, until: datetime = NOW + TICK, limit: int = 9) -> list[int]:
    return [number for number, _ in store.read_now(retention.raw_due, EVER, until, limit)]


def closed_due(store: Store, until: datetime = NOW + TICK) -> list[int]:
    return [number for number, _ in store.read_now(retention.closed_due, EVER, until, 9)]


def dropped_due(store: Store, until: datetime = NOW + TICK) -> list[int]:
    return [number for number, _ in store.read_now(retention.dropped_due, EVER, until, 9)]


def close(store: Store, number: int, moment: datetime = NOW) -> None:
    store.run_now(tickets.set_status, number, SetStatus(0, Status.CLOSED), moment)


def told(store: Store) -> tuple[int, int]:
    """A mail that is a message of a ticket: both numbers."""
    mail, number = put(store)[0], new_ticket(store)
    store.run_now(tickets.add_message, number, message(), mail)
    settle(store, mail, ticket=number)
    return mail, number


def test_raw_mail_is_due_when_it_is_old_and_settled_oldest_first(store: Store) -> None:
    young = put(store, RAW + b"young", received_at=NOW)[0]
    old = put(store, RAW + b"old", received_at=NOW - DAY)[0]
    assert raw_due(store) == [], "still to be understood"
    settle(store, young)
    settle(store, old)
    assert raw_due(store) == [old, young]
    assert raw_due(store, limit=1) == [old]
    assert raw_due(store, until=NOW) == [old]
    assert store.read_now(retention.raw_due, NOW, NOW + TICK, 9) == [(young, NOW)]


def test_held_mail_keeps_its_bytes(store: Store) -> None:
    mail, _ = put(store)
    settle(store, mail, held=True)
    assert raw_due(store) == []


def test_mail_of_a_ticket_is_due_when_that_is_closed_and_has_no_letters_to_write(store: Store) -> None:
    mail, number = told(store)
    assert raw_due(store) == []
    close(store, number)
    assert raw_due(store) == [mail]
    letter = add_letter(store, number, letter=Letter.CLOSED)
    assert raw_due(store) == []
    store.run_now(outbox.sent, letter, "250", NOW)
    assert raw_due(store) == [mail]


def test_mail_of_a_ticket_that_was_merged_is_needed_by_the_other_one(store: Store) -> None:
    mail, source = told(store)
    target = new_ticket(store, OLGA)
    store.run_now(changes.make, source, Merged(source, target), NOW)
    close(store, source)
    assert raw_due(store) == []
    assert closed_due(store) == [], "later mail for it has to find the other one"
    close(store, target)
    assert raw_due(store) == [mail]
    assert closed_due(store) == [target]
    store.run_now(retention.delete_tickets, [target])
    assert closed_due(store) == [source]


def test_without_its_bytes_a_mail_is_known_all_the_same(store: Store) -> None:
    mail, _ = told(store)
    before = store.read_now(ledger.row, mail)
    store.run_now(retention.delete_raw, [mail])
    assert store.read_now(ledger.raw, mail) is None
    assert not store.read_now(ledger.has_raw, mail)
    assert store.read_now(ledger.row, mail) == before
    assert raw_due(store) == []
    assert put(store) == (mail, False), "the same mail again is no new one"


def test_a_mail_that_comes_again_for_another_category_brings_its_bytes(store: Store) -> None:
    mail, _ = told(store)
    store.run_now(retention.delete_raw, [mail])
    assert put(store, rcpt_tos=(TECH,)) == (mail, True)
    assert store.read_now(ledger.load, mail).raw == RAW
    assert state(store, mail) == "spooled"


def test_dropped_mail_is_due_by_the_moment_it_was_dropped(store: Store) -> None:
    mail, _ = put(store, received_at=NOW - 9 * DAY)
    settle(store, mail, held=True)
    store.run_now(ledger.drop, mail, "dropped by cli: spam", NOW)
    assert (dropped_due(store, NOW), dropped_due(store)) == ([], [mail])
    assert raw_due(store) == [], "retention.raw says nothing of it"
    store.run_now(retention.delete_raw, [mail])
    assert dropped_due(store) == []
    assert store.read_now(ledger.raw, mail) is None


def test_a_closed_ticket_goes_with_everything_that_was_said_in_it(store: Store) -> None:
    mail, number = told(store)
    other = new_ticket(store, OLGA)
    for each in (number, other):
        store.run_now(tickets.record, each, Record(each, Event.OPENED, IVAN.address, "smtp"), "", NOW)
        store.run_now(proposals.propose, each, (OLGA,), NOW)
        letter = add_letter(store, each)
        store.run_now(outbox.sent, letter, "250", NOW)
        store.run_now(deliveries.report, letter, Delivery.DELAYED, "4.4.1", NOW)
    assert closed_due(store) == []
    close(store, number)
    assert closed_due(store, NOW) == []
    assert closed_due(store) == [number]
    store.run_now(retention.delete_tickets, [number])
    assert [row.number for row in store.read_now(lists.ticket_rows)] == [other]
    left = {"messages": 0, "events": 1, "participants": 1, "cc_proposals": 1, "outbox": 1, "delivery_reports": 1}
    assert {table: count(store, table) for table in left} == left
    row = store.read_now(ledger.row, mail)
    assert row is not None
    assert (row.ticket, row.state) == (number, "done")
    assert new_ticket(store) > other, "numbers are not used again"


@pytest.mark.parametrize("what", ["letter", "held mail"])
def test_a_closed_ticket_stays_while_something_waits_for_it(store: Store, what: str) -> None:
    number = new_ticket(store)
    close(store, number)
    if what == "letter":
        add_letter(store, number)
    else:
        mail, _ = put(store)
        settle(store, mail, held=True, ticket=number)
    assert closed_due(store) == []
