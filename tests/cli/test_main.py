"""The program as a whole: quick help, one --config everywhere, words and exit statuses instead of tracebacks."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from maild import __version__
from maild.cli import exits
from maild.cli.main import main
from maild.core.errors import ConfigError, NotAllowed, StoreBusy, UnknownRecipient
from tests.cli.conftest import QUESTION, MakeTrial, Trial, run_here
from tests.servers import MAILD, ROOT

HEAVY = {"aiosmtpd", "aiosmtplib", "asyncio", "jinja2", "lxml", "mailparser", "peewee", "pydantic", "rich", "starlette"}
MODULE = [sys.executable, "-m", "maild"]


def program(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODULE, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def commands(group: click.Group = main, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from maild.cli.main import main\n"
        "try: main(['--help'])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=240, cwd=ROOT
    )
    assert "explain" in ran.stdout
    assert HEAVY & set(ran.stderr.split()) == set()


def test_every_command_has_help_and_takes_a_configuration() -> None:
    found = dict(commands())
    assert {("serve",), ("demo",), ("templates", "preview"), ("hold", "release"), ("ticket", "reopen")} <= found.keys()
    for name, command in found.items():
        shown = run_here(*name, "--help")
        assert shown.returncode == 0
        assert "--config FILE" in shown.stdout, name
        assert command.get_short_help_str(), name


def test_the_configuration_is_taken_before_and_after_the_command(trial: Trial, tmp_path: Path) -> None:
    trial.put(QUESTION)
    good, bad = str(trial.config), str(tmp_path / "none.toml")
    for arguments in (
        ("--config", good, "ticket", "list"),
        ("ticket", "--config", good, "list"),
        ("ticket", "list", "--config", good),
        ("--config", bad, "ticket", "list", "--config", good),
    ):
        ran = run_here(*arguments, "--json", config=bad)
        assert (ran.returncode, ran.stdout.count("\n")) == (0, 1), ran.stderr
    assert run_here("ticket", "list", config=good).returncode == 0
    assert run_here("ticket", "list", config=bad).stderr == f"maild: {bad}: No such file or directory\n"


def test_the_program_says_its_version_and_runs_as_a_module() -> None:
    ran = program("--version")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"maild {__version__}\n", "")


def test_all_problems_of_a_configuration_are_told(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[desk]\nname = ""\ncolour = "red"\n')
    ran = program("mail", "list", "--config", config)
    assert (ran.returncode, ran.stdout) == (78, "")
    lines = ran.stderr.splitlines()
    assert len(lines) > 2
    assert all(line.startswith(f"maild: {config}: ") for line in lines)


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("ticket", "show"), ("ticket", "show", "x"), ("mail", "--x")])
def test_wrong_usage_ends_with_64(arguments: tuple[str, ...]) -> None:
    ran = run_here(*arguments)
    assert (ran.returncode, ran.stdout) == (64, "")
    assert "Usage: maild" in ran.stderr


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ConfigError(["a: b", "c: d"]), 78, "maild: a: b\nmaild: c: d\n"),
        (NotAllowed("ticket 1 is closed"), 77, "maild: ticket 1 is closed\n"),
        (UnknownRecipient("no such address"), 65, "maild: no such address\n"),
        (exits.NotThere("there is no mail 1"), 65, "maild: there is no mail 1\n"),
        (exits.InTheWay("x exists already"), 73, "maild: x exists already\n"),
        (StoreBusy("the database is not available"), 75, "maild: the database is not available\n"),
        (FileNotFoundError(2, "No such file or directory", "x"), 66, "maild: x: No such file or directory\n"),
        (PermissionError(13, "Permission denied", "x"), 77, "maild: x: Permission denied\n"),
        (OSError(28, "No space left on device"), 74, "maild: No space left on device\n"),
        (click.Abort(), 130, "maild: interrupted\n"),
        (KeyError("x"), 70, "maild: a bug: KeyError (MAILD_DEBUG=1 shows where)\n"),
        (ExceptionGroup("all", [StoreBusy("the database is closed")]), 75, "maild: the database is closed\n"),
    ],
)
def test_errors_have_words_and_a_status(
    error: Exception, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits.exit_status(error) == status
    assert capsys.readouterr() == ("", words)


def test_a_traceback_is_for_those_who_ask(trial: Trial, tmp_path: Path) -> None:
    quiet, loud = (
        program("ticket", "show", 9, "--config", trial.config, **debug) for debug in ({}, {"MAILD_DEBUG": "1"})
    )
    assert (quiet.returncode, quiet.stderr) == (65, "maild: there is no ticket 9\n")
    assert loud.returncode == 65
    assert loud.stderr.startswith("Traceback")
    assert loud.stderr.endswith(quiet.stderr)


def test_a_reader_who_goes_away_is_no_error_message(corpus: Path) -> None:
    files = " ".join(f"'{file}'" for file in corpus.rglob("*.eml"))
    pipe = f"{sys.executable} -m maild explain --json {files} | head -n 1"
    ran = subprocess.run(["/bin/sh", "-c", pipe], check=False, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (ran.stdout.count("\n"), ran.stderr) == (1, "")


@pytest.mark.system
def test_another_process_that_keeps_the_database_makes_it_busy(trial: Trial) -> None:
    trial.put(QUESTION)
    with trial.desk() as desk:
        ran = desk.store.run_now(lambda _: program("ticket", "solve", 1, "--config", trial.config))
    assert (ran.returncode, ran.stdout) == (75, "")
    assert ran.stderr.splitlines() == ["commit failed: database is locked", "maild: the database is not available"]


@pytest.mark.system
def test_who_only_looks_does_not_wait_for_whoever_keeps_the_database(trial: Trial) -> None:
    trial.put(QUESTION)
    with trial.desk() as desk:
        ran = desk.store.run_now(lambda _: program("ticket", "list", "--json", "--config", trial.config))
    assert (ran.returncode, ran.stdout.count('"number": 1'), ran.stderr) == (0, 1, "")


def test_a_command_can_be_interrupted(trial: Trial) -> None:
    command = [*MAILD, "ticket", "reply", "1", "--config", str(trial.config)]
    trial.put(QUESTION)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        _wait_until_it_reads(running)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=240)
    assert (running.returncode, said.strip()) == (130, b"maild: interrupted")


def _wait_until_it_reads(running: "subprocess.Popen[bytes]") -> None:
    """/proc tells when it waits in a pipe read."""
    end = time.monotonic() + 120
    while not re.search("pipe", Path(f"/proc/{running.pid}/wchan").read_text()) and time.monotonic() < end:
        time.sleep(0.01)


def test_changes_reach_the_list_at_once(make_trial: MakeTrial) -> None:
    trial = make_trial()
    trial.put(QUESTION)
    with trial.desk() as desk:  # as a daemon that has the file open
        assert program("ticket", "solve", 1, "--config", trial.config).stdout == "ticket 1: solved\n"
        assert desk.store.read_now(lambda tx: tx.one("SELECT status FROM tickets")) == ("solved",)
