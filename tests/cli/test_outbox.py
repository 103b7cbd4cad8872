"""`maild outbox`: letters on their way out, and what a person may do about them."""

import asyncio
from typing import Any

from maild.desk.delivery import gave_up
from maild.store import outbox
from tests.cli.conftest import MOMENT, QUESTION, Trial


def letter(trial: Trial, number: int) -> dict[str, Any]:
    (found,) = [each for each in trial.json("outbox", "list") if each["id"] == number]
    return found


def sent(trial: Trial, number: int) -> None:
    with trial.desk() as desk:
        desk.store.run_now(outbox.sent, number, "250 2.0.0 taken", desk.now())


def failed(trial: Trial, number: int) -> None:
    with trial.desk() as desk:
        rows = desk.store.run_now(outbox.claim, desk.now(), 10)
        row = next(row for row in rows if row.id == number)
        asyncio.run(gave_up(desk, row, "550 5.1.1 nobody"))


def test_a_letter_is_listed_as_the_contract_says(trial: Trial) -> None:
    trial.put(QUESTION)
    found = letter(trial, 1)
    assert list(found) == (
        "id created_at to subject message_id ticket state attempts next_attempt_at last_reply".split()
    )
    assert MOMENT.fullmatch(found["next_attempt_at"])
    assert found["created_at"] == found.pop("next_attempt_at")
    assert MOMENT.fullmatch(found.pop("created_at"))
    assert found.pop("message_id").endswith("@desk.example")
    assert found == {
        "id": 1,
        "to": found["to"],
        "subject": None,
        "ticket": 1,
        "state": "queued",
        "attempts": 0,
        "last_reply": None,
    }


def test_a_letter_that_failed_can_be_tried_again(trial: Trial) -> None:
    trial.put(QUESTION)
    failed(trial, 1)
    found = letter(trial, 1)
    assert (found["state"], found["attempts"], found["last_reply"]) == ("failed", 1, "550 5.1.1 nobody")
    assert found["next_attempt_at"] is None
    assert trial.said("outbox", "retry", "1") == "letter 1: queued\n"
    assert letter(trial, 1)["state"] == "queued"


def test_a_letter_that_waits_can_be_dropped_once(trial: Trial) -> None:
    trial.put(QUESTION)
    assert trial.said("outbox", "drop", "1") == "letter 1: failed\n"
    found = letter(trial, 1)
    assert (found["state"], found["next_attempt_at"]) == ("failed", None)
    assert found["last_reply"].startswith("dropped by cli:")
    status, words = trial.refused("outbox", "drop", "1")
    assert (status, words) == (77, "maild: letter 1 does not wait: it has been sent or has failed\n")


def test_a_letter_that_was_sent_stays_sent(trial: Trial) -> None:
    trial.put(QUESTION)
    sent(trial, 1)
    assert trial.refused("outbox", "retry", "1") == (77, "maild: letter 1 has been sent\n")
    assert letter(trial, 1)["state"] == "sent"
    assert [each["id"] for each in trial.json("outbox", "list", "--state", "sent")] == [1]


def test_a_letter_that_is_not_there_is_bad_data(trial: Trial) -> None:
    for command in ("retry", "drop"):
        assert trial.refused("outbox", command, "5") == (65, "maild: there is no letter 5\n")


def test_people_get_a_table_or_a_sentence(trial: Trial) -> None:
    assert trial.said("outbox", "list") == "No letter has been written.\n"
    trial.put(QUESTION)
    assert trial.said("outbox", "list", "--state", "failed") == "No letter is failed.\n"
    head, *rows = trial.said("outbox", "list").splitlines()
    assert {row[head.index("STATE") :].split()[0] for row in rows} == {"queued"}
