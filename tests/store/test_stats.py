"""The numbers of `maild stats`, and what became of mails, on both databases."""

from datetime import timedelta

from maild.core.effects import Role
from maild.store import fates, outbox, stats, tickets
from maild.store.db import Store
from tests.store.rows import RAW, add_letter, message, new_ticket, put, settle
from tests.values import NOW, OLGA

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def test_tickets_are_counted_and_their_first_answers_found(store: Store) -> None:
    first, second = new_ticket(store), new_ticket(store, OLGA)
    for at, role, is_note in (
        (NOW + HOUR, Role.AGENT, True),
        (NOW + 3 * HOUR, Role.AGENT, False),
        (NOW + 2 * HOUR, Role.AGENT, False),
    ):
        store.run_now(tickets.add_message, first, message(at=at, role=role, is_note=is_note), None)
    store.run_now(tickets.add_message, second, message(at=NOW + HOUR), None)
    assert store.read_now(stats.tickets_by, NOW) == [("billing", "new", 2)]
    assert store.read_now(stats.waiting_since, NOW) == [NOW, NOW]
    answers = store.read_now(stats.first_answers, NOW)
    assert [each.answered_at for each in answers] == [NOW + 2 * HOUR, None]
    assert store.read_now(stats.tickets_by, NOW + TICK) == []


def test_mails_and_letters_are_counted_and_their_fates_told(store: Store) -> None:
    newest = store.read_now(fates.newest)
    done, held, waiting = (put(store, RAW + bytes([65 + n]))[0] for n in range(3))
    settle(store, done, ticket=7)
    settle(store, held, held=True)
    sent = add_letter(store, message_id="a@x")
    add_letter(store, message_id="b@x")
    store.run_now(outbox.sent, sent, "250", NOW)
    assert store.read_now(stats.mails_by_state, NOW) == {"done": 1, "held": 1, "spooled": 1}
    assert store.read_now(stats.mails_by_door, NOW) == {"smtp": 3}
    assert store.read_now(stats.letters_by_state, NOW) == {"sent": 1, "queued": 1}
    assert (newest, store.read_now(fates.newest)) == (0, waiting)
    assert sorted(store.read_now(fates.fates, [done, held]), key=str) == [("done", 7), ("held", None)]
    assert store.read_now(fates.are_waiting, [done, waiting])
    assert not store.read_now(fates.are_waiting, [done, held])
    assert not store.read_now(fates.are_waiting, [])
