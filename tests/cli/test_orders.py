"""`maild ticket move|merge|spam|assign|tag|priority|snooze|cc` and `maild audit`: the same orders as by mail."""

from typing import Any

import pytest

from tests.cli.conftest import QUESTION, REST, MakeTrial, Trial

TECH = """
[[category]]
key = "tech"
title = "Tech"
address = "tech@desk.example"
team = ["tech-team@office.example"]
"""


@pytest.fixture
def trial(make_trial: MakeTrial) -> Trial:
    return make_trial(rest=REST.replace("[[agent]]", f"{TECH}[[agent]]", 1))


def shown(trial: Trial, number: int = 1) -> dict[str, Any]:
    [ticket] = trial.json("ticket", "show", str(number))
    return ticket


def opened(trial: Trial, customer: str = "ivan@client.example") -> None:
    trial.said(
        "ticket", "open", "--customer", customer, "--category", "billing", "--subject", "Счёт", "--text", "Ваш счёт."
    )


def test_orders_change_the_ticket_and_stand_in_its_history(trial: Trial) -> None:
    opened(trial)
    for arguments in (
        ("assign", "1", "billing-team@office.example"), ("tag", "1", "+vip", "+a"), ("tag", "1", "-a"),
        ("priority", "1", "high"), ("cc", "1", "olga@client.example"), ("snooze", "1", "2d"), ("move", "1", "tech"),
    ):  # fmt: skip
        trial.said("ticket", *arguments)
    ticket = shown(trial)
    assert (ticket["category"], ticket["tags"], ticket["priority"]) == ("tech", ["vip"], "high")
    assert ticket["assignee"] is None, "who does not serve the new category has it no longer"
    assert ticket["participants"] == ["ivan@client.example", "olga@client.example"]
    events = [(one["event"], one["via"], one["reason"]) for one in ticket["events"]][2:]
    assert [event for event, _, _ in events] == [
        "assigned", "tagged", "tagged", "prioritised", "cc_joined", "snoozed", "moved", "assigned",
    ]  # fmt: skip
    assert {via for _, via, _ in events} == {"cli"}
    assert events[6][2] == "tech"
    assert all(one["who"].startswith("cli:") for one in ticket["events"])


def test_a_merged_ticket_names_the_other_one(trial: Trial) -> None:
    opened(trial)
    opened(trial, "olga@client.example")
    trial.said("ticket", "merge", "2", "1")
    assert (shown(trial, 2)["status"], shown(trial, 2)["merged_into"]) == ("closed", 1)
    assert shown(trial, 2)["events"][-2]["reason"] == "by_cli"
    assert shown(trial)["participants"] == ["ivan@client.example", "olga@client.example"]


def test_spam_closes_without_a_letter(trial: Trial) -> None:
    opened(trial)
    letters = len(trial.json("outbox", "list"))
    trial.said("ticket", "spam", "1")
    assert shown(trial)["status"] == "closed"
    assert len(trial.json("outbox", "list")) == letters
    assert trial.cli("ticket", "spam", "1").returncode == 77, "closed is final"


def test_orders_that_make_no_sense_are_refused_with_a_reason(trial: Trial) -> None:
    opened(trial)
    for arguments, status in (
        (("move", "1", "nowhere"), 64),
        (("tag", "1", "vip"), 64),
        (("snooze", "1", "soon"), 64),
        (("priority", "1", "urgent"), 64),
        (("assign", "1", "ivan@client.example"), 77),
        (("merge", "1", "1"), 77),
        (("merge", "1", "9"), 77),
        (("cc", "1", "accept"), 77),
        (("cc", "1", "billing@desk.example"), 77),
        (("spam", "9"), 65),
    ):
        assert trial.cli("ticket", *arguments).returncode == status, arguments
    assert len(shown(trial)["events"]) == 2


def test_the_audit_list_is_json_lines(trial: Trial) -> None:
    assert trial.json("audit", "list") == []
    assert "Nothing" in trial.said("audit", "list")
    mail = trial.put(QUESTION.replace(b"dmarc=pass", b"dmarc=fail"))
    trial.said("mail", "raw", str(mail))
    trial.said("hold", "drop", str(mail))
    acts = trial.json("audit", "list")
    assert [(one["act"], one["via"], one["what"], one["reason"]) for one in acts] == [
        ("raw mail read", "cli", f"mail {mail}", None),
        ("mail dropped", "cli", f"mail {mail}", "sender failed authentication"),
    ]
    assert all(one["who"].startswith("cli:") and one["at"].endswith("Z") for one in acts)
    assert str(mail) in trial.said("audit", "list")


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
def test_the_audit_list_can_only_grow(trial: Trial, statement: str) -> None:
    mail = trial.put(QUESTION)
    trial.said("mail", "raw", str(mail))
    with trial.desk() as desk, pytest.raises(Exception, match="can only grow"):
        desk.store.run_now(lambda tx: tx.run(statement))
    assert len(trial.json("audit", "list")) == 1
