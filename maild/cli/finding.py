"""One line of `maild check`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """How it is, what was looked at, and what was seen or is to be done."""

    level: Literal["ok", "warning", "error"]
    what: str
    words: str
