"""`maild ticket`: tickets as programs and people read them, and support speaking from the command line."""

import getpass
import hashlib
import json
import socket
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.conftest import MOMENT, QUESTION, MakeTrial, Trial, run_here
from tests.servers import until

WHO = f"cli:{getpass.getuser()}@{socket.gethostname()}"
OPEN = ("ticket", "open", "--customer", "Иван <Ivan@firma.example>", "--category", "billing", "--subject", "Ваш счёт")


def shown(trial: Trial, number: int = 1) -> dict[str, Any]:
    (found,) = trial.json("ticket", "show", str(number))
    return found


def events(trial: Trial, number: int = 1) -> list[tuple[str, str, str, str]]:
    return [(each["event"], each["who"], each["via"], each["reason"]) for each in shown(trial, number)["events"]]


def letters(trial: Trial) -> list[str]:
    return [letter["to"] for letter in trial.json("outbox", "list")]


def test_a_ticket_is_listed_as_the_contract_says(trial: Trial) -> None:
    trial.put(QUESTION, to="billing+refund@desk.example")
    (found,) = trial.json("ticket", "list")
    assert list(found) == (
        "number subject status category topic customer created_at solved_at reopen_until confirmed_at follow_up_of"
        " merged_into participants fields tags assignee priority".split()
    )
    assert MOMENT.fullmatch(found.pop("created_at"))
    assert found == {
        "number": 1,
        "subject": "Счёт",
        "status": "new",
        "category": "billing",
        "topic": "refund",
        "customer": "ivan@firma.example",
        "solved_at": None,
        "reopen_until": None,
        "confirmed_at": None,
        "follow_up_of": None,
        "merged_into": None,
        "participants": ["ivan@firma.example"],
        "fields": {},
        "tags": [],
        "assignee": None,
        "priority": "normal",
    }


def test_one_ticket_is_shown_with_its_thread_and_history(trial: Trial) -> None:
    trial.put(QUESTION)
    found = shown(trial)
    (message,) = found.pop("messages")
    (event,) = found.pop("events")
    to_team, to_customer = found.pop("deliveries")
    assert [found] == trial.json("ticket", "list")
    assert found["topic"] is None
    assert list(message) == "id at author role kind text reply attachments".split()
    assert message.pop("text").strip() == "Где мой счёт?"
    assert message == {
        "id": 1,
        "at": "2026-11-23T11:05:00Z",
        "author": "ivan@firma.example",
        "role": "customer",
        "kind": "public",
        "reply": "Где мой счёт?",
        "attachments": [
            {
                "name": "invoice.pdf",
                "type": "application/pdf",
                "size": 4,
                "sha256": hashlib.sha256(b"four").hexdigest(),
            }
        ],
    }
    assert MOMENT.fullmatch(event.pop("at"))
    assert event == {"event": "opened", "who": "ivan@firma.example", "via": "smtp", "reason": "new question"}
    assert list(to_team) == "id at letter to message_id state status reason reply changed_at".split()
    assert (to_team["letter"], to_team["to"]) == ("new_ticket", "billing-team@office.example")
    assert (to_customer["letter"], to_customer["to"]) == ("acknowledgement", "ivan@firma.example")
    assert {one["state"] for one in (to_team, to_customer)} == {"queued"}


def test_a_life_from_the_command_line(trial: Trial) -> None:
    trial.put(QUESTION)
    assert trial.said("ticket", "reply", "1", stdin="Вот он.\r\nСпасибо.\n") == "ticket 1: pending\n"
    assert trial.said("ticket", "note", "1", "--text", "Платит поздно.") == "ticket 1: pending\n"
    assert trial.said("ticket", "solve", "1") == "ticket 1: solved\n"
    assert MOMENT.fullmatch(shown(trial)["reopen_until"])
    assert trial.said("ticket", "reopen", "1") == "ticket 1: open\n"
    said = [(each["kind"], each["role"], each["reply"]) for each in shown(trial)["messages"][1:]]
    assert said == [("public", "agent", "Вот он.\nСпасибо."), ("note", "agent", "Платит поздно.")]
    done = ("agent_answered", "note_added", "solved", "reopened")
    assert events(trial)[1:] == [(event, WHO, "cli", "by_cli") for event in done]
    assert letters(trial).count("ivan@firma.example") == 3  # acknowledgement, answer, solved


def test_a_note_reaches_no_customer(trial: Trial) -> None:
    trial.put(QUESTION)
    before = letters(trial)
    trial.said("ticket", "note", "1", stdin="Платит поздно.")
    assert set(letters(trial)[len(before) :]) == {"billing-team@office.example"}


def test_a_ticket_can_be_opened_towards_a_customer(trial: Trial) -> None:
    assert trial.said(*OPEN, "--topic", "refund", stdin="Добрый день!\n") == "ticket 1: pending\n"
    found = shown(trial)
    assert (found["subject"], found["topic"], found["customer"]) == ("Ваш счёт", "refund", "ivan@firma.example")
    assert [(each["author"], each["role"], each["reply"]) for each in found["messages"]] == [
        (WHO, "agent", "Добрый день!")
    ]
    assert "ivan@firma.example" in letters(trial)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--customer", "nobody", "'nobody' is not an address"),
        ("--customer", "billing+x@desk.example", "is an address of this desk"),
        ("--category", "sales", "'sales' is none of: billing"),
        ("--topic", "sales", "'sales' is no topic of billing"),
        ("--subject", "  ", "--subject is empty"),
        ("--text", " \n", "there is no text"),
    ],
)
def test_a_ticket_that_cannot_be_opened_is_not(trial: Trial, option: str, value: str, words: str) -> None:
    status, complaint = trial.refused(*OPEN, "--text", "words", option, value)
    assert (status, words in complaint) == (64, True), complaint
    assert trial.json("ticket", "list") == []


def test_an_answer_without_words_is_refused(trial: Trial) -> None:
    trial.put(QUESTION)
    for command in ("reply", "note"):
        status, words = trial.refused("ticket", command, "1", stdin="\n \n")
        assert (status, "there is no text" in words) == (64, True)
    assert len(shown(trial)["messages"]) == 1


def test_words_that_are_not_utf8_are_refused_before_anything_is_sent(trial: Trial) -> None:
    trial.put(QUESTION)
    ran = run_here("ticket", "reply", "1", stdin="Привет".encode("cp1251"), config=str(trial.config))
    assert (ran.returncode, "not UTF-8 at byte 0" in ran.stderr) == (64, True)
    assert len(shown(trial)["messages"]) == 1


def test_a_ticket_that_is_not_there_is_bad_data(trial: Trial) -> None:
    for command in (("show",), ("reply", "--text", "x"), ("note", "--text", "x"), ("solve",), ("reopen",)):
        assert trial.refused("ticket", *command, "9") == (65, "maild: there is no ticket 9\n")


def test_a_closed_ticket_stays_closed_and_an_answer_follows_it_up(make_trial: MakeTrial) -> None:
    trial = make_trial(desk='reopen_window = "1s"')
    trial.put(QUESTION)
    trial.said("ticket", "solve", "1")
    deadline = datetime.fromisoformat(shown(trial)["reopen_until"])
    until(lambda: datetime.now(UTC) >= deadline, "the deadline")
    for command in ("solve", "reopen"):
        assert trial.refused("ticket", command, "1") == (77, "maild: ticket 1 is closed\n")
    said = trial.said("ticket", "reply", "1", "--text", "Ещё одно.")
    assert said == "ticket 1: closed, ticket 2 follows it up\nticket 2: pending\n"
    assert shown(trial, 2)["follow_up_of"] == 1


def test_people_get_a_table_and_a_page(trial: Trial) -> None:
    assert trial.said("ticket", "list") == "There are no tickets.\n"
    trial.put(QUESTION)
    trial.said("ticket", "note", "1", "--text", "Платит поздно.")
    head, row = trial.said("ticket", "list").splitlines()
    assert row.index("ivan@firma.example") == head.index("CUSTOMER")
    page = trial.said("ticket", "show", "1")
    assert page.startswith("[#1] Счёт\nStatus:       new\n")
    assert "── 2026-11-23 14:05  ivan@firma.example (customer)\n  Где мой счёт?\n  [invoice.pdf, 4" in page
    assert f"{WHO} (note, agent)\n  Платит поздно.\n" in page
    assert trial.said("ticket", "list", "--status", "closed") == "No ticket is closed.\n"


def test_a_page_of_a_ticket_cannot_steer_the_terminal(trial: Trial) -> None:
    trial.put(QUESTION.replace(b"Subject: ", b"Subject: \x1b[2J\x9b "))
    for command in (("ticket", "show", "1"), ("ticket", "list"), ("mail", "list"), ("mail", "show", "1")):
        assert not {"\x1b", "\x9b"} & set(trial.said(*command))


def test_json_of_all_lists_is_one_object_a_line(trial: Trial) -> None:
    trial.put(QUESTION)
    for command in (("ticket", "list"), ("mail", "list"), ("outbox", "list"), ("ticket", "show", "1")):
        for line in trial.said(*command, "--json").splitlines():
            assert isinstance(json.loads(line), dict)
