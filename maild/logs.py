"""Log lines for journald: one line each, with its priority; a traceback stays one entry. Ids and reasons, no words."""

import logging
import os
import sys
import time
from functools import lru_cache

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7))  # sd-daemon(3)


class _Formatter(logging.Formatter):
    """`<6>desk.receive: mail 17: …` under systemd, with the time in front elsewhere."""

    def __init__(self, *, is_journal: bool) -> None:
        super().__init__("%(name)s: %(message)s" if is_journal else "%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._is_journal = is_journal

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """As logging writes it, the second made once for all its lines."""
        return f"{_second(int(record.created))},{int(record.msecs):03}"

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not self._is_journal:
            return text
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in text.splitlines())


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
