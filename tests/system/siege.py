"""Clients that come in crowds to keep a door busy: silent, half polite, or a mail of one octet at a time."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import MaildProcess
from tests.system.people import BILLING, IVAN

_PER_ADDRESS = 20
_SCRIPTS = {
    "silent": b"",
    "greets": b"EHLO client.example\r\n",
    "half a command": b"EHLO client.example\r\nMAIL FR",
    "never sends": f"EHLO x\r\nMAIL FROM:<{IVAN}>\r\nRCPT TO:<{BILLING}>\r\n".encode(),
    "drips": f"EHLO x\r\nMAIL FROM:<{IVAN}>\r\nRCPT TO:<{BILLING}>\r\nDATA\r\nSubject: ".encode(),
}


@contextmanager
def siege(desk: MaildProcess, clients: int, kinds: list[str]) -> Iterator[None]:
    """So many clients at once, as far as they are let in, from many addresses; those that drip go on doing so."""
    stop, in_place = threading.Event(), threading.Event()
    besiegers = [_connected(desk, number) for number in range(clients)]
    scripts = [_SCRIPTS[kind] for kind in kinds]
    dripping = threading.Thread(target=_keep_on, args=(besiegers, scripts, stop, in_place))
    dripping.start()
    try:
        assert in_place.wait(120), "not everybody has said his words"
        yield
    finally:
        stop.set()
        dripping.join()
        for each in besiegers:
            each.close()


def _connected(desk: MaildProcess, number: int) -> socket.socket:
    """A client on loopback: all of 127.0.0.0/8 is this machine."""
    group = number // _PER_ADDRESS
    address = (f"127.1.{group // 250}.{group % 250 + 1}", 0)
    return socket.create_connection(("127.0.0.1", desk.port("smtp")), 60, source_address=address)


def _keep_on(
    besiegers: list[socket.socket], scripts: list[bytes], stop: threading.Event, in_place: threading.Event
) -> None:
    """Each waits for a word of the server's and answers with its next line, then with an octet now and then."""
    lines = {each: scripts[index % len(scripts)].splitlines(keepends=True) for index, each in enumerate(besiegers)}
    watch = selectors.DefaultSelector()
    for each in besiegers:
        each.setblocking(False)
        watch.register(each, selectors.EVENT_READ)
    while not stop.is_set():
        for key, _ in watch.select(0.2):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            if not _heard(client):
                watch.unregister(client)
                lines.pop(client)
            elif lines[client]:
                _say(client, lines[client].pop(0))
        if not any(lines.values()):
            in_place.set()
        for client, left in lines.items():
            if not left:
                _say(client, b"x")
    watch.close()


def _heard(client: socket.socket) -> bool:
    try:
        return bool(client.recv(4096))
    except BlockingIOError:
        return True
    except OSError:
        return False


def _say(client: socket.socket, octets: bytes) -> None:
    try:
        client.send(octets)
    except OSError:
        pass  # the server has hung up; the next read says so


def peak_memory(desk: MaildProcess) -> float:
    """The most MiB the program ever had in memory."""
    lines = Path(f"/proc/{desk.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
