"""What goes wrong around a running desk: a file that cannot grow, a thread that dies, a loop that hangs."""

import json
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import ROOT, MaildProcess
from tests.system.browser import ask

_ACCIDENTS = '''\
import ctypes, signal, threading

class Accident(BaseException):
    """Not of the kind that belongs to a single transaction."""

def kill_the_writer(*_):
    for thread in threading.enumerate():
        if thread.name == "store-writer":  # raised in it as soon as it does something
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Accident))

def hang(*_):
    threading.Event().wait(2)

signal.signal(signal.SIGUSR1, kill_the_writer)
signal.signal(signal.SIGUSR2, hang)
'''


def accident_prone(folder: Path) -> Mapping[str, str]:
    """An environment in which SIGUSR1 kills the thread that writes the database, and SIGUSR2 stops the loop for 2 s."""
    site = folder / "accidents"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_ACCIDENTS)
    return {"PYTHONPATH": f"{site}:{ROOT}"}


@contextmanager
def files_that_cannot_grow(desk: MaildProcess) -> Iterator[None]:
    """Every write of the program beyond the first page of a file fails meanwhile, as on a disk with errors."""
    before = resource.prlimit(desk.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, before)


def health(desk: MaildProcess) -> tuple[int, dict[str, Any]]:
    """What the machines' page says: the HTTP status and the page."""
    page = ask("GET", f"http://{desk.doors['ops']}/health")
    return page.status, json.loads(page.body)


def metric(desk: MaildProcess, name: str) -> float:
    """One number of the metrics page, by its name with labels."""
    page = ask("GET", f"http://{desk.doors['ops']}/metrics")
    return next(float(line.rpartition(" ")[2]) for line in page.body.splitlines() if line.rpartition(" ")[0] == name)
