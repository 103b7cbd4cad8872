"""Measures maild against stock aiosmtpd with a null handler, in one run on one machine. `make bench`; --full: more.

Absolute numbers are this machine's at this moment; the ratios are what to compare. Everything that is compared takes
turns, several times, and the median counts: a machine is never the same twice.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import mails, parts
from bench.growth import growth_costs
from bench.servers import Running, door, maild, null_server, postgres, send

Row = tuple[str, str, str, str]

_WARM = 50  # mails before anything is timed
_ROUNDS = 3
_HEADS: Row = ("", "maild", "reference", "ratio")


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure maild against stock aiosmtpd with a null handler.")
    parser.add_argument("--full", action="store_true", help="also with a million tickets (an hour, 15 GB of disk)")
    is_full = parser.parse_args().full
    started = time.monotonic()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {_loop()}\n")
    _print(_HEADS)
    for row in _rows(is_full):
        _print(row)
    print(f"\n{time.monotonic() - started:.0f} s")


def _loop() -> str:
    return "uvloop" if find_spec("uvloop") else "asyncio"


def _print(row: Row) -> None:
    print(f"{row[0]:<66}{row[1]:>10}{row[2]:>10}{row[3]:>8}")
    sys.stdout.flush()


def _rows(is_full: bool) -> Iterator[Row]:
    yield from _doors(_Load("text", "4 KB", 500, 10))
    yield from _doors(_Load("text", "4 KB", 500, 50))
    yield from _doors(_Load("attachment", "1 MB", 15, 10))
    yield from _on_postgres(_Load("text", "4 KB", 500, 10))
    yield from _steps()
    yield from _memory(10_000 if is_full else 1_000)
    yield from _growth([1_000, 50_000, 1_000_000] if is_full else [1_000, 50_000])


@dataclass(frozen=True, slots=True)
class _Load:
    """So many mails of a kind, on so many connections."""

    kind: str
    size: str
    count: int
    connections: int

    def seconds(self, server: Running, turn: int) -> float:
        """Until the last of them was accepted; different mails in each turn."""
        return send(server, self.kind, _WARM + turn * self.count, self.count, self.connections)

    def warm(self, server: Running) -> None:
        """What is needed only once has been done afterwards."""
        send(server, self.kind, 0, _WARM, self.connections)

    def row(self, what: str, times: Sequence[float], references: Sequence[float]) -> Row:
        """Of all turns the median: mails a second, and how much faster than the reference."""
        ratio = median(reference / own for own, reference in zip(times, references, strict=True))
        rate, expected = self.count / median(times), self.count / median(references)
        words = f"{self.size} mails durable, per second, {self.connections} connections, {what}"
        return words, f"{rate:.0f}", f"{expected:.0f}", f"{ratio:.2f}"


def _doors(load: _Load) -> Iterator[Row]:
    """The door alone, and all of the daemon while it handles what has come in before."""
    with ExitStack() as started:
        folder = Path(started.enter_context(TemporaryDirectory(prefix="maild-bench-")))
        null, relay = started.enter_context(null_server()), started.enter_context(null_server())
        alone = started.enter_context(door(_made(folder / "alone")))
        desk = started.enter_context(maild(_made(folder / "whole"), relay.port))
        for server in (null, alone, desk):
            load.warm(server)
        desk.drain()
        turns = [_turn(load, number, null, alone, desk) for number in range(_ROUNDS)]
        peak = desk.peak_memory()
    references = [turn.null for turn in turns]
    yield load.row("door alone", [turn.alone for turn in turns], references)
    yield load.row("whole daemon", [turn.accepted for turn in turns], references)
    done, cpu = (median(turn.done for turn in turns), median(turn.cpu for turn in turns))
    yield f"{load.size} mails, until the relay has their letters, per second", f"{load.count / done:.1f}", "", ""
    yield f"{load.size} mail, all of it, CPU ms", f"{cpu * 1000 / load.count:.1f}", "", ""
    yield f"peak memory, MiB, after {_ROUNDS * load.count} mails of {load.size}", f"{peak:.0f}", "", ""


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@dataclass(frozen=True, slots=True)
class _Turn:
    """Seconds: of the null server, of the door alone, of the daemon until the last mail was accepted and done."""

    null: float
    alone: float
    accepted: float
    done: float
    cpu: float


def _turn(load: _Load, number: int, null: Running, alone: Running, desk: Running) -> _Turn:
    reference, own = load.seconds(null, number), load.seconds(alone, number)
    cpu, started = desk.cpu(), time.monotonic()
    accepted = load.seconds(desk, number)
    desk.drain()
    return _Turn(reference, own, accepted, time.monotonic() - started, desk.cpu() - cpu)


def _on_postgres(load: _Load) -> Iterator[Row]:
    """The same door with both databases, on the same disk, both with fsync."""
    with postgres() as url, TemporaryDirectory(prefix="maild-bench-") as name:
        if url is None:
            yield "PostgreSQL is not installed, or not root", "", "", ""
            return
        with door(_made(Path(name, "file"))) as file, door(_made(Path(name, "server")), url) as server:
            for each in (file, server):
                load.warm(each)
            turns = [(load.seconds(file, number), load.seconds(server, number)) for number in range(_ROUNDS)]
    files, servers = zip(*turns, strict=True)
    yield load.row("PostgreSQL to SQLite", servers, files)


def _steps() -> Iterator[Row]:
    taken, decided, written = parts.stage_costs(200)
    yield "taking a mail of 4 KB, durable, CPU ms", f"{taken:.2f}", "", ""
    yield "understanding it and deciding, durable, CPU ms", f"{decided:.1f}", "", ""
    yield "writing its two letters, durable, CPU ms", f"{written:.1f}", "", ""
    costs: tuple[tuple[str, Callable[[], float]], ...] = (
        ("of these: its words and bytes, two letters, CPU ms", lambda: 2 * parts.letter_cost(50, parts.OF_A_TICKET)),
        ("parsing 4 KB of text, CPU ms", lambda: parts.parse_cost(mails.text_mail, 200)),
        ("parsing 33 KB of HTML, CPU ms", lambda: parts.parse_cost(mails.html_mail, 50)),
        ("parsing an attachment of 1 MB, CPU ms", lambda: parts.parse_cost(mails.attachment_mail, 20)),
        ("writing a letter of any kind, CPU ms", lambda: parts.letter_cost(10)),
    )
    for what, measure in costs:
        yield what, f"{measure():.1f}", "", ""


def _memory(count: int) -> Iterator[Row]:
    """Of the daemon after so many mails, all of them handled."""
    with (
        null_server() as relay,
        TemporaryDirectory(prefix="maild-bench-") as name,
        maild(Path(name), relay.port) as desk,
    ):
        for first in range(0, count, 1_000):
            send(desk, "text", first, min(1_000, count - first))
            desk.drain(600)
        memory = desk.memory()
    yield f"memory, MiB, after {count:,} mails of 4 KB", f"{memory:.0f}", "", ""


def _growth(sizes: list[int]) -> Iterator[Row]:
    first = 0.0
    for cost in growth_costs(sizes):
        first = first or cost.cpu
        what = f"a mail on a desk of {cost.tickets:,} tickets ({cost.database:.0f} MiB), CPU ms"
        yield what, f"{cost.cpu:.1f}", "", f"{cost.cpu / first:.2f}"


if __name__ == "__main__":
    main()
