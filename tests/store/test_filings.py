"""Where letters lie in a mailbox: what is known of them, and which have to be looked at."""

from datetime import timedelta

from maild.core.changes import Moved, Prioritised
from maild.core.effects import OpenTicket, SetStatus
from maild.core.ticket import Status
from maild.core.tokens import Purpose
from maild.store import changes, filings, tickets
from maild.store.db import Store
from maild.store.filings import Filing, Mark
from tests.values import IVAN, NOW

SECOND = timedelta(seconds=1)


def opened(store: Store) -> int:
    return store.run_now(tickets.open_ticket, OpenTicket("s", "billing", "", (IVAN,), "ru"), NOW)


def filed(store: Store, ticket: int | None, name: str = "1@desk.example", uid: int = 5) -> Filing:
    found = store.run_now(filings.begin, "queue", ticket, name, Purpose.AGENT, "New")
    store.run_now(filings.lies, found.id, "New", 9, uid)
    return the(store, found.id)


def the(store: Store, filing: int) -> Filing:
    found = store.read_now(filings.load, filing)
    assert found is not None
    return found


def test_a_letter_is_begun_once(store: Store) -> None:
    first = store.run_now(filings.begin, "queue", 1, "1@desk.example", Purpose.AGENT, "New")
    again = store.run_now(filings.begin, "queue", 1, "1@desk.example", Purpose.AGENT, "Solved")
    assert first == again
    assert (first.state, first.uid, first.is_settled) == ("begun", 0, False)
    assert store.run_now(filings.begin, "other", 1, "1@desk.example", Purpose.AGENT, "New").id != first.id


def test_a_change_of_the_ticket_makes_all_its_letters_be_looked_at(store: Store) -> None:
    number = opened(store)
    letter = filed(store, number)
    notice = filed(store, None, "2@desk.example", 6)
    assert [one.id for one in store.read_now(filings.unsettled, "queue", 9)] == [letter.id]
    assert notice.ticket is None
    for change in (
        lambda tx: tickets.set_status(tx, number, SetStatus(number, Status.PENDING), NOW),
        lambda tx: changes.make(tx, number, Moved(number, "tech", ""), NOW),
        lambda tx: changes.make(tx, number, Prioritised(number, "high"), NOW),
    ):
        store.run_now(filings.settled, letter.id)
        assert store.read_now(filings.unsettled, "queue", 9) == []
        store.run_now(change)
        assert [one.id for one in store.read_now(filings.unsettled, "queue", 9)] == [letter.id]
    state = store.read_now(filings.states, [number])[number]
    assert state == filings.TicketState(Status.PENDING, "tech", "", "high", is_spam=False)


def test_a_move_is_due_when_its_time_has_come_unless_it_was_undone(store: Store) -> None:
    letter = filed(store, opened(store))
    store.run_now(filings.moved, letter.id, "Solved", 3, 1, NOW, NOW + 10 * SECOND)
    assert store.read_now(filings.unsettled, "queue", 9) == []
    assert store.read_now(filings.due, "queue", NOW + 9 * SECOND) == []
    (due,) = store.read_now(filings.due, "queue", NOW + 10 * SECOND)
    assert (due.folder, due.to_folder, due.to_uidvalidity, due.to_uid, due.seen_at) == ("New", "Solved", 3, 1, NOW)
    store.run_now(filings.move_undone, letter.id)
    assert the(store, letter.id) == letter


def test_a_letter_is_missed_before_it_counts_as_deleted(store: Store) -> None:
    letter = filed(store, opened(store))
    store.run_now(filings.missing, letter.id, NOW)
    store.run_now(filings.missing, letter.id, NOW + SECOND)
    assert store.read_now(filings.missing_before, "queue", NOW - SECOND) == []
    assert [one.id for one in store.read_now(filings.missing_before, "queue", NOW)] == [letter.id]
    assert store.read_now(filings.unsettled, "queue", 9) == []
    store.run_now(filings.gone, letter.id)
    assert store.read_now(filings.missing_before, "queue", NOW + SECOND) == []
    assert store.read_now(filings.in_folder, "queue", "New") == []
    store.run_now(filings.lies, letter.id, "New", 9, 7)
    assert [one.uid for one in store.read_now(filings.in_folder, "queue", "New")] == [7]


def test_folders_that_are_called_otherwise_now_are_looked_at(store: Store) -> None:
    work, closed = filed(store, opened(store)), filed(store, opened(store), "2@desk.example", 6)
    number = closed.ticket or 0
    store.run_now(lambda tx: tickets.set_status(tx, number, SetStatus(number, Status.CLOSED), NOW))
    for letter in (work, closed):
        store.run_now(filings.settled, letter.id)
    store.run_now(filings.unsettle, "queue", ["New"])
    assert [one.id for one in store.read_now(filings.unsettled, "queue", 9)] == [work.id]
    store.run_now(filings.unsettle, "queue", ["Other"])
    assert [one.id for one in store.read_now(filings.unsettled, "queue", 9)] == [work.id, closed.id]


def test_folders_keep_their_marks(store: Store) -> None:
    assert store.read_now(filings.mark_of, "queue", "New") is None
    for mark in (Mark(1, 5), Mark(2, 1)):
        store.run_now(filings.set_mark, "queue", "New", mark)
        assert store.read_now(filings.mark_of, "queue", "New") == mark


def test_of_an_answer_one_letter_goes_into_sent(store: Store) -> None:
    for letter in (7, 8):
        store.run_now(filings.want_copy, "queue", 3, letter)
    assert store.read_now(filings.wanted_copies, "queue") == [7]
    store.run_now(filings.copied, "queue", 7)
    store.run_now(filings.want_copy, "queue", 3, 8)
    assert store.read_now(filings.wanted_copies, "queue") == []
