"""When a mail was received: our commit, or earlier, when the border host in front of us took it (SPEC section 3).

A mail that waited in Postfix's queue while maild was down was on time for its deadline all the same.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from maild.core.mail import Envelope
from maild.core.policy import TrustRules
from maild.core.trust import is_written_by

_VALUE = re.compile(rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")  # with its folded lines (RFC 5322 §2.2.3)
_LONGEST_QUEUE = timedelta(days=5)  # as long as MTAs keep a mail (RFC 5321 §4.5.4.1); an older date is not a queue


def received_moment(raw: bytes, envelope: Envelope, rules: TrustRules) -> datetime:
    """The moment that deadlines are judged by: from the topmost Received field if our border host wrote it, else now.

    Only from a trusted peer, and only if the field's `by` is in `trust.received_by` (default: the authserv-ids): a date
    that came with the mail must not turn back time.
    """
    now = envelope.received_at
    if not envelope.is_trusted_peer or envelope.mailbox:  # that of a mailbox is its INTERNALDATE
        return now
    value = _first_received(raw)
    if not is_written_by(value, rules.received_by or rules.authserv_ids):
        return now
    moment = _date_of(value)
    return moment if moment and now - _LONGEST_QUEUE < moment < now else now


def _first_received(raw: bytes) -> str:
    """The value of the first field of that name (RFC 5322 §3.6.7), "" without one. Runs on every mail before the 250.

    Plain searches are five times as fast as one regular expression that ignores case.
    """
    end = raw.find(b"\n\r\n")
    end = end if end >= 0 else len(raw)
    earlier = raw.find(b"\n\n", 0, end)
    section = b"\n" + raw[: earlier if earlier >= 0 else end]
    start = section.lower().find(b"\nreceived:")
    value = _VALUE.match(section, start + len(b"\nreceived:")) if start >= 0 else None
    return value[0].decode("ascii", "replace") if value else ""


def _date_of(value: str) -> datetime | None:
    """The date behind the last semicolon, to the second; None if it is nonsense."""
    try:
        moment = parsedate_to_datetime(value.rpartition(";")[2].strip())
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
