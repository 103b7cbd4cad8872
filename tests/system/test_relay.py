"""The relay is down, slow, or does not want a letter: nothing is lost, and people hear of what did not arrive."""

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartMaild
from tests.servers import MaildProcess, free_port, postfix, until
from tests.smtpsink import HANG_UP, SmtpSink
from tests.system.people import BILLING, IVAN, TEAM, all_sent, events, text_of, ticket, trusting, write

pytestmark = pytest.mark.system


def row_to(desk: MaildProcess, address: str, state: str, seconds: float = 120) -> dict[str, Any]:
    """The one outbox row of that recipient and state."""

    def look() -> list[dict[str, Any]]:
        return [row for row in desk.json("outbox", "list") if (row["to"], row["state"]) == (address, state)]

    rows = until(look, f"a letter to {address} is {state}", seconds)
    assert len(rows) == 1
    return rows[0]


def retry(desk: MaildProcess, row: dict[str, Any]) -> None:
    ran = desk.cli("outbox", "retry", str(row["id"]))
    assert ran.returncode == 0, ran.stderr


def test_letters_wait_for_a_relay_that_is_down_and_go_out_once(start_maild: StartMaild, sink: SmtpSink) -> None:
    sink.stop()
    desk = start_maild(**trusting())
    for number in range(3):
        write(desk, "Вопрос", subject=f"Вопрос {number}", sender=f"person{number}@firma.example")
    until(lambda: any(row["last_reply"] for row in desk.json("outbox", "list")), "an attempt has failed")
    assert {row["state"] for row in desk.json("outbox", "list")} == {"queued"}
    sink.start()
    sink.wait(TEAM, 3)
    all_sent(desk, 6)
    assert sorted(letter.rcpt_tos[0] for letter in sink.letters) == sorted(
        [TEAM] * 3 + [f"person{number}@firma.example" for number in range(3)]
    )


def health(desk: MaildProcess) -> tuple[int, dict[str, Any]]:
    with closing(HTTPConnection(desk.doors["ops"], timeout=60)) as client:
        client.request("GET", "/health")
        answer = client.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_relay_that_refuses_us_is_seen_in_health_and_costs_no_letter(
    start_maild: StartMaild, sink: SmtpSink, folder: Path
) -> None:
    (folder / "password").write_text("wrong")
    login = f'username = "desk"\npassword_file = "{folder}/password"'
    desk = start_maild(**{**trusting(), "outbound": login})
    write(desk, "Вопрос")
    until(lambda: not health(desk)[1]["relay"]["ok"], "the relay is in trouble")
    status, seen = health(desk)
    assert (status, seen["status"], seen["outbox"]["failed"]) == (200, "degraded", 0)
    assert "AUTH" in seen["relay"]["last_reply"]
    assert {row["state"] for row in desk.json("outbox", "list")} == {"queued"}
    sink.takes_logins = True
    all_sent(desk, 2)
    until(lambda: health(desk)[1]["relay"] == {"ok": True, "last_reply": None}, "the relay is well")


def test_a_slow_relay_delays_letters_but_not_the_door(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    sink.slow("dot", 2)
    for number in range(4):
        write(desk, "Вопрос", subject=f"Вопрос {number}")
    all_sent(desk, 8)
    assert len(sink.letters) == 8


def test_one_recipient_is_put_off_and_the_others_are_not(start_maild: StartMaild, sink: SmtpSink) -> None:
    sink.answer("rcpt", "450 4.2.1 mailbox busy", to=IVAN, times=1)
    desk = start_maild(**trusting())
    write(desk, "Вопрос")
    sink.wait(TEAM)
    until(lambda: "450" in str(row_to(desk, IVAN, "queued")["last_reply"]), "the reply of the relay is shown")
    row = row_to(desk, IVAN, "queued")
    assert (row["attempts"], row["state"]) == (1, "queued")
    assert row["next_attempt_at"] > row["created_at"]
    retry(desk, row)
    assert row_to(desk, IVAN, "sent")["attempts"] == 2
    assert len(sink.to(IVAN)) == 1


def test_the_team_is_told_once_of_a_letter_that_nobody_takes(start_maild: StartMaild, sink: SmtpSink) -> None:
    sink.answer("rcpt", "550 5.1.1 no such person", to=IVAN)
    desk = start_maild(**trusting())
    write(desk, "Вопрос")
    letters = [text_of(letter) for letter in sink.wait(TEAM, 2)]  # either may be the first to arrive
    [notice] = [text for text in letters if "550" in text]
    assert IVAN in notice
    row = row_to(desk, IVAN, "failed")
    assert "550" in row["last_reply"]
    assert row["next_attempt_at"] is None
    assert [event for event, _ in events(desk)].count("delivery_failed") == 1
    assert sink.to(IVAN) == []


def test_a_letter_whose_250_got_lost_comes_again_the_same_to_the_byte(start_maild: StartMaild, sink: SmtpSink) -> None:
    sink.answer("dot", HANG_UP, times=2)
    desk = start_maild(**trusting())
    write(desk, "Вопрос")
    until(lambda: all(row["attempts"] == 1 for row in desk.json("outbox", "list")), "both letters were tried")
    for row in desk.json("outbox", "list"):
        assert row["state"] == "queued"
        retry(desk, row)
    all_sent(desk, 2)
    for address in (IVAN, TEAM):
        first, second = sink.to(address)
        assert first.content == second.content
        assert first.mail_from == second.mail_from


def test_a_real_postfix_takes_letters_and_its_bounce_finds_its_ticket(
    start_maild: StartMaild, sink: SmtpSink, folder: Path
) -> None:
    sink.answer("rcpt", "550 5.1.1 no such person", to=IVAN)
    port = free_port()
    transports = {"desk.example": f"smtp:[127.0.0.1]:{port}", "*": f"smtp:[127.0.0.1]:{sink.port}"}
    with postfix(transports) as relay:
        desk = MaildProcess(folder, f"smtp://127.0.0.1:{relay.port}", **trusting())
        desk.config.write_text(desk.config.read_text().replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"', 1))
        with desk:
            write(desk, "Вопрос")
            notification, notice = sink.wait(TEAM, 2)
            assert notification.message["X-Maild-Ticket"] == "1"
            assert notification.mail_from.startswith(f"{BILLING.partition('@')[0]}+b")
            assert IVAN in text_of(notice)
            assert ("bounce", "5.1.1") in events(desk)
            assert ticket(desk)["status"] == "new"
            bounce = desk.json("mail", "list")[-1]
            assert (bounce["kind"], bounce["state"], bounce["ticket"]) == ("bounce", "done", 1)
            assert row_to(desk, IVAN, "failed")["last_reply"] == "bounced 5.1.1"
