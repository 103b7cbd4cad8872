"""The long forms: thousands of mails, many crashes, the whole corpus. Minutes; run by `make soak`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.smtpsink import SmtpSink
from tests.system.flood import (
    assert_every_mail_has_its_fate,
    assert_explained_alike,
    assert_letters_go_only_where_they_may,
    mails_in,
    send_all,
)
from tests.system.load import (
    Senders,
    all_work_done,
    assert_nothing_lost_nothing_doubled,
    bad_mood,
    kill_and_restart,
    no_more_tempers,
    quick_check,
)
from tests.system.people import CATEGORIES, trusting

pytestmark = pytest.mark.soak


def test_a_hundred_kills_lose_and_double_nothing(
    start_maild: StartMaild, sink: SmtpSink, folder: Path, tell: Callable[[str], None]
) -> None:
    sink.mood = bad_mood(100)
    desk = start_maild(**trusting(), is_fresh=True)
    with Senders(desk, clients=6) as senders:
        took = kill_and_restart([desk], senders, 100)
    tell(f"SQLite: 100 kills, {len(senders.taken)} mails taken, dearest start {max(took):.1f} s of a core")
    assert sorted(took)[len(took) // 2] < 3, took
    no_more_tempers(sink)
    all_work_done(desk, 600)
    assert_nothing_lost_nothing_doubled(desk, sink, senders, was_moody=True)
    tell(f"{len(sink.letters)} letters taken by the relay, some of them twice")
    assert desk.stop() == 0
    assert quick_check(folder) == "ok"


def test_two_thousand_mails_become_two_thousand_tickets(start_maild: StartMaild, sink: SmtpSink, folder: Path) -> None:
    desk = start_maild(**trusting())
    with Senders(desk, clients=8, total=2000) as senders:
        senders.finish(600)
    assert len(senders.taken) == 2000
    all_work_done(desk, 900)
    assert_nothing_lost_nothing_doubled(desk, sink, senders)
    assert len(sink.letters) == 4000
    assert desk.stop() == 0
    assert quick_check(folder) == "ok"


def test_the_whole_corpus_three_times_is_one_corpus(start_maild: StartMaild, corpus: Path) -> None:
    desk = start_maild(rest=CATEGORIES)
    sent = send_all(desk, mails_in(corpus))
    all_work_done(desk, 300)
    ledger = assert_every_mail_has_its_fate(desk, sent)
    assert_explained_alike(desk, sent, ledger)
    letters = assert_letters_go_only_where_they_may(desk, sent, ledger)
    for _ in range(2):
        again = send_all(desk, mails_in(corpus))
        assert [each.row for each in again] == [each.row for each in sent]
    all_work_done(desk, 300)
    assert assert_every_mail_has_its_fate(desk, sent) == ledger
    assert assert_letters_go_only_where_they_may(desk, sent, ledger) == letters
