"""`maild check` where maild verifies senders itself: without the DNS it could not."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from maild.cli.check_dns import dns_findings
from maild.cli.finding import Finding
from maild.config import load
from maild.mailin.lookup import Lookup
from tests.cli.conftest import REST, MakeTrial
from tests.names import SILENCE, Zone, name_server

VERIFY = REST.partition("[trust]")[0] + "[trust]\nverify = true\n"


@contextmanager
def lookup(zone: Zone) -> Iterator[Lookup]:
    with name_server(zone) as resolver:
        yield Lookup(resolver, 0.3)


@pytest.mark.parametrize(
    ("zone", "level", "words"),
    [
        ({("desk.example", "MX"): ["10 mx.desk.example."]}, "ok", "answers: desk.example (1 MX)"),
        ({}, "ok", "answers: desk.example (0 MX)"),
        ({("desk.example", "MX"): SILENCE}, "error", "no answer from the DNS for MX: until it answers"),
    ],
)
def test_name_servers_are_asked_for_the_domains_of_the_desk(
    make_trial: MakeTrial, zone: Zone, level: str, words: str
) -> None:
    config = load(make_trial(rest=VERIFY).config)
    with lookup(zone) as asked:
        [found] = dns_findings(config, asked)
    assert (found.level, found.what) == (level, "dns")
    assert found.words.startswith(words)


def test_a_desk_that_verifies_nobody_itself_needs_no_dns(make_trial: MakeTrial) -> None:
    nobody: list[Finding] = list(dns_findings(load(make_trial().config)))
    assert nobody == []
