"""What all tests share: the corpus, a scripted relay, and the real program."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from maild.store.db import migrate_store
from tests.servers import ROOT, Clock, MaildProcess, Postgres, postgres, require, server_directory
from tests.smtpsink import SmtpSink

settings.register_profile("maild", deadline=None, derandomize=True)  # the machine may be busy; CI must be repeatable
settings.load_profile("maild")

# Whoever starts this in the background lets it ignore Ctrl-C: all programs of the tests would do so, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Also without make: programs are started hundreds of times, and each would compile all of maild anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

StartMaild = Callable[..., MaildProcess]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The numbers of the long tests, whichever process ran them."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for line in (value for name, value in report.user_properties if name == "told" and report.when == "call"):
            terminalreporter.write_line(str(line))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say a line at the end of the run."""
    return lambda line: record_property("told", line)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The directory of collected mails: $MAILD_CORPUS, else shared/corpus beside the checkout."""
    folder = Path(os.environ.get("MAILD_CORPUS") or ROOT.parent / "shared/corpus")
    require("the mail corpus (MAILD_CORPUS)", folder.is_dir())
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL for all tests, with an empty database of this release's schema: `maild_template`."""
    with postgres() as server:
        server.sql("CREATE DATABASE maild_template")
        migrate_store(server.url("maild_template"))
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of an empty database of this release's schema, gone after the test."""
    url = postgres_server.create("maild_template")
    yield url
    postgres_server.drop(url)


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A relay that takes every letter until told otherwise."""
    with SmtpSink() as relay:
        yield relay


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a path short enough for unix sockets."""
    with server_directory("test") as directory:
        yield directory


@pytest.fixture
def clock(folder: Path) -> Clock:
    """Time travel: give it to `start_maild(clock=clock)`."""
    return Clock(folder)


@pytest.fixture
def start_maild(folder: Path, sink: SmtpSink) -> Iterator[StartMaild]:
    """Start the real program with the scripted relay; takes what MaildProcess takes, stops it after the test."""
    with ExitStack() as stack:

        def start(**options: Any) -> MaildProcess:
            options = {"relay": sink.url, **options}
            return stack.enter_context(MaildProcess(folder, **options))

        yield start
