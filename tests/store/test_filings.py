"""Where letters lie in a mailbox: what is known of them, and which have to be looked at."""

from datetime import timedelta

from maild.core.changes import Moved, Prioritised
from maild.core.effects import AddMessage, OpenTicket, Reason, Role, Send, SetStatus
from maild.core.identity import identity_of
from maild.core.letter import Letter
from maild.core.mail import Door, Mailbox
from maild.core.ticket import Status
from maild.core.tokens import Purpose
from maild.store import answers, arrivals, changes, filings, ledger, outbox, packing, tickets
from maild.store.db import Store
from maild.store.filings import Filing, Mark
from tests.values import IVAN, NOW, make_envelope

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


def test_where_the_desk_moves_a_letter_is_forgotten_once_it_lies_somewhere(store: Store) -> None:
    letter = filed(store, opened(store))
    for after in (
        lambda tx: filings.lies(tx, letter.id, "Solved"),
        lambda tx: filings.moved(tx, letter.id, "Closed", 3, 1, NOW, NOW),
        lambda tx: filings.settled(tx, letter.id),
    ):
        store.run_now(filings.moving, [letter.id], "Solved")
        assert the(store, letter.id).moving_to == "Solved"
        store.run_now(after)
        assert the(store, letter.id).moving_to is None


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


def test_letters_of_a_queue_are_claimed_by_its_mailbox_only(store: Store) -> None:
    number = opened(store)
    send = Send(Letter.NEW_TICKET, number, Mailbox("", "team@office.example"), Purpose.AGENT, "ru")
    letter = store.run_now(outbox.add, send, number, None, "1@desk.example", NOW)
    assert store.run_now(outbox.claim, NOW, 9, ("team@office.example", "x@office.example")) == []
    assert store.read_now(outbox.has_filed, NOW, "team@office.example")
    assert store.run_now(outbox.claim_filed, NOW, 9, "x@office.example") == []
    assert [one.id for one in store.run_now(outbox.claim_filed, NOW, 9, "team@office.example")] == [letter]
    assert not store.read_now(outbox.has_filed, NOW, "team@office.example")
    found = store.read_now(outbox.load, letter)
    assert found is not None
    assert (found.id, found.message_id) == (letter, "1@desk.example")
    assert store.read_now(outbox.load, letter + 1) is None


def delivered(store: Store, words: bytes, *, user: str = "", key: str | None = None) -> ledger.SpooledMail:
    raw = b"Message-ID: <said@office.example>\r\nFrom: a@office.example\r\n\r\n" + words
    envelope = make_envelope(door=Door.IMAP, user=user, peer="queue")
    mail, _ = store.run_now(arrivals.put, arrivals.Delivery(packing.pack(raw), identity_of(raw), envelope, key))
    return store.read_now(ledger.load, mail)


def settle(store: Store, mail: ledger.SpooledMail, reason: Reason, *, is_held: bool = False) -> None:
    fate = ledger.Fate("held" if is_held else "done", reason.value, None, "", "", "mail", "verified")
    store.run_now(ledger.settle, mail, fate)


def test_of_two_copies_one_is_heard_if_one_lay_in_sent(store: Store) -> None:
    def is_said(*, is_sent: bool) -> bool:
        return store.read_now(answers.is_said, "said@office.example", is_sent=is_sent)

    first = delivered(store, b"x")
    assert not is_said(is_sent=True), "it is not understood yet"
    settle(store, first, Reason.AGENT_ANSWERED)
    assert (is_said(is_sent=True), is_said(is_sent=False)) == (True, False)
    second = delivered(store, b"y", user="team@office.example", key="sent:queue:1:1")
    settle(store, second, Reason.HELD_COLLISION, is_held=True)
    assert is_said(is_sent=False)
    assert store.read_now(ledger.has_any, ("said@office.example", "other@office.example"))
    assert not store.read_now(ledger.has_any, ())


def test_a_copy_in_sent_calls_back_what_was_held_for_want_of_a_witness(store: Store) -> None:
    held, other = delivered(store, b"x"), delivered(store, b"y")
    settle(store, held, Reason.HELD_AGENT_UNVERIFIED, is_held=True)
    settle(store, other, Reason.HELD_COLLISION, is_held=True)

    def states() -> list[str]:
        return [row.state for row in store.read_now(ledger.rows)]

    for mail in (held, other):
        store.run_now(ledger.vouch, mail.id)
    assert states() == ["spooled", "held"]
    store.run_now(ledger.look_again, "said@office.example", held.id)
    assert states() == ["spooled", "spooled"]


def test_when_customers_spoke_first_and_last(store: Store) -> None:
    number = opened(store)
    for after, role in ((0, Role.CUSTOMER), (5, Role.CUSTOMER), (9, Role.AGENT)):
        said = AddMessage(number, IVAN, role, "x", "x", NOW + after * SECOND)
        store.run_now(tickets.add_message, number, said, None)
    assert store.read_now(answers.customers_spoke, [number, number + 1]) == {number: (NOW, NOW + 5 * SECOND)}
    assert store.read_now(answers.customers_spoke, []) == {}


def test_originals_are_found_by_their_places(store: Store) -> None:
    mail = delivered(store, b"x", key="imap:1:5:queue")
    found = store.read_now(filings.originals, ["imap:1:5:queue", "imap:1:6:queue"])
    assert found == {"imap:1:5:queue": filings.Original("spooled", None, "said@office.example")}
    assert mail.id
