"""What the portal reads and keeps, on both databases: lists, threads, sessions, rates, access."""

from dataclasses import replace
from datetime import timedelta

from maild.core.changes import Joined, Merged
from maild.core.effects import Event, OpenTicket, Record, Role
from maild.core.mail import Mailbox
from maild.core.reports import Delivery
from maild.core.requests import Scope
from maild.store import changes, grants, mine, outbox, people, rates, reading, sessions, tickets
from maild.store.db import Store, Tx
from tests.store.rows import add_letter, message, new_ticket
from tests.values import IVAN, NOW, OLGA

SECOND = timedelta(seconds=1)
ANSWER = message(author=Mailbox("", "anna@office.example"), role=Role.AGENT, reply="Вот.", text="Вот.")


def listed(store: Store, person: str, scope: Scope) -> list[int]:
    return [one.number for one in store.read_now(mine.tickets_of, person, scope)]


def open_at(store: Store, seconds: int, *who: Mailbox, is_incoming: bool = False) -> int:
    opened = OpenTicket("Счёт", "billing", "", who, "ru", is_incoming=is_incoming)
    return store.run_now(tickets.open_ticket, opened, NOW + seconds * SECOND)


def test_the_tabs_of_one_person(store: Store) -> None:
    own = open_at(store, 3, IVAN)
    old = open_at(store, 1, IVAN)
    towards = open_at(store, 2, IVAN, is_incoming=True)
    others = open_at(store, 4, OLGA, IVAN)
    assert listed(store, IVAN.address, Scope.MINE) == [own, old]
    assert listed(store, IVAN.address, Scope.ALL) == [others, own, towards, old]
    assert listed(store, IVAN.address, Scope.INCOMING) == [towards]
    assert listed(store, IVAN.address, Scope.OUTGOING) == [others, own, old]
    first = store.read_now(mine.tickets_of, IVAN.address, Scope.ALL, limit=2)
    rest = store.read_now(mine.tickets_of, IVAN.address, Scope.ALL, before=first[-1].place)
    assert [one.number for one in (*first, *rest)] == [others, own, towards, old]


def test_an_account_is_what_its_owner_asked_or_was_asked(store: Store) -> None:
    own, towards = open_at(store, 1, IVAN), open_at(store, 2, IVAN, is_incoming=True)
    open_at(store, 3, OLGA, IVAN)
    guest = "guest@firma.example"
    assert store.run_now(grants.give, IVAN.address, guest, NOW)
    assert not store.run_now(grants.give, IVAN.address, guest, NOW)
    assert listed(store, guest, Scope.ALL) == [towards, own]
    assert listed(store, guest, Scope.INCOMING) == [towards]
    assert listed(store, guest, Scope.OUTGOING) == [own]
    assert listed(store, guest, Scope.MINE) == []
    facts = store.read_now(tickets.tickets_by_number, [1, 2, 3])
    assert [one.guests for one in facts.values()] == [{guest}, {guest}, frozenset()]
    assert [one.guest for one in store.read_now(grants.given_by, IVAN.address)] == [guest]
    assert [one.owner for one in store.read_now(grants.given_to, guest)] == [IVAN.address]
    assert not store.read_now(people.is_known, guest), "anybody may name any address"
    store.run_now(grants.give, "a-later-owner@firma.example", guest, NOW + SECOND)
    assert store.read_now(mine.accounts_of, guest) == [IVAN.address, "a-later-owner@firma.example"]
    store.run_now(grants.take, "a-later-owner@firma.example", guest)
    assert store.run_now(grants.take, IVAN.address, guest)
    assert not store.run_now(grants.take, IVAN.address, guest)
    assert listed(store, guest, Scope.ALL) == []
    assert store.read_now(grants.rows) == []


def test_answers_are_unread_until_one_reads_or_writes(store: Store) -> None:
    number = new_ticket(store, IVAN, OLGA)
    store.run_now(tickets.add_message, number, message(), None)
    for _ in range(2):
        last = store.run_now(tickets.add_message, number, ANSWER, None)
    store.run_now(tickets.add_message, number, replace(ANSWER, is_note=True), None)
    for person in (IVAN, OLGA):
        assert store.read_now(mine.unread_answers, person.address, 9) == 2
        assert store.read_now(mine.tickets_of, person.address, Scope.ALL)[0].is_unread
    assert store.read_now(mine.unread_answers, IVAN.address, 1) == 1, "counted up to the limit"
    assert store.read_now(reading.is_unseen, number, IVAN.address, last)
    store.run_now(mine.mark_seen, number, IVAN.address, last)
    assert not store.read_now(reading.is_unseen, number, IVAN.address, last)
    assert not store.read_now(reading.is_unseen, number, "stranger@x.example", last)
    assert store.read_now(mine.unread_answers, IVAN.address, 9) == 0
    store.run_now(tickets.add_message, number, message(author=OLGA), None)
    assert store.read_now(mine.unread_answers, OLGA.address, 9) == 0
    assert not store.read_now(mine.tickets_of, OLGA.address, Scope.ALL)[0].is_unread


def test_whoever_joins_or_is_merged_in_begins_with_nothing_unread(store: Store) -> None:
    first, second = new_ticket(store, IVAN), new_ticket(store, OLGA)
    for number in (first, second):
        store.run_now(tickets.add_message, number, ANSWER, None)
        store.run_now(mine.mark_seen, number, IVAN.address, 99)
    late = Mailbox("", "late@firma.example")
    store.run_now(changes.make, second, Joined(second, late), NOW)
    assert store.read_now(mine.unread_answers, late.address, 9) == 0
    store.run_now(changes.make, first, Merged(first, second), NOW)
    assert store.read_now(mine.unread_answers, IVAN.address, 9) == 0
    assert listed(store, IVAN.address, Scope.ALL) == [second, first]
    store.run_now(tickets.add_message, second, ANSWER, None)
    assert store.read_now(mine.unread_answers, IVAN.address, 9) == 1
    assert store.read_now(mine.unread_answers, late.address, 9) == 1


def test_what_earlier_days_brought_is_no_news(store: Store) -> None:
    old, live = new_ticket(store, IVAN), new_ticket(store, IVAN)
    store.run_now(tickets.add_message, live, ANSWER, 1)
    for number, mail in ((old, 2), (live, 3)):
        store.run_now(tickets.add_message, number, ANSWER, mail)
        store.run_now(mine.mark_old, number, mail)
    assert [one.is_unread for one in store.read_now(mine.tickets_of, IVAN.address, Scope.ALL)] == [True, False]


def test_a_thread_is_read_backwards_without_notes(store: Store) -> None:
    number = new_ticket(store)
    long = "ы" * (reading.CUT + 5)
    question = store.run_now(tickets.add_message, number, message(reply=long, text=f"{long}\n> q"), None)
    store.run_now(tickets.add_message, number, replace(ANSWER, is_note=True), None)
    answer = store.run_now(tickets.add_message, number, ANSWER, None)
    _letter_with(store, number, answer)
    found = store.read_now(reading.messages_before, number, IVAN.address, None, 9)
    assert [(one.id, one.delivery) for one in found] == [(answer, Delivery.QUEUED), (question, None)]
    assert (len(found[1].reply), found[1].reply_length, found[1].text_length) == (
        reading.CUT, len(long), len(long) + 4
    )  # fmt: skip
    assert [one.id for one in store.read_now(reading.messages_before, number, IVAN.address, answer, 9)] == [question]
    said = store.read_now(reading.message, number, question)
    assert said
    assert store.read_now(reading.whole, said) == f"{long}\n> q"
    assert store.read_now(reading.message, number, answer - 1) is None, "a note"
    assert store.read_now(reading.message, number + 1, answer) is None
    assert store.read_now(reading.newest_message, number) == answer


def _letter_with(store: Store, number: int, answer: int) -> None:
    letter = add_letter(store, number)
    store.run_now(lambda tx: tx.run("UPDATE outbox SET message = ? WHERE id = ?", answer, letter))
    assert [row.id for row in store.read_now(outbox.rows)] == [letter]


def test_the_history_that_customers_read(store: Store) -> None:
    number = new_ticket(store)

    def tell(tx: Tx) -> None:
        for index, event in enumerate((Event.OPENED, Event.NOTE_ADDED, Event.ASSIGNED, Event.SOLVED)):
            tickets.record(tx, number, Record(number, event, "x", "smtp"), "", NOW + index * SECOND)
        tickets.record(tx, number, Record(number, Event.FOLLOW_UP, "x", "smtp"), "#7", NOW + 9 * SECOND)

    store.run_now(tell)
    found = store.read_now(reading.happened_between, number, None, None)
    assert [(one.event, one.number) for one in found] == [("follow_up", 7), ("solved", 0), ("opened", 0)]
    some = store.read_now(reading.happened_between, number, NOW + SECOND, NOW + 9 * SECOND)
    assert [one.event for one in some] == ["solved"]
    assert store.read_now(reading.head_of, number).created_at == NOW


def test_a_session_ends_alone_with_others_or_by_itself(store: Store) -> None:
    for session, person in (("a", "x@y"), ("b", "x@y"), ("c", "z@y")):
        store.run_now(sessions.begin, session, person, NOW, NOW + SECOND)
    assert store.read_now(sessions.person_of, "a", NOW) == "x@y"
    assert store.read_now(sessions.person_of, "a", NOW + SECOND) is None
    store.run_now(sessions.end, "a")
    assert store.read_now(sessions.person_of, "a", NOW) is None
    assert store.run_now(sessions.end_all, "x@y") == 1
    assert store.run_now(sessions.forget, NOW + 2 * SECOND) == 1


def test_what_happened_is_counted_for_a_while(store: Store) -> None:
    for seconds in range(3):
        store.run_now(rates.add, "k", NOW + seconds * SECOND)
    assert store.read_now(rates.count, "k", NOW) == 2
    assert store.read_now(rates.count, "other", NOW) == 0
    assert store.run_now(rates.forget, NOW + SECOND) == 1


def test_a_person_is_called_what_he_last_called_himself(store: Store) -> None:
    open_at(store, 1, Mailbox("Иван", IVAN.address))
    open_at(store, 2, Mailbox("Иван Петров", IVAN.address))
    open_at(store, 3, Mailbox("", IVAN.address))
    assert store.read_now(people.name_of, IVAN.address) == "Иван Петров"
    assert store.read_now(people.name_of, "nobody@x.example") == ""
    assert store.read_now(people.is_known, IVAN.address)
    assert not store.read_now(people.is_known, "nobody@x.example")
