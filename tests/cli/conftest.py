"""A desk in a directory of its own whose letters stay on this machine, and its command line.

Commands run inside this process, for a start of Python takes longer than all they do; test_main.py starts the program.
"""

import asyncio
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from maild.cli.main import main
from maild.config import load
from maild.core.mail import Door, Envelope
from maild.desk.accept import accept
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.wiring import build_desk
from tests.factory import put_database
from tests.servers import MaildProcess

RECEIVED = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
REST = """
[[category]]
key = "billing"
title = {ru = "Счета", en = "Billing"}
address = "billing@desk.example"
team = ["billing-team@office.example"]
[[category.topic]]
key = "refund"
title = "Refund"
[[agent]]
address = "anna@office.example"
[trust]
authserv_id = "mx.desk.example"
"""
QUESTION = """\
Authentication-Results: mx.desk.example; dmarc=pass header.from=firma.example
From: =?utf-8?B?0JjQstCw0L0=?= <Ivan@firma.example>
To: billing@desk.example
Subject: =?utf-8?B?0KHRh9GR0YI=?=
Date: Mon, 23 Nov 2026 14:04:00 +0300
Message-ID: <q1@firma.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Где мой счёт?
--b
Content-Type: application/pdf; name=invoice.pdf
Content-Disposition: attachment; filename=invoice.pdf

four
--b--
""".replace("\n", "\r\n").encode()


def run_here(*arguments: str, stdin: str | bytes = "", config: str = "") -> subprocess.CompletedProcess[str]:
    """What the program would do with these arguments."""
    ran = CliRunner().invoke(main, arguments, input=stdin, env={"MAILD_CONFIG": config}, catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, ran.exit_code, ran.stdout, ran.stderr)


class Trial(MaildProcess):
    """The command line without a daemon, and a way for mail into the ledger."""

    def cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command; look at the exit status yourself."""
        return run_here(*arguments, stdin=stdin, config=str(self.config))

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """The same database, opened here."""
        put_database(self.folder)
        desk = build_desk(load(self.config))
        try:
            yield desk
        finally:
            desk.store.close()

    def put(self, raw: bytes, *, to: str = "billing@desk.example", is_understood: bool = True) -> int:
        """A mail from the trusted peer; its id in the ledger."""
        envelope = Envelope("ivan@firma.example", (to,), Door.SMTP, "127.0.0.1", True, "", RECEIVED)
        with self.desk() as desk:
            return asyncio.run(_put(desk, raw, envelope, is_understood))

    def said(self, *arguments: str, stdin: str = "") -> str:
        """What a command prints, which must succeed."""
        ran = self.cli(*arguments, stdin=stdin)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    def refused(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Exit status and complaint of a command that must fail without a traceback."""
        ran = self.cli(*arguments, stdin=stdin)
        assert ran.stdout == ""
        assert "Traceback" not in ran.stderr
        return ran.returncode, ran.stderr


async def _put(desk: Desk, raw: bytes, envelope: Envelope, is_understood: bool) -> int:
    mail = await accept(desk, raw, envelope)
    if is_understood:
        assert await receive_waiting(desk) == 1
    return mail


MakeTrial = Callable[..., Trial]


@pytest.fixture
def make_trial(tmp_path: Path) -> MakeTrial:
    """Takes what MaildProcess takes."""

    def make(**options: str) -> Trial:
        given = {"relay": f"maildir:{tmp_path}/letters", "rest": REST, **options}
        return Trial(tmp_path, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def trial(make_trial: MakeTrial) -> Trial:
    return make_trial()
