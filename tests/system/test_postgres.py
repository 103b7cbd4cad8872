"""Several nodes on one PostgreSQL: they share the work, take over from the dead, and outlive the database's crashes."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import MaildProcess, Postgres, postgres, until
from tests.smtpsink import SmtpSink
from tests.system.load import (
    Senders,
    assert_nothing_lost_nothing_doubled,
    bad_mood,
    kill_and_restart,
    no_more_tempers,
)
from tests.system.people import trusting

pytestmark = pytest.mark.system

MINUTE = 60_000_000  # microseconds


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A PostgreSQL that a test may crash."""
    with postgres() as running:
        yield running


@pytest.fixture
def nodes(server: Postgres, folder: Path, sink: SmtpSink) -> Iterator[tuple[MaildProcess, MaildProcess]]:
    """Two nodes at work on its database."""
    made = []
    for name in ("a", "b"):
        (folder / name).mkdir()
        options = trusting(f'[store]\nurl = "{server.url("postgres")}"\n')
        made.append(MaildProcess(folder / name, relay=sink.url, **options))
    assert made[0].cli("migrate").returncode == 0
    with ExitStack() as stack:
        first, second = (stack.enter_context(node) for node in made)
        yield first, second


def handled(node: MaildProcess) -> set[str]:
    """The mails that node has settled."""
    return set(re.findall(r"mail (\d+): done", node.log()))


def is_done(server: Postgres) -> bool:
    spooled = server.sql("SELECT COUNT(*) FROM mails WHERE state = 'spooled'")
    return (spooled, server.sql("SELECT COUNT(*) FROM outbox WHERE state = 'queued'")) == ("0", "0")


def is_done_a_minute_later(server: Postgres) -> bool:
    """A minute passes for leases that nobody has renewed or used for some seconds, as for those of a dead node.

    And for letters that were put off.
    """
    server.sql("UPDATE outbox SET next_attempt_at = created_at WHERE state = 'queued' AND leased_until = 0")
    for table in ("mails", "outbox"):
        soon = f"(EXTRACT(EPOCH FROM now()) * 1000000 + {MINUTE * 55 // 60})::bigint"
        server.sql(f"UPDATE {table} SET leased_until = leased_until - {MINUTE} WHERE leased_until BETWEEN 1 AND {soon}")
    return is_done(server)


def test_two_nodes_share_the_work_and_one_finishes_it_when_the_other_dies(
    server: Postgres, nodes: tuple[MaildProcess, MaildProcess], sink: SmtpSink
) -> None:
    first, second = nodes
    with Senders(first, clients=2, total=40) as at_first, Senders(second, clients=2, total=40) as at_second:
        at_first.finish(240)  # both send the same mails: each comes in by two doors at about the same time
        at_second.finish(240)
    until(lambda: is_done(server), "all work is done", 240)
    assert at_first.taken == at_second.taken
    assert len(sink.letters) == 80
    assert len(handled(first) | handled(second)) == 40
    assert handled(first)
    assert handled(second)

    sink.slow("dot", 0.2, times=20)  # so that letters are under way
    with Senders(first, clients=4, start=41) as senders:
        senders.wait(10)
        first.kill9()
        first.doors = {}
    until(lambda: is_done_a_minute_later(server), "the other node has done it all", 240)
    senders.taken |= at_first.taken
    assert_nothing_lost_nothing_doubled(second, sink, senders)


def test_a_database_that_crashes_under_load_loses_and_doubles_nothing(
    server: Postgres, nodes: tuple[MaildProcess, MaildProcess], sink: SmtpSink
) -> None:
    first, second = nodes
    with Senders(first, clients=3) as senders:
        senders.wait(15)
        server.stop("immediate")
        taken = len(senders.taken)
        threading.Event().wait(1)  # both nodes run into it
        assert len(senders.taken) <= taken + 3, "nothing is taken that cannot be kept"
        server.start()
        senders.wait(10)
    until(lambda: is_done(server), "all work is done", 240)
    assert_nothing_lost_nothing_doubled(second, sink, senders)
    assert first.stop() == 0
    server.stop("immediate")
    second.stop(20)  # in time, although the database does not answer


@pytest.mark.soak
def test_fifty_kills_of_two_nodes_lose_and_double_nothing(
    server: Postgres, nodes: tuple[MaildProcess, MaildProcess], sink: SmtpSink, tell: Callable[[str], None]
) -> None:
    sink.mood = bad_mood(50)
    # A node is always up and takes mail: unhindered, more than the relay takes letters.
    with Senders(*nodes, clients=6, pause=1) as senders:
        took = kill_and_restart(nodes, senders, 50)
    tell(f"PostgreSQL: 50 kills, {len(senders.taken)} mails taken, dearest start {max(took):.1f} s of a core")
    no_more_tempers(sink)
    until(lambda: is_done_a_minute_later(server), "all work is done", 600)
    assert_nothing_lost_nothing_doubled(nodes[1], sink, senders, was_moody=True)
    tell(f"{len(sink.letters)} letters taken by the relay, some of them twice")


@pytest.mark.soak
def test_many_crashes_of_nodes_and_database_lose_and_double_nothing(
    server: Postgres, nodes: tuple[MaildProcess, MaildProcess], sink: SmtpSink
) -> None:
    first, second = nodes
    with Senders(second, clients=4) as senders:
        for number in range(12):
            senders.wait(20)
            if number % 3 == 2:
                server.stop("immediate")
                server.start()
            else:
                first.kill9()
                first.start()
    until(lambda: is_done_a_minute_later(server), "all work is done", 300)
    assert_nothing_lost_nothing_doubled(second, sink, senders)
