"""Starts and stops the programs that are measured, and asks the system what they cost."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.mails import DOMAIN, HOST, TO
from maild.store.db import migrate_store
from tests.servers import Postgres, server_directory

ROOT = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
_CONFIG = """\
[desk]
name = "Кактус"
language = "ru"
timezone = "Europe/Moscow"
public_url = "http://127.0.0.1:8080"
state_dir = "."
secret_file = "secret"
{store}[smtp]
listen = "127.0.0.1:0"
hostname = "{host}"
trusted_peers = ["127.0.0.1"]
[trust]
authserv_id = "{host}"
[http]
listen = []
[ops]
listen = "127.0.0.1:0"
[outbound]
relay = "smtp://127.0.0.1:{relay}"
[budgets]
per_hour = 1000000000
[[category]]
key = "billing"
title = {{ ru = "Счета и оплата", en = "Billing" }}
address = "{to}"
team = ["support@team.{domain}"]
"""


def configure(folder: Path, relay: int, store: str = "") -> Path:
    """A desk in that directory, its letters going to a relay on that port; the configuration file.

    `store` is the URL of its database, if that is not a file in the directory.
    """
    (folder / "secret").write_text("a secret for measurements, long enough")
    path = folder / "config.toml"
    table = f'[store]\nurl = "{store}"\n' if store else ""
    path.write_text(_CONFIG.format(host=HOST, domain=DOMAIN, to=TO, relay=relay, store=table))
    return path


def module(name: str, *arguments: object) -> list[str]:
    """The command line of one of our modules."""
    return [sys.executable, "-m", name, *map(str, arguments)]


@dataclass(frozen=True, slots=True)
class Running:
    """A program under measurement."""

    process: "subprocess.Popen[str]"
    port: int
    ops: int = 0

    def cpu(self) -> float:
        """Seconds of CPU so far, in the program and for it in the kernel."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> float:
        """MiB in memory now."""
        return self._status("VmRSS")

    def peak_memory(self) -> float:
        """The most MiB it ever had in memory."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

    def drain(self, seconds: float = 120) -> None:
        """Wait until every mail is understood and every letter handed over. Raises TimeoutError if it takes longer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            health = self._health()
            if not health["mails"]["spooled"] and not health["outbox"]["queued"]:
                return
            time.sleep(0.05)
        raise TimeoutError(f"maild is not done: {health}")

    def _health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ops}/health", timeout=30) as answer:
            return dict(json.load(answer))


@contextmanager
def _program(command: list[str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def _first_line(process: "subprocess.Popen[str]") -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError(f"{process.args!r} did not start")
    return line


# What `maild serve` runs on comes last.
LOOPS = ("asyncio", "uvloop") if find_spec("uvloop") else ("asyncio",)


@contextmanager
def null_server(loop: str = LOOPS[-1]) -> Iterator[Running]:
    """Stock aiosmtpd with a handler that does nothing, on that event loop."""
    with _program(module("bench.null_server", loop)) as process:
        yield Running(process, int(_first_line(process)))


@contextmanager
def door(folder: Path, store: str = "") -> Iterator[Running]:
    """maild's SMTP door alone, on an empty database in that directory, or the one of that URL."""
    with _program(module("bench.door", configure(folder, 25, store))) as process:
        yield Running(process, int(_first_line(process)))


@contextmanager
def postgres() -> Iterator[str | None]:
    """The URL of a database that is ready, on a PostgreSQL of its own with fsync on a real disk; None without one."""
    if os.geteuid() != 0 or not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        yield None
        return
    with server_directory("postgres") as folder:
        shutil.chown(folder, "postgres")
        server = Postgres(folder)
        server.start()
        try:
            url = server.create()
            migrate_store(url)
            yield url
        finally:
            server.stop("immediate")


@contextmanager
def maild(folder: Path, relay: int) -> Iterator[Running]:
    """`maild serve`, the real program, on an empty database in that directory."""
    with _program(module("maild", "serve", "--config", configure(folder, relay))) as process:
        doors = dict(word.split("=") for word in _first_line(process).split()[2:])
        yield Running(process, *(int(doors[door].rpartition(":")[2]) for door in ("smtp", "ops")))


def send(server: Running, kind: str, first: int, count: int, connections: int = 10) -> float:
    """Let the client send so many mails; the seconds it took until the last was accepted."""
    command = module("bench.client", server.port, kind, first, count, connections)
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(json.loads(ended.stdout)["seconds"])
