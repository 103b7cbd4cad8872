"""How results are shown: JSON lines for programs; tables, moments and harmless text for people."""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

as_json = click.option("--json", "is_json", is_flag=True, help="JSON lines, for programs.")

# JSON lets them stand in strings, but many programs take them for the end of a line.
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def json_line(value: Mapping[str, object]) -> None:
    """One object on one line, in UTF-8 whatever the locale."""
    click.echo(json_text(value).encode("utf-8", "replace"))


def json_text(value: Mapping[str, object]) -> str:
    """One object as JSON without any line end."""
    return json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS)


def rfc3339(moment: datetime) -> str:
    """`2026-11-23T11:05:00Z`; microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def maybe_rfc3339(moment: datetime | None) -> str | None:
    """`rfc3339`, or None."""
    return None if moment is None else rfc3339(moment)


def local(moment: datetime | None, timezone: str) -> str:
    """`2026-11-23 14:05` in the desk's time zone, "" for none."""
    return "" if moment is None else f"{moment.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"


def counted(count: int, what: str) -> str:
    """`1 mail`, `2 mails`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def harmless(text: str) -> str:
    """A stranger's words for a terminal: without control sequences and characters that turn the line around."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if char in _BIDI or unicodedata.category(char) in ("Cc", "Cs") else char
        for char in text.replace("\r", "").replace("\n", " ").replace("\t", "    ")
    )


def page(text: str) -> None:
    """Print lines that hold a stranger's words."""
    for line in text.rstrip("\n").split("\n"):
        click.echo(harmless(line).encode("utf-8", "replace"))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> None:
    """A table: drawn on a terminal, plainly aligned elsewhere; the sentence `nothing` if there are no rows."""
    cells = [["" if cell is None else harmless(str(cell)) for cell in row] for row in rows]
    if not cells:
        click.echo(nothing)
        return
    draw: Callable[[Sequence[str], list[list[str]]], None] = _drawn if sys.stdout.isatty() else _aligned
    draw(heads, cells)


def _drawn(heads: Sequence[str], cells: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in cells:
        drawn.add_row(*map(Text, row))  # a Text is never taken for markup
    Console().print(drawn)


def _aligned(heads: Sequence[str], cells: list[list[str]]) -> None:
    lines = [[head.upper() for head in heads], *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        row = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(row.rstrip().encode("utf-8", "replace"))
