"""`maild backup`: one whole file while others write; on PostgreSQL it says what to do instead."""

import sqlite3
import stat
import threading
from pathlib import Path

from maild.store import settings
from maild.store.db import Tx
from tests.cli.conftest import QUESTION, REST, MakeTrial, Trial


def test_the_copy_is_a_whole_desk(trial: Trial, make_trial: MakeTrial, tmp_path: Path) -> None:
    trial.put(QUESTION)
    target = tmp_path / "copy.db"
    said = trial.said("backup", str(target))
    assert said.splitlines()[1] == f"keep the secret as well: {trial.folder}/secret"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("*copy*")] == ["copy.db"], "nothing lies beside it"
    before = trial.json("mail", "list"), trial.json("ticket", "show", "1")
    restored = make_trial(rest=f'{REST}[store]\nurl = "sqlite://{target}"\n')
    assert (restored.json("mail", "list"), restored.json("ticket", "show", "1")) == before


def test_into_a_directory_each_gets_a_name_of_its_own(trial: Trial, tmp_path: Path) -> None:
    trial.put(QUESTION)
    (tmp_path / "kept").mkdir()
    trial.said("backup", str(tmp_path / "kept"))
    [made] = (tmp_path / "kept").iterdir()
    assert made.name.startswith("maild-20")
    status, words = trial.refused("backup", str(made))
    assert (status, words) == (73, f"maild: {made} exists already, and nothing is overwritten\n")


def put_both(tx: Tx, value: str) -> None:
    for key in ("left", "right"):
        settings.put(tx, key, value)


def test_those_who_write_meanwhile_are_not_stopped_and_not_torn(trial: Trial, tmp_path: Path) -> None:
    """Two values are always written together: a copy never has one without the other."""
    is_over = threading.Event()
    with trial.desk() as desk:

        def write() -> None:
            number = 0
            while not is_over.is_set():
                number += 1
                desk.store.run_now(put_both, str(number))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(3):
                trial.said("backup", str(tmp_path / f"{number}.db"))
        finally:
            is_over.set()
            writer.join()
    for number in range(3):
        copy = sqlite3.connect(tmp_path / f"{number}.db")
        values = {value for (value,) in copy.execute("SELECT value FROM settings WHERE key IN ('left', 'right')")}
        copy.close()
        assert len(values) <= 1


def test_without_a_database_there_is_nothing_to_copy(trial: Trial, tmp_path: Path) -> None:
    status, words = trial.refused("backup", str(tmp_path / "copy.db"))
    assert (status, "there is no database yet" in words) == (66, True)
    assert not (tmp_path / "copy.db").exists()


def test_on_postgresql_its_own_tool_is_named_without_the_password(make_trial: MakeTrial) -> None:
    trial = make_trial(rest=f'{REST}[store]\nurl = "postgresql://maild:geheim@127.0.0.1:1/desk?sslmode=require"\n')
    status, words = trial.refused("backup", "/backup/desk.dump")
    assert status == 69
    assert (
        "pg_dump --format=custom --file=/backup/desk.dump postgresql://maild@127.0.0.1:1/desk?sslmode=require" in words
    )
    assert "geheim" not in words
