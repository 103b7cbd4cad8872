"""The relay of trials and tests: letters go into a Maildir instead of out into the world.

The envelope stands on top of each letter, as a final delivery writes it (RFC 5321 §4.4).
"""

import asyncio
import os
import socket
import time
from pathlib import Path
from secrets import token_hex

from maild.mailout.outcome import Delivered, Later, Outcome, one_line


class MaildirTransport:
    """Writes into DIR/new, by way of DIR/tmp. The directory is created when the first letter comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def deliver(self, mail_from: str, rcpt_to: str, data: bytes) -> Outcome:
        """Delivered once it is on disk; Later if the disk does not take it."""
        trace = f"Return-Path: <{one_line(mail_from)}>\r\nDelivered-To: {one_line(rcpt_to)}\r\n".encode()
        try:
            name = await asyncio.to_thread(store, self._folder, trace + data)
        except OSError as error:
            return Later(one_line(f"maildir: {error.strerror or error}"), is_relay_down=True)
        return Delivered(f"250 2.0.0 kept as {name}")

    async def close(self) -> None:
        """Nothing is held open."""


def store(folder: Path, content: bytes) -> str:
    """Put a letter into a Maildir, durably; the name of its file in `new`. Raises OSError."""
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    name = _unique_name()
    unfinished = folder / "tmp" / name
    try:
        _write(unfinished, content)
        unfinished.rename(folder / "new" / name)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_directory(folder / "new")
    return name


def _unique_name() -> str:
    """Seconds, what makes it unique, host: the three parts of a Maildir name."""
    seconds, rest = divmod(time.time_ns(), 10**9)
    host = socket.gethostname().replace("/", "_").replace(":", "_")
    return f"{seconds}.N{rest:09}P{os.getpid()}R{token_hex(4)}.{host}"


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(folder: Path) -> None:
    """The new name is durable only when the directory is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
