"""Errors become words on stderr and an exit status of sysexits(3): the one mapping of the command line."""

import os
import sys
import traceback

import click

from maild.core.errors import ConfigError, MaildError, NotAllowed, Permanent, Transient

USAGE, DATA, NO_INPUT, UNAVAILABLE, BUG, CANNOT_CREATE, IO_ERROR = 64, 65, 66, 69, 70, 73, 74
TRY_AGAIN, NOT_ALLOWED, CONFIG = 75, 77, 78
_INTERRUPTED = 130  # 128 + SIGINT, as shells say it


class NotThere(Permanent):
    """No ticket, mail or letter has that number."""


class InTheWay(Permanent):
    """A file that would be written exists already."""


class Unavailable(Permanent):
    """Something else than maild does that here."""


def exit_status(error: Exception) -> int:
    """Say what went wrong, without a traceback unless $MAILD_DEBUG is set; the exit status."""
    if os.environ.get("MAILD_DEBUG") and not isinstance(error, click.ClickException | click.Abort):
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error.show()
        return _click_status(error)
    if isinstance(error, BrokenPipeError):
        return _nobody_reads()
    if isinstance(error, ExceptionGroup):  # the parts of a daemon that stopped; the first one stopped the others
        statuses = [exit_status(each) for each in error.exceptions]
        return statuses[0]
    status, words = _told(error)
    for line in words.splitlines():
        click.echo(f"maild: {line}", err=True)
    return status


def _click_status(error: click.ClickException) -> int:
    if isinstance(error, click.UsageError):
        return USAGE
    return NO_INPUT if isinstance(error, click.FileError) else error.exit_code


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, click.Abort):
        return _INTERRUPTED, "interrupted"
    if isinstance(error, MaildError):
        return _maild_status(error), str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return _os_status(error), f"{where}{error.strerror or error}"
    from maild.logs import told  # a daemon that ends for a bug says it in the log, without the words of a mail

    return BUG, f"a bug: {told(error)} (MAILD_DEBUG=1 shows where)"


def _maild_status(error: MaildError) -> int:
    match error:
        case ConfigError():
            return CONFIG
        case NotAllowed():
            return NOT_ALLOWED
        case InTheWay():
            return CANNOT_CREATE
        case Unavailable():
            return UNAVAILABLE
        case Transient():
            return TRY_AGAIN
    return DATA


def _os_status(error: OSError) -> int:
    match error:
        case FileNotFoundError() | IsADirectoryError():
            return NO_INPUT
        case PermissionError():
            return NOT_ALLOWED
    return IO_ERROR


def _nobody_reads() -> int:
    """`maild … | head`: nothing to say, and nothing left in the buffer that Python would complain about at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return IO_ERROR
