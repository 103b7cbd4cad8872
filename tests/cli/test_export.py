"""`maild export` and `maild stats`: what goes out is what came in, and the numbers are right."""

import json
import mailbox
from datetime import datetime, timedelta
from pathlib import Path

from maild.core.effects import AddMessage, Role
from maild.core.mail import Mailbox
from maild.store import retention, tickets
from maild.store.db import Tx
from maild.store.times import to_micros
from tests.cli.conftest import QUESTION, RECEIVED, Trial

SECOND = QUESTION.replace(b"q1@", b"q2@").replace("Где мой счёт?".encode(), b"From here on\r\n>From there\r\n")


def test_mails_go_out_as_an_mbox_file_that_comes_in_again(trial: Trial, tmp_path: Path) -> None:
    trial.put(QUESTION)
    trial.put(SECOND)
    trial.said("ticket", "reply", "1", "--text", "Вот.")
    archive = tmp_path / "all.mbox"
    ran = trial.cli("export", "mbox", "--output", str(archive))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "2 mails\n")
    read = mailbox.mbox(archive)
    assert [mail["Message-ID"] for mail in read] == ["<q1@firma.example>", "<q2@firma.example>"]
    read.close()
    assert b"\n>From here on\n>>From there\n" in archive.read_bytes()
    assert trial.json("import", "mbox", str(archive))[0]["known"] == 2
    [act] = trial.json("audit", "list")
    assert (act["act"], act["what"]) == ("exported", "2 mails as mbox")
    assert trial.refused("export", "mbox", "--output", str(archive))[0] == 73


def test_mails_whose_bytes_are_gone_are_left_out_and_counted(trial: Trial) -> None:
    trial.put(QUESTION)
    mail = trial.put(SECOND)
    with trial.desk() as desk:
        desk.store.run_now(retention.delete_raw, [mail])
    ran = trial.cli("export", "mbox")
    assert ran.stdout.count("\nMessage-ID:") == 1
    assert ran.stderr == "1 mail, 1 left out: their bytes are not kept\n"


def test_tickets_go_out_as_ticket_show_shows_them(trial: Trial) -> None:
    trial.put(QUESTION)
    trial.put(SECOND)
    lines = trial.cli("export", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [trial.json("ticket", "show", n)[0] for n in ("1", "2")]
    [one] = trial.cli("export", "jsonl", "--ticket", "2").stdout.splitlines()
    assert json.loads(one)["number"] == 2


def answer(tx: Tx, number: int, moment: datetime) -> None:
    """The ticket was opened at `RECEIVED` and answered then."""
    tx.run("UPDATE tickets SET created_at = ? WHERE number = ?", to_micros(RECEIVED), number)
    said = AddMessage(number, Mailbox("", "anna@office.example"), Role.AGENT, "Вот.", "Вот.", moment)
    tickets.add_message(tx, number, said, None)


def test_stats_count_and_measure(trial: Trial) -> None:
    for number, minutes in enumerate((10, 30, 120)):
        trial.put(QUESTION.replace(b"q1@", b"q%d@" % (number + 10)))
        with trial.desk() as desk:
            desk.store.run_now(answer, number + 1, RECEIVED + timedelta(minutes=minutes))
    trial.put(QUESTION)
    trial.said("ticket", "solve", "1")
    [found] = trial.json("stats")
    assert found["tickets"] == 4
    statuses = {"incomplete": 0, "new": 3, "open": 0, "pending": 0, "solved": 1, "closed": 0}
    assert (found["by_status"], found["by_category"]) == (statuses, {"billing": statuses})
    assert found["waiting"]["count"] == 3
    assert found["first_answer"] == {
        "count": 3, "median_seconds": 1800, "p90_seconds": 7200, "longest_seconds": 7200, "unanswered": 1,
    }  # fmt: skip
    assert (found["mails"], found["doors"]) == ({"done": 4}, {"smtp": 4})
    assert trial.json("stats", "--since", "2100-01-01")[0]["tickets"] == 0
    assert "Until the first answer: 3 tickets, median 0:30:00, nine of ten 2:00:00" in trial.said("stats")
