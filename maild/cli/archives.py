"""Mail archives as files: mbox (RFC 4155) and Maildir. Finds the mails and reads them one by one; changes nothing."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from maild.core.errors import Permanent
from maild.mime import moments
from maild.mime.stored import stored_facts

# Programs write many things behind "From ", but always a day of the week, a time and a year; people who begin a line
# with that word, and whose program did not quote it, do not.
_FROM_LINE = re.compile(rb"From \S.*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.*\d\d:\d\d.*\b\d{4}\b|From - \S.*")
_CERTAIN_FROM_LINE = re.compile(  # where it stands like this, some writers forget the blank line before it
    rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:\S+ )?\d{4}\r?\n"
)
_BARE_FROM_LINE = re.compile(rb"From \S")  # where the first one has no date, the others need none either
_QUOTED_FROM = re.compile(rb"(?m)^>(?=>*From )")
_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.*")
_EXPUNGED = 0x0008  # Thunderbird keeps deleted mails in the file until it compacts the folder
_STATUS = re.compile(rb"^X-Mozilla-Status: ([0-9a-fA-F]{4})\r?$", re.MULTILINE)
_HEAD = 256 * 1024  # octets
_SKIPPED_FLAGS = frozenset("DT")  # drafts and what has been thrown away


class NoArchive(Permanent):
    """The file or directory is no archive of that kind."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A mail of an archive: its size in octets, the moment it came, its bytes."""

    size: int
    moment: datetime | None
    load: Callable[[], bytes]


def mbox(path: Path) -> Iterator[Filed]:
    """The mails of an mbox file in their order. Raises NoArchive, OSError."""
    with path.open("rb") as file:
        for start, end, first in _stretches(file):
            load = _loader(path, start, end)
            raw = load()
            if not _is_expunged(raw):
                yield Filed(end - start, _told(raw) or _from_line_date(first), load)


def _stretches(file: Iterator[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Where each mail begins and ends, and its From_ line."""
    start, place, first, is_after_blank = -1, 0, b"", True
    separator = _FROM_LINE
    for line in file:
        if start < 0 and _BARE_FROM_LINE.match(line) and not separator.match(line):
            separator = _BARE_FROM_LINE
        if (is_after_blank and separator.match(line)) or _CERTAIN_FROM_LINE.fullmatch(line):
            if start >= 0:
                yield start, place, first
            start, first = place, line
        elif start < 0 and line.strip():
            raise NoArchive(f'{getattr(file, "name", "")}: not an mbox file: it does not begin with a "From " line')
        is_after_blank = not line.strip(b"\r\n")
        place += len(line)
    if start >= 0:
        yield start, place, first


def _loader(path: Path, start: int, end: int) -> Callable[[], bytes]:
    def load() -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            return _unquoted(file.read(end - start))

    return load


def _unquoted(stretch: bytes) -> bytes:
    """The mail as it was before it was put there (mboxrd): without From_ line and the blank line below."""
    raw = stretch.partition(b"\n")[2]
    for end in (b"\r\n\r\n", b"\n\n"):
        if raw.endswith(end):
            raw = raw[: -len(end) // 2]
            break
    return _QUOTED_FROM.sub(b"", raw)


def _is_expunged(raw: bytes) -> bool:
    status = _STATUS.search(raw, 0, 2048)
    return status is not None and bool(int(status[1], 16) & _EXPUNGED)


def _from_line_date(line: bytes) -> datetime | None:
    found = _DATE.search(line.decode("ascii", "replace"))
    return moments.read(None, found[0].strip()) if found else None


def _told(raw: bytes) -> datetime | None:
    return stored_facts(raw[:_HEAD]).moment


def maildir(folder: Path) -> Iterator[Filed]:
    """The mails of a Maildir, without drafts and what is in the trash. Raises NoArchive, OSError."""
    if not (folder / "cur").is_dir() or not (folder / "new").is_dir():
        raise NoArchive(f"{folder}: not a Maildir: it has no directories cur and new")
    for name in ("cur", "new"):
        for path in sorted((folder / name).iterdir()):
            if path.is_file() and not path.name.startswith(".") and _SKIPPED_FLAGS.isdisjoint(_flags(path)):
                yield Filed(path.stat().st_size, _told(_head(path)) or _changed(path), path.read_bytes)


def _flags(path: Path) -> str:
    return path.name.rpartition(":2,")[2] if ":2," in path.name else ""


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(os.stat(path).st_mtime, UTC)
