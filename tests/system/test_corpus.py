"""Collected mails through the real SMTP door; tests/soak sends all of them."""

from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.system.flood import (
    assert_every_mail_has_its_fate,
    assert_explained_alike,
    assert_letters_go_only_where_they_may,
    mails_in,
    send_all,
)
from tests.system.load import all_work_done
from tests.system.people import CATEGORIES

pytestmark = pytest.mark.system


def test_collected_mails_are_all_taken_and_nobody_is_bothered(start_maild: StartMaild, corpus: Path) -> None:
    desk = start_maild(rest=CATEGORIES)
    sent = send_all(desk, mails_in(corpus)[::3])
    all_work_done(desk)
    ledger = assert_every_mail_has_its_fate(desk, sent)
    assert_explained_alike(desk, sent, ledger)
    assert assert_letters_go_only_where_they_may(desk, sent, ledger) > 0
