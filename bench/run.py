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
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import mails, parts
from bench.growth import growth_costs
from bench.servers import LOOPS, Running, door, maild, null_server, postgres, send

_WARM = 50  # mails before anything is timed
_MEMORY = 90.0  # MiB


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `goal` is what `judged` should reach, or, below zero, stay under."""

    what: str
    maild: str = ""
    reference: str = ""
    ratio: str = ""
    judged: float = 0.0
    goal: float = 0.0

    def verdict(self) -> str:
        """`≥ 0.8 met`, "" without a goal."""
        if not self.goal:
            return ""
        is_met = self.judged >= self.goal if self.goal > 0 else self.judged <= -self.goal
        return f"{'≥' if self.goal > 0 else '≤'} {abs(self.goal):g} {'met' if is_met else 'MISSED'}"


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure maild against stock aiosmtpd with a null handler.")
    parser.add_argument("--full", action="store_true", help="also with a million tickets (an hour, 15 GB of disk)")
    is_full = parser.parse_args().full
    started = time.monotonic()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, maild on {LOOPS[-1]}\n")
    _print("", "maild", "reference", "ratio", "goal")
    for row in _rows(is_full):
        _print(row.what, row.maild, row.reference, row.ratio, row.verdict())
    print(f"\n{time.monotonic() - started:.0f} s")


def _print(what: str, own: str, reference: str, ratio: str, goal: str) -> None:
    print(f"{what:<66}{own:>8}{reference:>10}{ratio:>7}   {goal}".rstrip())
    sys.stdout.flush()


def _rows(is_full: bool) -> Iterator[Row]:
    yield from _doors(_Load("text", "4 KB", 300, 10, rounds=5, goal=0.8))
    yield from _doors(_Load("text", "4 KB", 300, 50, rounds=3, goal=0.8))
    yield from _doors(_Load("attachment", "1 MB", 15, 10, rounds=3, goal=2.0))
    yield from _on_postgres(_Load("text", "4 KB", 300, 10, rounds=5, goal=0.5))
    yield from _steps()
    yield from _growth([1_000, 50_000, 1_000_000] if is_full else [1_000, 50_000])
    if is_full:
        yield from _memory(10_000)


@dataclass(frozen=True, slots=True)
class _Load:
    """So many mails of a kind, on so many connections, so many times. `goal` is how fast maild ought to be."""

    kind: str
    size: str
    count: int
    connections: int
    rounds: int
    goal: float

    def seconds(self, server: Running, turn: int) -> float:
        """Until the last of them was accepted; different mails in each turn."""
        return send(server, self.kind, _WARM + turn * self.count, self.count, self.connections)

    def warm(self, server: Running) -> None:
        """What is needed only once has been done afterwards."""
        send(server, self.kind, 0, _WARM, self.connections)

    def row(self, what: str, times: Sequence[float], references: Sequence[float], goal: float = 0.0) -> Row:
        """Of all turns the median: mails a second, and how much faster than the reference."""
        ratio = median(reference / own for own, reference in zip(times, references, strict=True))
        rate, expected = self.count / median(times), self.count / median(references)
        words = f"{self.size} durable/s, {self.connections} connections, {what}"
        return Row(words, f"{rate:.0f}", f"{expected:.0f}", f"{ratio:.2f}", ratio, goal)


def _doors(load: _Load) -> Iterator[Row]:
    """The door alone, and all of the daemon while it handles what has come in before."""
    with ExitStack() as started:
        folder = Path(started.enter_context(TemporaryDirectory(prefix="maild-bench-")))
        nulls = [started.enter_context(null_server(loop)) for loop in LOOPS]
        relay = started.enter_context(null_server())
        alone = started.enter_context(door(_made(folder / "alone")))
        desk = started.enter_context(maild(_made(folder / "whole"), relay.port))
        for server in (*nulls, alone, desk):
            load.warm(server)
        desk.drain()
        turns = [_turn(load, number, nulls, alone, desk) for number in range(load.rounds)]
        memory, peak = desk.memory(), desk.peak_memory()
    for number, loop in enumerate(LOOPS):
        references, against = [turn.nulls[number] for turn in turns], f"to stock on {loop}"
        yield load.row(f"door alone {against}", [turn.alone for turn in turns], references)
        yield load.row(f"whole daemon {against}", [turn.accepted for turn in turns], references, load.goal)
    done, cpu = (median(turn.done for turn in turns), median(turn.cpu for turn in turns))
    yield Row(f"{load.size} mails, until the relay has their letters, per second", f"{load.count / done:.1f}")
    yield Row(f"{load.size} mail, all of it, CPU ms", f"{cpu * 1000 / load.count:.1f}")
    many, goal = load.rounds * load.count, -_MEMORY if load.kind == "text" else 0.0
    yield Row(f"memory, MiB, after {many:,} mails of {load.size}", f"{memory:.0f}", judged=memory, goal=goal)
    yield Row("– at its peak", f"{peak:.0f}")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@dataclass(frozen=True, slots=True)
class _Turn:
    """Seconds: of the null servers, of the door alone, of the daemon until the last mail was accepted and done."""

    nulls: list[float]
    alone: float
    accepted: float
    done: float
    cpu: float


def _turn(load: _Load, number: int, nulls: Sequence[Running], alone: Running, desk: Running) -> _Turn:
    references, own = [load.seconds(null, number) for null in nulls], load.seconds(alone, number)
    cpu, started = desk.cpu(), time.monotonic()
    accepted = load.seconds(desk, number)
    desk.drain()
    return _Turn(references, own, accepted, time.monotonic() - started, desk.cpu() - cpu)


def _on_postgres(load: _Load) -> Iterator[Row]:
    """The same door with both databases, on the same disk, both with fsync."""
    with postgres() as url, TemporaryDirectory(prefix="maild-bench-") as name:
        if url is None:
            yield Row("PostgreSQL is not installed, or not root")
            return
        with door(_made(Path(name, "file"))) as file, door(_made(Path(name, "server")), url) as server:
            for each in (file, server):
                load.warm(each)
            turns = [(load.seconds(file, number), load.seconds(server, number)) for number in range(load.rounds)]
    files, servers = zip(*turns, strict=True)
    yield load.row("PostgreSQL to SQLite", servers, files, load.goal)


def _steps() -> Iterator[Row]:
    taken, decided, written = parts.stage_costs(200)
    yield Row("taking a mail of 4 KB, durable, CPU ms", f"{taken:.2f}")
    yield Row("understanding it and deciding, durable, CPU ms", f"{decided:.1f}")
    yield Row("writing its two letters, durable, CPU ms", f"{written:.1f}")
    costs: tuple[tuple[str, Callable[[], float]], ...] = (
        ("of these: its words and bytes, two letters, CPU ms", lambda: 2 * parts.letter_cost(50, parts.OF_A_TICKET)),
        ("parsing 4 KB of text, CPU ms", lambda: parts.parse_cost(mails.text_mail, 200)),
        ("parsing 33 KB of HTML, CPU ms", lambda: parts.parse_cost(mails.html_mail, 50)),
        ("parsing an attachment of 1 MB, CPU ms", lambda: parts.parse_cost(mails.attachment_mail, 20)),
        ("writing a letter of any kind, CPU ms", lambda: parts.letter_cost(10)),
    )
    for what, measure in costs:
        yield Row(what, f"{measure():.1f}")


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
    yield Row(f"memory, MiB, after {count:,} mails of 4 KB", f"{memory:.0f}", judged=memory, goal=-_MEMORY)


def _growth(sizes: list[int]) -> Iterator[Row]:
    """The goal is for the many."""
    first = 0.0
    for cost in growth_costs(sizes):
        ratio = cost.cpu / first if first else 1.0
        what = f"a mail on a desk of {cost.tickets:,} tickets ({cost.database:.0f} MiB), CPU ms"
        yield Row(what, f"{cost.cpu:.1f}", ratio=f"{ratio:.2f}", judged=ratio, goal=-2.0 if first else 0.0)
        first = first or cost.cpu


if __name__ == "__main__":
    main()
