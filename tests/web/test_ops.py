"""Health and metrics say what is so, and never who."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from maild.core.effects import Reason
from maild.core.identity import identity_of
from maild.core.mail import Door, Envelope
from maild.desk.desk import Desk
from maild.desk.holds import drop
from maild.store import arrivals, ledger
from maild.store.packing import pack
from maild.web.jobs import JobReport
from maild.web.ops import ops_app
from tests.web.clock import StillClock
from tests.web.conftest import wait_for
from tests.web.serving import Client, listen, serving


@dataclass
class Ops:
    desk: Desk
    clock: StillClock
    client: Client
    jobs: dict[str, JobReport] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def health(self) -> tuple[int, dict[str, Any]]:
        answer = self.client.get("/health")
        return answer.status, json.loads(answer.text)

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Each sample by its name and labels."""
        text = self.client.get("/metrics").text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(one.name, *(one.labels[key] for key in sorted(one.labels))): one.value for one in samples}

    def mail(self, number: int, door: Door = Door.SMTP) -> int:
        """One more mail in the ledger."""
        raw = f"Message-ID: <{number}@x.example>\r\n\r\nHello\r\n".encode()
        envelope = Envelope("a@x.example", ("billing@desk.example",), door, "", False, "", self.clock())
        return self.desk.store.run_now(arrivals.put, arrivals.Delivery(pack(raw), identity_of(raw), envelope))[0]


@pytest.fixture
def ops(desk: Desk, clock: StillClock) -> Iterator[Ops]:
    bound = listen()
    made = Ops(desk, clock, Client(bound.getsockname()[1]))
    with serving(ops_app(desk, lambda: made.jobs, lambda: made.values), bound):
        yield made


def test_a_desk_with_nothing_to_do_is_well(ops: Ops) -> None:
    status, health = ops.health()
    assert status == 200
    assert health.pop("version")
    assert health == {
        "status": "ok",
        "database": True,
        "mails": {"spooled": 0, "held": 0},
        "outbox": {"queued": 0, "failed": 0},
        "oldest_mail_seconds": None,
        "oldest_letter_seconds": None,
        "relay": {"ok": True, "last_reply": None},
        "mailboxes": {},
        "jobs": {},
    }


def test_health_tells_how_much_waits_and_for_how_long(ops: Ops) -> None:
    ops.mail(1)
    ops.clock.forward(timedelta(seconds=90))
    ops.desk.store.run_now(ledger.hold, ops.mail(2), Reason.HELD_TROUBLE)
    ops.jobs["close"] = JobReport(ops.clock())
    status, health = ops.health()
    assert status == 200
    assert health["mails"] == {"spooled": 1, "held": 1}
    assert health["oldest_mail_seconds"] == 90
    assert health["jobs"] == {"close": {"last_run": "2026-11-23T11:06:30Z", "last_error": None}}


def test_a_job_that_failed_is_degraded_until_it_runs_again(ops: Ops) -> None:
    ops.jobs |= {"close": JobReport(ops.clock(), "StoreBusy"), "forget": JobReport()}
    status, health = ops.health()
    assert (status, health["status"], health["database"]) == (503, "degraded", True)
    assert health["jobs"]["close"]["last_error"] == "StoreBusy"
    assert ops.metrics()["maild_job_failed", "close"] == 1
    ops.jobs["close"] = JobReport(ops.clock())
    assert ops.health()[0] == 200


def test_without_its_database_the_desk_is_degraded(ops: Ops) -> None:
    ops.desk.store.run_now(lambda tx: tx.run("ALTER TABLE mails RENAME TO gone"))
    status, health = ops.health()
    assert (status, health["status"], health["database"]) == (503, "degraded", False)
    assert ops.client.get("/metrics").status == 503


def test_metrics_count_by_door_state_and_reason(ops: Ops) -> None:
    ops.mail(1)
    ops.mail(2, Door.LMTP)
    ops.mail(2, Door.LMTP)
    ops.desk.store.run_now(ledger.hold, ops.mail(3), Reason.HELD_TROUBLE)
    ops.jobs["close"] = JobReport(ops.clock())
    ops.values["smtp_connections"] = 7
    ops.clock.forward(timedelta(seconds=30))
    found = ops.metrics()
    assert found["maild_arrivals_total", "smtp"] == 2
    assert found["maild_arrivals_total", "lmtp"] == 2
    assert found["maild_mails", "", "spooled"] == 2
    assert found["maild_mails", Reason.HELD_TROUBLE.value, "held"] == 1
    assert found["maild_mails_oldest_seconds",] == 30
    assert found["maild_outbox_oldest_seconds",] == 0
    assert found["maild_job_age_seconds", "close"] == 30
    assert found["maild_smtp_connections",] == 7


def test_no_label_holds_an_address(ops: Ops) -> None:
    held = ops.mail(1)
    ops.desk.store.run_now(ledger.hold, held, Reason.HELD_TROUBLE)
    wait_for(drop(ops.desk, held, "cli:root@host.example"))
    assert ops.metrics()["maild_mails", "dropped", "done"] == 1
    assert "@" not in ops.client.get("/metrics").text


def test_only_the_two_pages_are_there(ops: Ops) -> None:
    assert ops.client.get("/").status == 404
    assert ops.client.post("/health").status == 405
    assert ops.client.ask("HEAD", "/health").status == 200


def test_counting_reads_indexes_and_no_mail(ops: Ops) -> None:
    """Rows of the ledger hold whole mails: a scan of the table itself would read them all."""
    queries = [
        "SELECT state, reason, COUNT(*) FROM mails GROUP BY state, reason",
        "SELECT door, COUNT(*) FROM arrivals GROUP BY door",
        "SELECT state, COUNT(*) FROM outbox GROUP BY state",
        "SELECT status, COUNT(*) FROM tickets GROUP BY status",
    ]
    for query in queries:
        plan = ops.desk.store.read_now(lambda tx, sql: tx.all(f"EXPLAIN QUERY PLAN {sql}"), query)
        assert all("USING COVERING INDEX" in row[3] for row in plan), query
