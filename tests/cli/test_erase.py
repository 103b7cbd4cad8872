"""`maild erase`: it asks, it counts, and the database file does not know the person any more."""

from tests.cli.conftest import QUESTION, Trial

PERSON = "Ivan@firma.example"


def test_not_even_the_bytes_of_the_database_name_him(trial: Trial) -> None:
    trial.put(QUESTION)
    trial.put(QUESTION.replace(b"q1@", b"q2@"))
    trial.said("ticket", "reply", "1", "--text", "Вот счёт.")
    status, words = trial.refused("erase", PERSON)
    assert status == 64
    assert "2 tickets of his own (2 of them not closed), 0 of others, 2 mails, 6 letters" in words
    [told] = trial.json("erase", PERSON, "--yes")
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


def test_what_is_no_persons_address_is_refused(trial: Trial) -> None:
    status, words = trial.refused("erase", "ivan", "--yes")
    assert (status, "ADDRESS" in words) == (64, True)
    status, words = trial.refused("erase", "anna@office.example", "--yes")
    assert (status, words) == (
        77, "maild: anna@office.example belongs to the desk: take it out of the configuration first\n",
    )  # fmt: skip
