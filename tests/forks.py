"""maild as processes forked from one that has it loaded: to load it takes longer than most of them live.

Not threads of the test's own process: a daemon that is killed while somebody else in here reads its database would be
no crash like in real life.
"""

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from click.testing import CliRunner

from maild.cli.main import main

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.loaded"])
_PATIENCE = 240.0  # seconds


class Forked:
    """The program with these arguments, in a session of its own; as far as tests go, like subprocess.Popen."""

    def __init__(self, arguments: Sequence[str], out: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.args = ("maild", *arguments)
        given = {**os.environ, **environment}
        self._process = _FORKS.Process(target=_run, args=(list(arguments), out, log, given), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit status, the negative number of a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit status. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without a word."""
        self.send_signal(signal.SIGKILL)


def _run(arguments: list[str], out: Path, log: Path, environment: dict[str, str]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, log)):
        opened = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    main(arguments)


def run_forked(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    """A command in that directory, to its end."""
    receiver, sender = _FORKS.Pipe(duplex=False)
    given = {**os.environ, **environment}
    process = _FORKS.Process(target=_look, args=(list(arguments), given, folder, stdin, sender), daemon=True)
    process.start()
    sender.close()
    try:
        assert receiver.poll(_PATIENCE), f"{arguments} did not end"
        status, out, log = receiver.recv()
    finally:
        process.kill()
        process.join()
        receiver.close()
    return subprocess.CompletedProcess(arguments, status, out, log)


def _look(arguments: list[str], environment: dict[str, str], folder: Path, stdin: str, answer: Connection) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    ran = CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)
    answer.send((ran.exit_code, ran.stdout, ran.stderr))
