"""Measures maild against stock aiosmtpd with a null handler, in one run on one machine. `make bench`; --full: more.

Absolute numbers are this machine's at this moment; the ratios are what to compare.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import mails, parts
from bench.growth import growth_costs
from bench.servers import Running, door, maild, null_server, send

Row = tuple[str, str, str, str]

_WARM = 50  # mails before anything is timed
_HEADS: Row = ("", "maild", "null", "ratio")


def main() -> None:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure maild against stock aiosmtpd with a null handler.")
    parser.add_argument("--full", action="store_true", help="also with a million tickets (many minutes, 15 GB of disk)")
    is_full = parser.parse_args().full
    started = time.monotonic()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    _print(_HEADS)
    for row in _rows([1_000, 50_000, 1_000_000] if is_full else [1_000, 50_000]):
        _print(row)
    print(f"\n{time.monotonic() - started:.0f} s")


def _print(row: Row) -> None:
    print(f"{row[0]:<62}{row[1]:>10}{row[2]:>10}{row[3]:>8}")
    sys.stdout.flush()


def _rows(sizes: list[int]) -> Iterator[Row]:
    yield from _doors("text", "4 KB", 500)
    yield from _doors("attachment", "1 MB", 15)
    yield from _steps()
    yield from _growth(sizes)


def _doors(kind: str, size: str, count: int) -> Iterator[Row]:
    """Before and after maild's run the null server has one of its own: a machine is never the same twice."""
    with null_server() as null, null_server() as relay, TemporaryDirectory(prefix="maild-bench-") as name:
        send(null, kind, 0, _WARM)
        before = send(null, kind, _WARM, count)
        alone = _alone(Path(name, "alone"), kind, count)
        with maild(_made(Path(name, "whole")), relay.port) as desk:
            send(desk, kind, 0, _WARM // 2)
            desk.drain()
            accepted, done, cpu = _burst(desk, kind, count)
            memory = desk.peak_memory()
        after = send(null, kind, _WARM, count)
    reference = count / ((before + after) / 2)
    for what, seconds in (("door alone", alone), ("while earlier mail is handled", accepted)):
        rate = count / seconds
        words = f"{size} mails durable, per second, {what}"
        yield words, f"{rate:.0f}", f"{reference:.0f}", f"{rate / reference:.2f}"
    yield f"{size} mails, until the relay has their letters, per second", f"{count / done:.1f}", "", ""
    yield f"{size} mail, all of it, CPU ms", f"{cpu * 1000 / count:.1f}", "", ""
    yield f"peak memory, MiB, after {count} mails of {size}", f"{memory:.0f}", "", ""


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _alone(folder: Path, kind: str, count: int) -> float:
    """Seconds until the last mail was accepted by a door with nothing behind it but the ledger."""
    with door(_made(folder)) as desk:
        send(desk, kind, 0, _WARM // 2)
        return send(desk, kind, _WARM, count)


def _burst(desk: Running, kind: str, count: int) -> tuple[float, float, float]:
    """Seconds until the last was accepted, until the last letter was gone, and of CPU."""
    cpu, started = desk.cpu(), time.monotonic()
    accepted = send(desk, kind, _WARM, count)
    desk.drain()
    return accepted, time.monotonic() - started, desk.cpu() - cpu


def _steps() -> Iterator[Row]:
    costs: tuple[tuple[str, Callable[[], float]], ...] = (
        ("understanding 4 KB of text, CPU ms", lambda: parts.parse_cost(mails.text_mail, 200)),
        ("understanding 33 KB of HTML, CPU ms", lambda: parts.parse_cost(mails.html_mail, 50)),
        ("understanding an attachment of 1 MB, CPU ms", lambda: parts.parse_cost(mails.attachment_mail, 20)),
        ("writing a letter, CPU ms", lambda: parts.letter_cost(10)),
    )
    for what, measure in costs:
        yield what, f"{measure():.1f}", "", ""


def _growth(sizes: list[int]) -> Iterator[Row]:
    first = 0.0
    for cost in growth_costs(sizes):
        first = first or cost.cpu
        what = f"a mail on a desk of {cost.tickets:,} tickets ({cost.database:.0f} MiB), CPU ms"
        yield what, f"{cost.cpu:.1f}", "", f"{cost.cpu / first:.2f}"


if __name__ == "__main__":
    main()
