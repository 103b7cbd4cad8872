"""`maild demo` as people and programs start it."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import ROOT
from tests.system.browser import ask

pytestmark = pytest.mark.system

DEMO = [sys.executable, "-m", "maild", "demo"]
STATUSES = ["new", "pending", "open", "solved", "solved", "open", "solved", "closed", "new"]
_STATUS = re.compile(r"\[#(\d+)\] (\w+) «[^»]+»")
_URL = re.compile(r"https?://[^\s\x1b\"'<>]+")


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}


def test_the_demo_plays_to_the_end_without_a_terminal(folder: Path) -> None:
    ran = subprocess.run(
        DEMO,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
        env=environment(folder),
    )
    assert ran.returncode == 0, ran.stderr
    assert [status for _, status in _STATUS.findall(ran.stdout)] == STATUSES
    assert [number for number, _ in _STATUS.findall(ran.stdout)] == ["1"] * 8 + ["2"]
    links = [url for url in _URL.findall(ran.stdout) if "/a/" in url]
    assert len(set(links)) == 2
    assert list(folder.iterdir()) == []


class Terminal:
    """The demo on a pseudo-terminal; `text` is what it has shown so far."""

    def __init__(self, master: int, process: "subprocess.Popen[bytes]") -> None:
        self.process, self.text = process, ""
        self._master = master

    def read_until(self, pattern: str, seconds: float = 240) -> str:
        """Read on until the pattern has been shown; its first group."""
        end = time.monotonic() + seconds
        while (found := re.search(pattern, self.text)) is None:
            assert time.monotonic() < end, self.text
            if select.select([self._master], [], [], 0.2)[0]:
                self.text += os.read(self._master, 65536).decode(errors="replace")
        return found[1]


@contextmanager
def demo_on_a_terminal(folder: Path) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        DEMO, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=environment(folder)
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)


def test_on_a_terminal_the_demo_stays_with_a_page_of_all_letters(folder: Path) -> None:
    with demo_on_a_terminal(folder) as demo:
        url = demo.read_until(r"(http://127\.0\.0\.1:\d+/)(?=\s)[^\n]*Ctrl-C")
        index = ask("GET", url)
        assert index.status == 200
        letters = list(dict.fromkeys(re.findall(r'href="(/letters/[^"/]+)"', index.body)))
        assert len(letters) >= 11
        links: set[str] = set()
        for path in letters:
            page = ask("GET", url + path[1:])
            assert page.status == 200
            assert ask("GET", f"{url}{path[1:]}/html").status == 200
            links |= set(re.findall(r'href="(http://[^"]+/a/[^"]+)"', page.body))
        assert len(links) == 2
        for link in links:
            assert ask("GET", link).status == 200
        assert demo.process.poll() is None
        began = time.monotonic()
        os.killpg(demo.process.pid, signal.SIGINT)
        assert demo.process.wait(240) in (0, 130)
        assert time.monotonic() - began < 60
    assert list(folder.iterdir()) == []
