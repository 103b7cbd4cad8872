"""What the pages for machines may know of the clock's jobs and of mailboxes on servers.

The wiring fills it in; nothing here runs anything.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobReport:
    """How a job's last run went: when it ended (UTC; None = not yet), and what stopped it ("" = nothing)."""

    last_run: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class MailboxReport:
    """How a mailbox does: when it was swept last (UTC; None = not yet), by whichever node, and what stops this one.

    `is_elsewhere`: another node looks after it.
    """

    last_sweep: datetime | None = None
    trouble: str = ""
    is_elsewhere: bool = False
