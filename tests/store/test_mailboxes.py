"""How far mailboxes on servers have been read, and what an arrival from one changes."""

from dataclasses import replace
from datetime import timedelta

from maild.core.identity import identity_of
from maild.core.mail import Door, Mark
from maild.store import arrivals, ledger, mailboxes
from maild.store.arrivals import Delivery
from maild.store.db import Store
from maild.store.mailboxes import OLDER, Progress
from maild.store.packing import pack
from tests.values import NOW, make_envelope

START = Progress("support", 7, 11, 0, 11, NOW)
RAW = b"From: a@x.example\r\nSubject: hello\r\nMessage-ID: <1@x.example>\r\n\r\nHello\r\n"


def delivery(uid: int, mark: Mark = Mark.NONE) -> Delivery:
    envelope = make_envelope(door=Door.IMAP, peer="support", mark=mark)
    key = mailboxes.source_key("support", 7, uid)
    return Delivery(pack(RAW), identity_of(RAW), envelope, key, lambda tx: mailboxes.move_on(tx, "support", 7, uid))


def test_progress_goes_forward_only(store: Store) -> None:
    assert store.read_now(mailboxes.progress, "support") is None
    store.run_now(mailboxes.begin, START)
    assert store.read_now(mailboxes.progress, "support") == START
    for uid in (15, 12):
        store.run_now(mailboxes.move_on, "support", 7, uid)
    store.run_now(mailboxes.move_on, "support", 8, 99)
    assert store.read_now(mailboxes.progress, "support") == replace(START, next_uid=16)
    for moment in (NOW, NOW - timedelta(hours=1)):
        store.run_now(mailboxes.swept, "support", moment)
    assert store.read_now(mailboxes.last_sweeps, ["support", "other"]) == {"support": NOW, "other": None}
    store.run_now(mailboxes.begin, replace(START, uidvalidity=8, first_uid=1, next_uid=1, is_second=True))
    again = store.read_now(mailboxes.progress, "support")
    assert again == replace(START, uidvalidity=8, first_uid=1, next_uid=1, is_second=True, swept_at=NOW)


def test_a_message_is_entered_once_and_moves_the_progress_with_it(store: Store) -> None:
    store.run_now(mailboxes.begin, START)
    for _ in range(2):
        store.run_now(arrivals.put_all, [delivery(12)])
    assert store.read_now(mailboxes.in_ledger, "support", 7, [11, 12]) == {12}
    assert store.read_now(lambda tx: tx.all("SELECT COUNT(*) FROM arrivals")) == [(1,)]
    [progress] = [store.read_now(mailboxes.progress, "support")]
    assert progress is not None
    assert progress.next_uid == 13
    store.run_now(mailboxes.pass_over, "support", 7, [11, 11], OLDER, NOW)
    assert store.read_now(mailboxes.unknown, "support", 7, [11, 12, 13]) == [13]
    assert store.read_now(mailboxes.passed_over, "support", 7) == {11: OLDER}
    assert store.read_now(mailboxes.unknown, "support", 8, [11, 12, 13]) == [11, 12, 13]


def test_what_was_moved_out_of_the_spam_folder_counts(store: Store) -> None:
    [(mail, _)] = store.run_now(arrivals.put_all, [delivery(12, Mark.JUNK)])
    store.run_now(ledger.hold, mail, "in the spam folder of a mailbox")
    assert store.run_now(arrivals.put_all, [delivery(13, Mark.JUNK)]) == [(mail, False)]
    assert store.run_now(arrivals.put_all, [delivery(14)]) == [(mail, True)]
    assert [row.state for row in store.read_now(ledger.rows)] == ["spooled"]
    assert [each.mark for each in store.read_now(ledger.load, mail).arrivals] == [Mark.JUNK, Mark.JUNK, Mark.NONE]


def test_what_is_held_for_another_reason_stays_held(store: Store) -> None:
    [(mail, _)] = store.run_now(arrivals.put_all, [delivery(12, Mark.JUNK)])
    store.run_now(ledger.hold, mail, "sender failed authentication")
    assert store.run_now(arrivals.put_all, [delivery(13)]) == [(mail, False)]
