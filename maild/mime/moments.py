"""Date fields to moments in UTC (RFC 5322 §3.3, §4.3), also as programs write them that know another form.

No clock: a date that cannot be understood is None, never now.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_ISO = re.compile(r"\d{4}-\d\d-\d\d")  # some programs write ISO 8601
_FRACTION = re.compile(r"(:\d\d)\.\d+")
_ZONE_WITH_SHIFT = re.compile(r"\b(?:GMT|UTC|UT)[ ]?([+-]\d)")  # JavaScript: "GMT+0300 (MSK)"
_SHORT_ZONE = re.compile(r"([+-])(\d{1,2})(?::?(\d\d))?(?=\s*(?:\(|$))")
_ZONES = {
    "MSK": "+0300",
    "MSD": "+0400",
    "EET": "+0200",
    "EEST": "+0300",
    "CET": "+0100",
    "CEST": "+0200",
    "MET": "+0100",
    "MEST": "+0200",
    "WET": "+0000",
    "WEST": "+0100",
    "BST": "+0100",
    "JST": "+0900",
    "KST": "+0900",
}
_NAMED_ZONE = re.compile(rf"(\d )\(?({'|'.join(_ZONES)})\b\)?\s*$")
_MAX_LENGTH = 200


def repaired(value: str) -> str:
    """A date in words that the parsers of RFC 5322 understand."""
    date = _FRACTION.sub(r"\1", value[:_MAX_LENGTH].replace('"', "").strip())
    date = _ZONE_WITH_SHIFT.sub(r"\1", date)
    date = _NAMED_ZONE.sub(lambda match: match[1] + _ZONES[match[2]], date)
    return _SHORT_ZONE.sub(_full_zone, date) if ":" in date else date


def _full_zone(match: re.Match[str]) -> str:
    """+3, +03 and +03:00 as +0300."""
    return f"{match[1]}{match[2]:0>2}{match[3] or '00'}"


def read(date: object, value: str) -> datetime | None:
    """The moment in UTC. `date` is what mail-parser made of the field `value`, if it is a datetime."""
    try:
        moment = date if isinstance(date, datetime) else _read(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _read(value: str) -> datetime:
    """Raises ValueError and others for nonsense."""
    date = repaired(value)
    return datetime.fromisoformat(date) if _ISO.match(date) else parsedate_to_datetime(date)
