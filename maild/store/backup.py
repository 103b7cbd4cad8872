"""A copy of the SQLite file while others work on it: one whole file that was looked through, or none."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from maild.core.errors import StoreBusy


def back_up(database: Path, target: Path) -> int:
    """Copy the database as of this moment; the size in octets. The target is there only when all of it is on disk.

    Raises StoreBusy if it cannot be read or the copy is not sound, OSError if it cannot be written.
    """
    partial = target.with_name(f".{target.name}.partial")
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        _copy(database, partial)
        _sync(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    _sync(target.parent)
    return target.stat().st_size


def _copy(database: Path, partial: Path) -> None:
    try:
        with closing(_opened(database)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)  # in one step: readers do not stop writers, and writers do not start it anew
            copy.execute("PRAGMA journal_mode = DELETE")  # so that nothing lies beside the file
            [verdict] = copy.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error as error:
        raise StoreBusy(f"{database}: no backup was made: {error}") from error
    if verdict != "ok":
        raise StoreBusy(f"{database}: no backup was made, the copy is not sound: {verdict}")


def _opened(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)


def _sync(path: Path) -> None:
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
