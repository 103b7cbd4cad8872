"""What the pages for machines may know of the clock's jobs. The wiring fills it in; nothing here runs anything."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobReport:
    """How a job's last run went: when it ended (UTC; None = not yet), and what stopped it ("" = nothing)."""

    last_run: datetime | None = None
    last_error: str = ""
