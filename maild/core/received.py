"""When a mail was received: our commit, or earlier, when the border host in front of us took it (SPEC section 3).

A mail that waited in Postfix's queue while maild was down was on time for its deadline all the same.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from maild.core.mail import Envelope
from maild.core.policy import TrustRules
from maild.core.trust import is_written_by

# The first field of that name with its folded lines, anywhere in the header section (RFC 5322 §3.6.7).
_FIRST = re.compile(rb"(?:\A|\n)received:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE)
_SECTION_END = re.compile(rb"\r?\n\r?\n")
_LONGEST_QUEUE = timedelta(days=5)  # as long as MTAs keep a mail (RFC 5321 §4.5.4.1); an older date is not a queue


def received_moment(raw: bytes, envelope: Envelope, rules: TrustRules) -> datetime:
    """The moment that deadlines are judged by: from the topmost Received field if our border host wrote it, else now.

    Only from a trusted peer, and only if the field's `by` is in `trust.received_by` (default: the authserv-ids): a date
    that came with the mail must not turn back time.
    """
    now = envelope.received_at
    if not envelope.is_trusted_peer:
        return now
    end = _SECTION_END.search(raw)
    field = _FIRST.search(raw, 0, end.start() if end else len(raw))
    if field is None:
        return now
    value = field[1].decode("ascii", "replace")
    if not is_written_by(value, rules.received_by or rules.authserv_ids):
        return now
    moment = _date_of(value)
    return moment if moment and now - _LONGEST_QUEUE < moment < now else now


def _date_of(value: str) -> datetime | None:
    """The date behind the last semicolon, to the second; None if it is nonsense."""
    try:
        moment = parsedate_to_datetime(value.rpartition(";")[2].strip())
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
