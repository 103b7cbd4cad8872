"""Disks that fill up: a small tmpfs, and ballast for it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import require

_BLOCK = b"x" * 4096


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own at that (empty) directory; `size` as mount(8) takes it."""
    require(
        "mounting a tmpfs (root)", os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str | Path) -> bool:
    return subprocess.run(["mount", *map(str, arguments)], check=False, capture_output=True).returncode == 0


def fill(folder: Path, leave: int = 0) -> Path:
    """Take all the room but so many octets; the file to remove for getting it back."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while free(folder) > leave and file.write(_BLOCK):
                pass
        except OSError:
            pass  # full: what was wanted
    return ballast


def free(folder: Path) -> int:
    """Octets that are left on the disk of that directory."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
