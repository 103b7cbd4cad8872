"""What commands work with: the configuration of this call, an open desk, the name of who is typing."""

import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maild.cli.exits import NotThere
from maild.cli.group import chosen_config

if TYPE_CHECKING:
    from maild.config import Config
    from maild.desk.desk import Desk

T = TypeVar("T")

NUMBER = click.IntRange(1, 2**63 - 1)  # of a ticket, a mail, a letter: what the database can count

_DEFAULT = "/etc/maild/config.toml"


def config_file() -> Path:
    """The file of this call: --config, $MAILD_CONFIG, /etc/maild/config.toml."""
    return Path(chosen_config() or os.environ.get("MAILD_CONFIG") or _DEFAULT)


def loaded_config() -> "Config":
    """The configuration of this call. Raises ConfigError."""
    from maild.config import load

    return load(config_file())


@contextmanager
def opened_desk(config: "Config | None" = None) -> Iterator["Desk"]:
    """The desk of this call, beside a daemon that may be running on the same database. Raises ConfigError."""
    from maild.wiring import build_desk

    desk = build_desk(config or loaded_config())
    try:
        yield desk
    finally:
        desk.store.close()


def carried_out(act: Coroutine[Any, Any, T]) -> T:
    """Carry out one act of the desk, to its commit."""
    import asyncio

    return asyncio.run(act)


def whoami() -> str:
    """Who is typing, as events name it: `cli:USER@host`."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user id without a name
        user = str(os.getuid())
    return f"cli:{user}@{socket.gethostname()}"


def found(value: T | None, what: str) -> T:
    """The value. Raises NotThere where there is none."""
    if value is None:
        raise NotThere(f"there is no {what}")
    return value


def text_given(text: str | None) -> str:
    """The words to be sent: --text, else standard input. Raises UsageError if there are none."""
    if text is None:
        if sys.stdin.isatty():
            click.echo("Type the text and end it with Ctrl-D.", err=True)
        try:
            text = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError as error:
            raise click.UsageError(f"standard input is not UTF-8 at byte {error.start}") from None
    words = text.replace("\r\n", "\n").strip()
    if not words:
        raise click.UsageError("there is no text: give --text or standard input")
    return words
