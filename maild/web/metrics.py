"""Numbers as Prometheus reads them. Labels are our own words from closed lists: never an address, never free text."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from maild import __version__
from maild.core.effects import Reason
from maild.store.counts import Totals, Waiting
from maild.web.jobs import JobReport, MailboxReport

CONTENT_TYPE = CONTENT_TYPE_LATEST
_REASONS = frozenset(reason.value for reason in Reason)


def exposition(
    totals: Totals,
    waiting: Waiting,
    jobs: Mapping[str, JobReport],
    values: Mapping[str, float],
    now: datetime,
    mailboxes: Mapping[str, MailboxReport] | None = None,
) -> bytes:
    """The text of one scrape. `values` are numbers of this process by name: they become `maild_<name>`."""
    registry = CollectorRegistry()
    watched = [*_of_jobs(jobs, now), *_of_mailboxes(mailboxes or {}, now)]
    registry.register(_Snapshot([*_of_database(totals, waiting, now), *watched, *_of_process(values)]))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _of_database(totals: Totals, waiting: Waiting, now: datetime) -> list[Metric]:
    arrivals = CounterMetricFamily("maild_arrivals", "Deliveries taken, by door", labels=["door"])
    for door, count in sorted(totals.arrivals.items()):
        arrivals.add_metric([door], count)
    mails = GaugeMetricFamily("maild_mails", "Distinct mails in the ledger", labels=["state", "reason"])
    for (state, reason), count in sorted(_by_word(totals.mails).items()):
        mails.add_metric([state, reason], count)
    return [
        arrivals,
        mails,
        _gauge("maild_outbox_letters", "Letters in the outbox", "state", totals.letters),
        _gauge("maild_tickets", "Tickets", "status", totals.tickets),
        _age("maild_mails_oldest_seconds", "Age of the oldest mail not yet understood", waiting.oldest_mail, now),
        _age("maild_outbox_oldest_seconds", "Age of the oldest letter not yet sent", waiting.oldest_letter, now),
    ]


def _by_word(mails: Mapping[tuple[str, str], int]) -> Counter[tuple[str, str]]:
    """A dropped mail's reason names who dropped it: that is no label."""
    counted: Counter[tuple[str, str]] = Counter()
    for (state, reason), count in mails.items():
        counted[state, _word(reason)] += count
    return counted


def _word(reason: str) -> str:
    if reason in _REASONS or not reason:
        return reason
    return "dropped" if reason.startswith("dropped by ") else "other"


def _of_jobs(jobs: Mapping[str, JobReport], now: datetime) -> list[Metric]:
    ages = {name: _seconds(job.last_run, now) for name, job in jobs.items() if job.last_run is not None}
    failed = {name: float(bool(job.last_error)) for name, job in jobs.items()}
    return [
        _gauge("maild_job_age_seconds", "Time since a job last ran", "job", ages),
        _gauge("maild_job_failed", "1 if the job's last run failed", "job", failed),
    ]


def _of_mailboxes(mailboxes: Mapping[str, MailboxReport], now: datetime) -> list[Metric]:
    """By the name the admin gave them, which may be an address: then by what stands before the @."""
    named = {name.partition("@")[0]: mailbox for name, mailbox in mailboxes.items()}
    ages = {name: _seconds(one.last_sweep, now) for name, one in named.items() if one.last_sweep is not None}
    up = {name: float(not one.trouble) for name, one in named.items()}
    return [
        _gauge("maild_mailbox_up", "0 while a mailbox cannot be read", "mailbox", up),
        _gauge("maild_mailbox_sweep_age_seconds", "Time since all new mail of a mailbox was taken", "mailbox", ages),
    ]


def _of_process(values: Mapping[str, float]) -> list[Metric]:
    info = GaugeMetricFamily("maild_info", "Always 1", labels=["version"])
    info.add_metric([__version__], 1)
    return [info, *(GaugeMetricFamily(f"maild_{name}", "Of this process", value=values[name]) for name in values)]


def _gauge(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _age(name: str, help_text: str, since: datetime | None, now: datetime) -> Metric:
    return GaugeMetricFamily(name, help_text, value=_seconds(since, now))


def _seconds(since: datetime | None, now: datetime) -> float:
    """Nothing waits: 0. A clock that was set back makes no negative ages."""
    return max((now - since).total_seconds(), 0) if since else 0.0
