"""What systemd sees of maild: units without complaints, readiness and watchdog, sockets it hands over."""

import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.servers import ROOT, free_port, require, until
from tests.smtpsink import SmtpSink
from tests.system.trouble import accident_prone

pytestmark = pytest.mark.system

UNITS = sorted((ROOT / "systemd").iterdir())
QUESTION = b"From: ivan@firma.example\r\nSubject: Hello\r\nMessage-ID: <q@firma.example>\r\n\r\nWhere?\r\n"


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """The units as installed on this machine: only the program's own path is another."""
    require("systemd-analyze")
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/maild/bin/maild", sys.executable))
    return [str(tmp_path / unit.name) for unit in UNITS]


def test_systemd_has_no_complaint_about_the_units(units: list[str]) -> None:
    ran = subprocess.run(["systemd-analyze", "verify", *units], check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_the_service_is_exposed_to_little(units: list[str]) -> None:
    service = next(unit for unit in units if unit.endswith("maild.service"))
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20", service]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert "Overall exposure level" in ran.stdout


def test_every_socket_unit_hands_a_door_to_the_service() -> None:
    found = {}
    for unit in UNITS:
        if unit.suffix == ".socket":
            lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if line and line[0] not in "#[")
            found[lines["FileDescriptorName"]] = (lines["ListenStream"], lines["Service"])
    places = {"smtp": "25", "http": "80", "lmtp": "/run/maild-lmtp.sock"}
    assert found == {door: (place, "maild.service") for door, place in places.items()}


@pytest.fixture
def supervisor(folder: Path) -> Iterator[socket.socket]:
    """The far end of $NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(f"{folder}/notify")
        bound.settimeout(120)
        yield bound


def heard(supervisor: socket.socket, wanted: str) -> None:
    said: list[str] = []
    while wanted not in said:
        said += supervisor.recv(4096).decode().splitlines()


def test_readiness_watchdog_and_stop_are_told(start_maild: StartMaild, supervisor: socket.socket, folder: Path) -> None:
    environment = {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "200000"}
    desk = start_maild(environment=environment)
    heard(supervisor, "READY=1")
    heard(supervisor, "WATCHDOG=1")
    heard(supervisor, "WATCHDOG=1")
    assert desk.stop() == 0
    heard(supervisor, "STOPPING=1")


def test_a_loop_that_hangs_starves_the_watchdog(
    start_maild: StartMaild, supervisor: socket.socket, folder: Path
) -> None:
    environment = {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "400000", **accident_prone(folder)}
    desk = start_maild(environment=environment)
    heard(supervisor, "READY=1")
    heard(supervisor, "WATCHDOG=1")
    desk.signal(signal.SIGUSR2)
    moments = [time.monotonic()]
    while moments[-1] - moments[0] < 4:
        heard(supervisor, "WATCHDOG=1")
        moments.append(time.monotonic())
    assert max(later - earlier for earlier, later in pairwise(moments)) > 1.5
    assert desk.stop() == 0


def test_secrets_come_in_as_credentials(start_maild: StartMaild, sink: SmtpSink, folder: Path) -> None:
    credentials = folder / "credentials"
    credentials.mkdir()
    (credentials / "key").write_text("another secret that is long enough for a desk\n")
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    desk = start_maild(desk='secret_file = "$CREDENTIALS_DIRECTORY/key"', environment=environment)
    with closing(smtplib.SMTP("127.0.0.1", desk.port("smtp"), timeout=60)) as client:
        assert client.sendmail("ivan@firma.example", ["billing@desk.example"], QUESTION) == {}
    assert sink.wait("billing-team@office.example")
    assert desk.stop() == 0
    (credentials / "key").write_text("a secret that did not sign what is out there\n")
    refused = desk.cli("serve")
    assert refused.returncode == 78
    assert f"desk.secret_file: {credentials}/key is not the secret" in refused.stderr
    (credentials / "key").unlink()
    refused = desk.cli("serve")
    assert refused.returncode == 78
    assert f"{credentials}/key" in refused.stderr


def greeted(port: int) -> smtplib.SMTP:
    """A client that comes as soon as the port is bound, and waits for the greeting of a program not yet started."""

    def connect() -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", port), 1)
        except OSError:
            return None

    client = smtplib.SMTP(timeout=60)
    connected = until(connect, "the port is bound")
    assert connected is not None
    connected.settimeout(60)
    client.sock = connected
    assert client.getreply()[0] == 220
    return client


def activated_by(names: str, *ports: int) -> list[str]:
    """What starts a program with listening sockets as systemd does: at the first client, with a bare environment."""
    require("systemd-socket-activate")
    listens = [word for port in ports for word in ("--listen", f"127.0.0.1:{port}")]
    return ["systemd-socket-activate", *listens, f"--fdname={names}", "-EMAILD_CONFIG", "-EPYTHONPATH"]


def test_the_doors_that_systemd_bound_are_used_from_the_first_client_on(
    start_maild: StartMaild, sink: SmtpSink
) -> None:
    smtp, http = free_port(), free_port()
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(greeted, smtp)
        desk = start_maild(wrapper=activated_by("smtp:http", smtp, http))
        with closing(first.result()) as client:
            assert client.sendmail("ivan@firma.example", ["billing@desk.example"], QUESTION) == {}
    assert (desk.doors["smtp"], desk.doors["http"]) == (f"127.0.0.1:{smtp}", f"127.0.0.1:{http}")
    assert desk.doors["lmtp"].startswith("127.0.0.1:")  # as configured
    assert sink.wait("billing-team@office.example")
    page = HTTPConnection("127.0.0.1", http, timeout=60)
    page.request("GET", "/a/unknown", headers={"Host": f"127.0.0.1:{desk.http_port}"})
    assert page.getresponse().status == 404
    page.close()
    assert desk.stop() == 0


def test_a_socket_of_no_door_stops_the_start_and_says_so(start_maild: StartMaild, folder: Path) -> None:
    port = free_port()
    wrapper = activated_by("web", port)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(until, lambda: _knocked(port), "the port is bound")
        with pytest.raises(pytest.fail.Exception, match='systemd: a socket named "web"'):
            start_maild(wrapper=wrapper)
        assert first.result()


def _knocked(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_sockets_meant_for_another_process_are_left_alone() -> None:
    program = (
        "import os; from maild.systemd import activated_sockets;"
        " assert activated_sockets() == []; assert 'LISTEN_FDS' not in os.environ"
    )
    environment = {**os.environ, "LISTEN_PID": "1", "LISTEN_FDS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
