"""Real servers for tests, each in a directory of its own: Postfix, PostgreSQL and maild itself."""

import importlib.util
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self, TypeVar
from urllib.parse import urlsplit

import pytest

from tests.forks import Forked, run_forked

ROOT = Path(__file__).parents[1]
SECRET = "a secret for tests that is long enough"
_PORTS = random.SystemRandom()
MAILD = [sys.executable, "-c", "import sys; from maild.cli.main import main; sys.exit(main())"]


def require(name: str, found: object = None) -> None:
    """Go on only if a program (or whatever `found` says of it) is there: else skip, or fail where MAILD_REQUIRE=all."""
    if found is None:
        found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found:
        return
    if os.environ.get("MAILD_REQUIRE") == "all":
        pytest.fail(f"{name} is required here", pytrace=False)
    pytest.skip(f"{name} is not installed")


def free_port() -> int:
    """A loopback port nobody listens on, and which the system gives to nobody who has not asked for it (ip(7)).

    One that it had chosen itself might be the near end of somebody's connection before our server has bound it.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = _PORTS.randrange(lowest // 3, lowest)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


T = TypeVar("T")


def until(ask: Callable[[], T], what: str, seconds: float = 120) -> T:
    """The first true answer, asked again and again; fails with `what` when there is none in time.

    The longer it takes the less often it is asked: to ask may cost as much as what is waited for.
    """
    start = time.monotonic()
    while True:
        answer = ask()
        if answer:
            return answer
        waited = time.monotonic() - start
        if waited > seconds:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(min(max(waited / 16, 0.01), 0.2))


def says(port: int, banner: bytes) -> bool:
    """Does a server on that loopback port greet with these bytes? A port may listen before its server speaks."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as client:
            client.settimeout(2)
            return client.recv(200).startswith(banner)
    except OSError:
        return False


@contextmanager
def server_directory(name: str, parent: Path = Path("/tmp")) -> Iterator[Path]:
    """A directory with a short path (unix(7) sockets: 107 bytes) that other users may enter; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"maild-{name}-", dir=parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_POSTFIX_MAIN = {
    "compatibility_level": "3.6",
    "multi_instance_enable": "no",
    "myhostname": "mx.t.invalid",
    "mydestination": "",
    "mynetworks": "127.0.0.0/8",
    "inet_interfaces": "loopback-only",
    "inet_protocols": "ipv4",
    "alias_maps": "",
    "alias_database": "",
    "local_recipient_maps": "",
    "local_transport": "error:5.1.1 no local mail",
    "append_dot_mydomain": "no",
    "smtputf8_enable": "yes",
    "smtpd_peername_lookup": "no",
    "smtp_dns_support_level": "disabled",
    "smtp_host_lookup": "native",
    "disable_dns_lookups": "yes",
    "minimal_backoff_time": "2s",
    "maximal_backoff_time": "5s",
    "queue_run_delay": "2s",
    "message_size_limit": "52428800",
    "maximal_queue_lifetime": "1h",
}
_POSTFIX_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A Postfix of its own. `transports` maps a domain (or `*`) to `lmtp:inet:127.0.0.1:24` and the like."""

    def __init__(self, folder: Path, transports: Mapping[str, str], main: Mapping[str, str] | None = None) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("etc", "queue", "data"):
            (folder / name).mkdir()
        user = pwd.getpwnam("postfix")
        os.chown(folder / "data", user.pw_uid, user.pw_gid)
        table = folder / "etc/transport"
        table.write_text("".join(f"{domain} {nexthop}\n" for domain, nexthop in transports.items()))
        settings = {
            **_POSTFIX_MAIN,
            "config_directory": f"{folder}/etc",
            "queue_directory": f"{folder}/queue",
            "data_directory": f"{folder}/data",
            "maillog_file": f"{folder}/mail.log",
            "maillog_file_prefixes": str(folder),
            "transport_maps": f"texthash:{table}",
            "relay_domains": ", ".join(domain for domain in transports if domain != "*"),
            **(main or {}),
        }
        (folder / "etc/main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        (folder / "etc/master.cf").write_text(_POSTFIX_MASTER.format(port=self.port))

    def start(self) -> None:
        """Start it and wait for its greeting."""
        with (self.folder / "start.log").open("ab") as log:
            command = ["/usr/sbin/postfix", "-c", f"{self.folder}/etc", "start-fg"]
            self._process = _spawn(command, log, log)
        until(lambda: says(self.port, b"220"), "Postfix greets")

    def stop(self) -> None:
        """Stop it with everything it started."""
        if self._process is not None:
            subprocess.run(["/usr/sbin/postfix", "-c", f"{self.folder}/etc", "stop"], check=False, capture_output=True)
            _end(self._process, 60)

    def log(self) -> str:
        """Its mail log."""
        path = self.folder / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def postfix(transports: Mapping[str, str], main: Mapping[str, str] | None = None) -> Iterator[Postfix]:
    """A running Postfix for a `with`."""
    require("postfix")
    require("root (Postfix changes users)", os.geteuid() == 0)
    with server_directory("postfix") as folder:
        server = Postfix(folder, transports, main)
        try:
            server.start()
            yield server
        finally:
            server.stop()


_POSTGRES_BIN = Path("/usr/lib/postgresql")


class Postgres:
    """A PostgreSQL of its own on a unix socket, with one database for each `create()`.

    Its files are in memory where that is possible: fsync stays on, as maild demands, and costs nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._bin = next(iter(sorted(_POSTGRES_BIN.glob("*/bin"), reverse=True)), Path())
        self._data, self._log, self._socket = folder / "data", folder / "log", folder
        self._made = 0
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-c listen_addresses='' -k {self._socket} -c max_connections=60 -c shared_buffers=32MB"
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._log), "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is a crash: the next start has to recover."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def is_running(self) -> bool:
        """Has it been started and not stopped?"""
        return (self._data / "postmaster.pid").exists()

    def url(self, database: str) -> str:
        """Where that database is."""
        return f"postgresql:///{database}?host={self._socket}&user=postgres"

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """What psql answers, without decoration."""
        arguments = ["-h", str(self._socket), "-U", "postgres", "-d", database, "-XAtq", "-v", "ON_ERROR_STOP=1"]
        return self._run("psql", *arguments, *(part for each in statements for part in ("-c", each))).strip()

    def create(self, template: str = "template1") -> str:
        """The URL of a new database, a copy of that one."""
        self._made += 1
        name = f"maild_{self._made}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove what `create` made, whoever is connected."""
        self.sql(f"DROP DATABASE {self.name(url)} WITH (FORCE)")

    @staticmethod
    def name(url: str) -> str:
        """The name of the database at that URL."""
        return urlsplit(url).path.strip("/")

    def _run(self, program: str, *arguments: str) -> str:
        ran = subprocess.run(
            [*_as_postgres(), str(self._bin / program), *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE
            if program == "psql"
            else subprocess.DEVNULL,  # pg_ctl's child would keep a pipe open
            stderr=subprocess.PIPE if program in ("psql", "initdb") else subprocess.DEVNULL,
            text=True,
            cwd="/",
        )
        assert ran.returncode == 0, f"{program}: {ran.stderr or (self._log.read_text() if self._log.exists() else '')}"
        return ran.stdout or ""


def _as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL for a `with`."""
    require("postgresql", next(_POSTGRES_BIN.glob("*/bin/initdb"), False))
    require("psycopg", importlib.util.find_spec("psycopg") is not None)
    memory = Path("/dev/shm")
    with server_directory("postgres", memory if os.access(memory, os.W_OK) else Path("/tmp")) as folder:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        server = Postgres(folder)
        try:
            server.start()
            yield server
        finally:
            if server.is_running():
                server.stop("immediate")


_SLEEP_UNDER_FAKETIME = """\
# libfaketime 0.9.10 makes time.sleep() of Python 3.11 raise EINVAL (it waits for an absolute monotonic time).
import threading, time
time.sleep = lambda seconds: threading.Event().wait(seconds) and None
"""


class Clock:
    """Time travel for programs started with its environment; monotonic clocks go on as they are."""

    def __init__(self, folder: Path) -> None:
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
        require("libfaketime", library)
        self._offset = folder / "faketime"
        self.travel("+0")
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_SLEEP_UNDER_FAKETIME)
        self.environment = {
            "LD_PRELOAD": str(library),
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "NO_FAKE_STAT": "1",  # with other times of files Python would compile everything at each start
            "PYTHONPATH": f"{site}:{ROOT}",
        }

    def travel(self, offset: str) -> None:
        """Set the clock to so much from now: `+49h`, `+10m`, `+0`. Running programs see it at once."""
        fresh = self._offset.with_suffix(".new")
        fresh.write_text(f"{offset}\n")
        fresh.replace(self._offset)  # nobody reads half a line


_CONFIG = """\
[desk]
name = "Кактус"
language = "ru"
timezone = "Europe/Moscow"
public_url = "http://127.0.0.1:{http}"
state_dir = "."
{desk}
[smtp]
listen = ["127.0.0.1:0"]
hostname = "desk.example"
{smtp}
[lmtp]
listen = ["127.0.0.1:0"]
[http]
listen = ["127.0.0.1:{http}"]
[ops]
listen = ["127.0.0.1:0"]
[outbound]
relay = "{relay}"
{outbound}
"""
_CATEGORIES = """\
[[category]]
key = "billing"
title = {ru = "Счета", en = "Billing"}
address = "billing@desk.example"
team = ["billing-team@office.example"]
[[category]]
key = "tech"
title = {ru = "Техника", en = "Technical"}
address = "tech@desk.example"
team = ["tech-team@office.example"]
"""


class MaildProcess:
    """The real `maild serve` in a directory of its own, and the CLI beside it.

    `desk`, `smtp` and `outbound` are lines for those tables, `rest` replaces the two categories and may add tables.
    `wrapper` is a program that starts it (with its arguments), `environment` is added to what it sees. Without a clock,
    a wrapper or an environment of its own it is forked from a process that has it loaded, unless `is_fresh`.
    `doors` says where it listens after `start()`: {"smtp": "127.0.0.1:40123", "lmtp": …, "http": …, "ops": …}.
    """

    def __init__(
        self,
        folder: Path,
        relay: str,
        *,
        desk: str = "",
        smtp: str = "",
        outbound: str = "",
        rest: str = _CATEGORIES,
        clock: Clock | None = None,
        wrapper: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        is_fresh: bool = False,
    ) -> None:
        self.folder, self.config = folder, folder / "config.toml"
        self.doors: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self.http_port = free_port()
        head = _CONFIG.format(http=self.http_port, relay=relay, desk=desk, smtp=smtp, outbound=outbound)
        self.config.write_text(head + rest)
        (folder / "secret").write_text(SECRET)
        self._environment = {"PYTHONPATH": str(ROOT), **(clock.environment if clock else {})}
        self._environment |= {"MAILD_CONFIG": str(self.config), **(environment or {})}
        self._wrapper = wrapper
        self._is_forked = not (clock or wrapper or environment or is_fresh)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start it."""
        with (self.folder / "stdout.log").open("wb") as out, (self.folder / "stderr.log").open("ab") as log:
            if self._is_forked:
                self._process = Forked(["serve"], Path(out.name), Path(log.name), self._environment)
            else:
                self._process = _spawn([*self._wrapper, *MAILD, "serve"], out, log, self._environment)

    def wait_ready(self) -> None:
        """Wait until it says that it is ready, and where it listens."""
        said = self.folder / "stdout.log"
        try:
            line = until(lambda: self._ready_line(said), "maild ready")
        except BaseException:
            self.kill9()
            raise
        self.doors = dict(each.split("=", 1) for each in line.split()[2:])

    def _ready_line(self, said: Path) -> str:
        if self._process is None or self._process.poll() is not None:
            pytest.fail(f"maild serve ended: {self.log()[-4000:]}")
        return next((line for line in said.read_text().splitlines() if line.startswith("maild ready ")), "")

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def port(self, door: str) -> int:
        """The first port of a door."""
        return int(self.doors[door].split(",")[0].rpartition(":")[2])

    @property
    def url(self) -> str:
        """Where its pages are, without a final slash."""
        return f"http://127.0.0.1:{self.http_port}"

    def cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command; look at the exit status yourself."""
        if self._is_forked:
            return run_forked(arguments, self._environment, self.folder, stdin)
        return subprocess.run(
            [*MAILD, *arguments],
            check=False,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=120,
            cwd=self.folder,
            env={**os.environ, **self._environment},
        )

    def json(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command that only looks prints with --json, which must succeed; real time, whatever the clock."""
        ran = run_forked([*arguments, "--json", "--config", str(self.config)], {}, self.folder)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [json.loads(line) for line in ran.stdout.split("\n") if line]

    def log(self) -> str:
        """Everything it has logged."""
        return (self.folder / "stderr.log").read_text(errors="replace")

    def stop(self, seconds: float = 60) -> int:
        """Ask it to end and give the exit status; fails when it takes longer. Nothing to do: 0."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        status, self._process = _end(self._process, seconds), None
        return status

    def wait(self, seconds: float) -> int:
        """Wait for it to end by itself; the exit status."""
        assert self._process is not None, "not started"
        status, self._process = self._process.wait(seconds), None
        return status

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None, "not started"
        self._process.send_signal(number)

    def kill9(self) -> None:
        """End it without a word, as a power cut would."""
        assert self._process is not None, "not started"
        self._process.kill()
        self._process.wait()
        self._process = None


def _spawn(
    command: list[str], out: IO[bytes], log: IO[bytes], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=log,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )


def _end(process: "subprocess.Popen[bytes] | Forked", seconds: float) -> int:
    """Wait for a process that was asked to end; one that does not is killed with its group, and the test fails."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        pytest.fail(f"{process.args!r} did not end within {seconds} s")
