"""`maild erase`: it asks whoever sits there, it counts, and the database file does not know the person any more."""

import os
import subprocess

import pytest

from tests.cli.conftest import QUESTION, Trial
from tests.servers import MAILD

PERSON = "Ivan@firma.example"


def test_not_even_the_bytes_of_the_database_name_him(trial: Trial) -> None:
    trial.put(QUESTION)
    trial.put(QUESTION.replace(b"q1@", b"q2@"))
    trial.said("ticket", "reply", "1", "--text", "Вот счёт.")
    [told] = trial.json("erase", PERSON)
    stand_in = told.pop("stand_in")
    assert told == {
        "tickets": 2, "closed": 2, "shared_tickets": 0, "mails": 2, "letters": 6, "audit": 0, "file_clean": True,
    }  # fmt: skip
    assert [row["customer"] for row in trial.json("ticket", "list")] == [stand_in] * 2
    found = trial.json("mail", "list")
    assert {(row["from"], row["subject"], row["text"]) for row in found} == {(stand_in, None, "")}
    for path in trial.folder.glob("maild.db*"):
        data = path.read_bytes().lower()
        assert b"ivan@firma" not in data
        assert "счёт".encode() not in data
    assert "nothing" not in trial.said("erase", PERSON, "--yes")


@pytest.mark.parametrize(("answer", "status", "word"), [("n", 130, "interrupted"), ("y", 0, "erased: 1 ticket")])
def test_on_a_terminal_it_tells_what_is_known_and_asks(trial: Trial, answer: str, status: int, word: str) -> None:
    trial.put(QUESTION)
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())
    ran = subprocess.run(
        [*MAILD, "erase", PERSON, "--config", trial.config], stdin=theirs, capture_output=True, text=True, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert "1 ticket of his own (1 of them not closed), 0 of others, 1 mail, 2 letters. Erase all of it" in ran.stderr
    assert (ran.returncode, word in ran.stdout + ran.stderr) == (status, True)


def test_what_is_no_persons_address_is_refused(trial: Trial) -> None:
    status, words = trial.refused("erase", "ivan", "--yes")
    assert (status, "ADDRESS" in words) == (64, True)
    status, words = trial.refused("erase", "anna@office.example", "--yes")
    assert (status, words) == (
        77, "maild: anna@office.example belongs to the desk: take it out of the configuration first\n",
    )  # fmt: skip
