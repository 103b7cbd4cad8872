"""kill -9 under load: what was answered 250 is there once, and no letter is written twice."""

from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.smtpsink import SmtpSink
from tests.system.load import Senders, all_work_done, assert_nothing_lost_nothing_doubled, kill_and_restart, quick_check
from tests.system.people import trusting

pytestmark = pytest.mark.system


def test_nothing_is_lost_or_doubled_by_kills_under_load(start_maild: StartMaild, sink: SmtpSink, folder: Path) -> None:
    desk = start_maild(**trusting(), is_fresh=True)
    with Senders(desk, clients=4) as senders:
        took = kill_and_restart([desk], senders, 4)
    assert sorted(took)[len(took) // 2] < 3, took
    all_work_done(desk)
    assert_nothing_lost_nothing_doubled(desk, sink, senders)
    assert desk.stop() == 0
    assert quick_check(folder) == "ok"
