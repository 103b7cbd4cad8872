"""How results are shown: moments, tables on a terminal, letters to look at."""

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from maild.cli.show import rfc3339
from tests.cli.conftest import QUESTION, Trial, run_here
from tests.servers import ROOT


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 11, 23, 11, 5, tzinfo=UTC), "2026-11-23T11:05:00Z"),
        (datetime(2026, 11, 23, 11, 5, 0, 42, tzinfo=UTC), "2026-11-23T11:05:00.000042Z"),
        (datetime(2026, 11, 23, 14, 5, tzinfo=timezone(timedelta(hours=3))), "2026-11-23T11:05:00Z"),
    ],
)
def test_moments_are_rfc3339_in_utc(moment: datetime, shown: str) -> None:
    assert rfc3339(moment) == shown


def test_a_terminal_gets_a_drawn_table_and_no_word_is_markup(trial: Trial) -> None:
    trial.put(QUESTION.replace(b"Subject: ", b"Subject: [red]x[/red] "))
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MAILD_CONFIG": str(trial.config), "COLUMNS": "200"}
    command = [sys.executable, "-m", "maild", "ticket", "list"]
    subprocess.run(command, check=True, stdout=theirs, stdin=subprocess.DEVNULL, env=environment, timeout=240)
    os.close(theirs)
    drawn = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "─" in drawn
    assert "[red]x[/red] Счёт" in drawn


def test_letters_can_be_looked_at_before_they_are_sent(tmp_path: Path) -> None:
    ran = run_here("templates", "preview", str(tmp_path / "letters"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "letters/index.html").is_file()


def test_migrate_makes_the_database_and_does_nothing_twice(trial: Trial) -> None:
    for _ in range(2):
        assert trial.said("migrate") == f"{trial.folder}/maild.db: up to date\n"
    assert (trial.folder / "maild.db").stat().st_mode & 0o777 == 0o600
