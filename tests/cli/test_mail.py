"""`maild mail` and `maild hold`: what came in, what became of it, and what a person may do about it."""

import json
import subprocess
from typing import Any

from maild.store import retention
from tests.cli.conftest import MOMENT, QUESTION, Trial
from tests.servers import MAILD

FORGED = QUESTION.replace(b"dmarc=pass", b"dmarc=fail").replace(b"q1@", b"f1@")
AGENT = QUESTION.replace(b"dmarc=pass", b"dmarc=none").replace(b"Ivan@firma.example", b"anna@office.example")


def only(lines: list[dict[str, Any]]) -> dict[str, Any]:
    (line,) = lines
    return line


def test_a_mail_is_listed_as_the_contract_says(trial: Trial) -> None:
    mail = trial.put(QUESTION)
    found = only(trial.json("mail", "list"))
    assert list(found) == (
        "id received_at door message_id ticket from subject text attachments trusted trust kind state reason".split()
    )
    assert found.pop("text").strip() == "Где мой счёт?"
    assert found == {
        "id": mail,
        "received_at": "2026-11-23T11:05:00Z",
        "door": "smtp",
        "message_id": "q1@firma.example",
        "ticket": 1,
        "from": "ivan@firma.example",
        "subject": "Счёт",
        "attachments": [{"name": "invoice.pdf", "type": "application/pdf", "size": 4}],
        "trusted": True,
        "trust": "verified",
        "kind": "mail",
        "state": "done",
        "reason": "new question",
    }


def test_a_mail_that_waits_is_listed_with_everything_but_its_fate(trial: Trial) -> None:
    trial.put(QUESTION, is_understood=False)
    found = only(trial.json("mail", "list"))
    assert (found["state"], found["ticket"], found["reason"]) == ("spooled", None, None)
    assert (found["from"], found["subject"], found["kind"]) == ("ivan@firma.example", "Счёт", "mail")
    assert (found["trusted"], found["trust"]) == (True, "verified")


def test_a_mail_of_nobody_has_null_for_what_is_absent(trial: Trial) -> None:
    trial.put(b"\r\nwords\r\n")
    found = only(trial.json("mail", "list"))
    assert [key for key, value in found.items() if value is None] == ["message_id", "ticket", "from", "subject"]
    assert (found["state"], found["trusted"], found["trust"]) == ("held", False, "unverified")


def test_only_mails_of_one_state_are_listed_if_asked(trial: Trial) -> None:
    trial.put(QUESTION)
    held = trial.put(FORGED)
    assert [mail["id"] for mail in trial.json("mail", "list", "--state", "held")] == [held]
    assert trial.json("mail", "list", "--state", "spooled") == []
    assert trial.said("mail", "list", "--state", "spooled") == "No mail is spooled.\n"


def test_people_get_an_aligned_table(trial: Trial) -> None:
    trial.put(QUESTION)
    head, row = trial.said("mail", "list").splitlines()
    assert head.split() == "ID RECEIVED DOOR STATE TICKET FROM SUBJECT TRUST REASON".split()
    assert row.index("ivan@firma.example") == head.index("FROM")
    assert "2026-11-23 14:05" in row  # the desk's zone is Europe/Moscow


def test_one_mail_is_shown_with_its_fate_and_its_words(trial: Trial) -> None:
    mail = trial.put(QUESTION)
    page = trial.said("mail", "show", str(mail))
    assert "State:      done\nReason:     new question\nTicket:     1\nSender:     verified\n" in page
    assert "New words:\n  Где мой счёт?" in page
    assert trial.json("mail", "show", str(mail)) == trial.json("mail", "list")


def test_the_raw_bytes_are_the_bytes_that_came(trial: Trial) -> None:
    raw = QUESTION + bytes(range(256))
    mail = trial.put(raw)
    ran = subprocess.run(
        [*MAILD, "mail", "raw", str(mail), "--config", trial.config], check=True, capture_output=True, timeout=240
    )
    assert (ran.stdout, ran.stderr) == (raw, b"")


def test_a_held_mail_can_be_replayed_and_another_cannot(trial: Trial) -> None:
    held, done = trial.put(FORGED), trial.put(QUESTION)
    assert trial.said("mail", "replay", str(held)) == f"mail {held}: spooled\n"
    assert only(trial.json("mail", "list", "--state", "spooled"))["id"] == held
    assert trial.refused("mail", "replay", str(done)) == (77, f"maild: mail {done} is not held\n")


def test_a_mail_that_is_not_there_is_bad_data(trial: Trial) -> None:
    for command in (("mail", "show"), ("mail", "raw"), ("mail", "replay"), ("hold", "release"), ("hold", "drop")):
        assert trial.refused(*command, "7") == (65, "maild: there is no mail 7\n")
    assert trial.refused("mail", "show", str(2**63))[0] == 64


def test_held_mail_is_listed_with_the_reason(trial: Trial) -> None:
    mail = trial.put(FORGED)
    found = only(trial.json("hold", "list"))
    assert found.pop("hold_reason") == "sender failed authentication"
    assert found == only(trial.json("mail", "list"))
    assert (found["id"], found["state"], found["trust"]) == (mail, "held", "failed")
    assert "sender failed authentication" in trial.said("hold", "list")


def test_nothing_held_is_a_sentence_for_people_and_nothing_for_programs(trial: Trial) -> None:
    assert trial.said("hold", "list") == "Nothing is held.\n"
    assert trial.said("hold", "list", "--json") == ""
    assert trial.said("mail", "list") == "No mail has come in.\n"


def test_a_released_mail_goes_to_the_rules_again(trial: Trial) -> None:
    mail = trial.put(FORGED)
    assert trial.said("hold", "release", str(mail)) == f"mail {mail}: released\n"
    assert only(trial.json("mail", "list"))["state"] == "spooled"


def test_a_mail_that_claims_to_be_an_agents_cannot_be_released(trial: Trial) -> None:
    mail = trial.put(AGENT)
    status, words = trial.refused("hold", "release", str(mail))
    assert status == 77
    assert "claims to be an agent's" in words
    assert only(trial.json("hold", "list"))["id"] == mail


def test_a_dropped_mail_stays_readable(trial: Trial) -> None:
    mail = trial.put(FORGED)
    assert trial.said("hold", "drop", str(mail)) == f"mail {mail}: dropped\n"
    found = only(trial.json("mail", "list"))
    assert (found["state"], found["ticket"]) == ("done", None)
    assert found["reason"].startswith("dropped by cli:")
    assert "Где мой счёт?" in trial.said("mail", "show", str(mail))
    assert trial.refused("hold", "drop", str(mail))[0] == 77


def test_every_moment_is_rfc3339(trial: Trial) -> None:
    trial.put(QUESTION)
    ticket = json.loads(trial.said("ticket", "show", "1", "--json"))
    moments = [ticket["created_at"], *(each["at"] for each in (*ticket["messages"], *ticket["events"]))]
    moments += [letter["created_at"] for letter in trial.json("outbox", "list")]
    assert [moment for moment in moments if not MOMENT.fullmatch(moment)] == []


def test_a_mail_whose_bytes_are_gone_is_still_listed_and_says_so(trial: Trial) -> None:
    mail = trial.put(QUESTION)
    before = only(trial.json("mail", "list"))
    with trial.desk() as desk:
        desk.store.run_now(retention.delete_raw, [mail])
    after = only(trial.json("mail", "list"))
    assert after == {**before, "text": "", "attachments": []}
    assert "firma.example" in trial.said("mail", "show", str(mail))
    status, words = trial.refused("mail", "raw", str(mail))
    assert (status, words.startswith("maild: mail 1: its bytes are not kept any more")) == (65, True)
