"""Log lines for journald: one line each, with its priority; a traceback stays one entry. Ids and reasons, no words.

What an error says may quote a mail (`ValueError: … 'its words'`), so only its kind and where it happened are told, but
for errors that speak of the machine.
"""

import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from functools import lru_cache
from types import TracebackType

from maild.core.errors import MaildError

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7))  # sd-daemon(3)
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_SPEAKING = (MaildError, OSError, RuntimeError, AttributeError, NameError, ImportError, MemoryError)
_OF_DATABASES = frozenset({"OperationalError", "InterfaceError"})  # each driver and peewee have their own


class _Formatter(logging.Formatter):
    """`<6>desk.receive: mail 17: …` under systemd, with the time in front elsewhere."""

    def __init__(self, *, is_journal: bool) -> None:
        super().__init__("%(name)s: %(message)s" if is_journal else "%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._is_journal = is_journal

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """As logging writes it, the second made once for all its lines."""
        return f"{_second(int(record.created))},{int(record.msecs):03}"

    def formatException(self, ei: ExcInfo) -> str:
        """A traceback without the words of errors that may quote a mail."""
        return "\n".join(_traceback(ei[1], set()))

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not self._is_journal:
            return text
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in text.splitlines())


def _traceback(error: BaseException | None, known: set[int]) -> Iterator[str]:
    """An error after those that led to it; `known` are the ids of those told already."""
    if error is None or id(error) in known:
        return
    known.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _traceback(earlier, known)
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _traceback(inner, known)
    yield "Traceback (most recent call last):"
    yield from "".join(traceback.format_tb(error.__traceback__)).splitlines()
    yield told(error)


def told(error: BaseException) -> str:
    """An error's kind, with its words if they speak of the machine and cannot be a mail's."""
    kind = type(error).__qualname__
    is_speaking = isinstance(error, _SPEAKING) or kind in _OF_DATABASES
    return f"{kind}: {error}" if is_speaking and not isinstance(error, UnicodeError) else kind


@lru_cache(maxsize=1)
def _second(moment: int) -> str:
    return time.strftime(logging.Formatter.default_time_format, time.localtime(moment))


def set_up_logging() -> None:
    """Everything of ours from INFO on to standard error; libraries from WARNING on ($MAILD_DEBUG: from DEBUG on)."""
    # A mail is several lines; nobody looks for the source, thread and process of each (Logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(is_journal="JOURNAL_STREAM" in os.environ))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("maild").setLevel(logging.DEBUG if os.environ.get("MAILD_DEBUG") else logging.INFO)
