"""The full-text search of tickets, on both databases."""

from maild.core.changes import Joined
from maild.core.effects import Role
from maild.core.search import beginnings
from maild.store import changes, grants, retention, tickets, words
from maild.store.db import Store
from tests.store.rows import message, new_ticket
from tests.values import IVAN, NOW, OLGA

GUEST = "guest@firma.example"
EVERY = 2**63 - 1


def found(store: Store, person: str, asked: str, *, before: int = EVERY, limit: int = 10) -> list[int]:
    rows = store.read_now(words.find, person, beginnings(asked), before=before, limit=limit)
    return [row.number for row in rows]


def say(store: Store, ticket: int, text: str, *, is_note: bool = False) -> None:
    store.run_now(tickets.add_message, ticket, message(text=text, reply=text, is_note=is_note), None)
    store.run_now(words.index, ticket)


def test_all_words_in_subject_and_messages_of_ones_own_tickets(store: Store) -> None:
    mine, hers = new_ticket(store), new_ticket(store, OLGA)
    for ticket in (mine, hers):
        say(store, ticket, "Ёлка не горит, ООО «Ромашка», ivan.petrov@firma.example")
        say(store, ticket, "тайное", is_note=True)
    assert found(store, IVAN.address, "елки") == [mine]
    assert found(store, OLGA.address, "горит ромашки счета") == [hers]
    assert found(store, IVAN.address, "petrov") == [mine]
    assert found(store, IVAN.address, "елка погасла") == []
    assert found(store, IVAN.address, "тайное") == []
    assert found(store, "mallory@evil.example", "елка") == []


def test_who_joins_or_is_given_access_finds_it_and_who_loses_it_does_not(store: Store) -> None:
    ticket = new_ticket(store)
    say(store, ticket, "Ёлка")
    store.run_now(changes.make, ticket, Joined(ticket, OLGA), NOW)
    store.run_now(words.index, ticket)
    store.run_now(grants.give, IVAN.address, GUEST, NOW)
    assert found(store, OLGA.address, "елка") == found(store, GUEST, "елка") == [ticket]
    store.run_now(grants.take, IVAN.address, GUEST)
    assert found(store, GUEST, "елка") == []


def test_newest_first_in_pages_and_nothing_of_what_is_gone(store: Store) -> None:
    numbers = [new_ticket(store) for _ in range(5)]
    for number in numbers:
        say(store, number, "Ёлка")
    first = found(store, IVAN.address, "елка", limit=2)
    rest = found(store, IVAN.address, "елка", before=first[-1])
    assert [*first, *rest] == sorted(numbers, reverse=True)
    store.run_now(retention.delete_tickets, numbers[:2])
    assert found(store, IVAN.address, "елка") == sorted(numbers[2:], reverse=True)


def test_tickets_that_a_guest_may_not_read_leave_the_page_full(store: Store) -> None:
    own = [new_ticket(store) for _ in range(3)]
    hers = [new_ticket(store, OLGA) for _ in range(5)]
    for number in hers:
        store.run_now(changes.make, number, Joined(number, IVAN), NOW)
    for number in (*own, *hers):
        say(store, number, "Ёлка")
    store.run_now(grants.give, IVAN.address, GUEST, NOW)
    assert found(store, GUEST, "елка", limit=2) == [own[2], own[1]]
    assert found(store, GUEST, "елка", before=own[1], limit=2) == [own[0]]


def test_what_support_quotes_is_not_found(store: Store) -> None:
    ticket = new_ticket(store)
    quote = message(role=Role.AGENT, reply="", text="> тайное")
    store.run_now(tickets.add_message, ticket, quote, None)
    store.run_now(words.index, ticket)
    assert found(store, IVAN.address, "тайное") == []
