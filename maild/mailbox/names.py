"""Folder names, strings and dates as IMAP writes them."""

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DATE = re.compile(r"\s*(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-]\d{4})")
_ENCODED = re.compile(r"&([^-]*)-")
_TO_ENCODE = re.compile(r"[^\x20-\x7e]+|&")


def quoted(text: str) -> str:
    """A quoted string (RFC 3501 §9). Raises ValueError for what cannot stand in one."""
    if re.search(r"[\x00\r\n]", text):
        raise ValueError("a name with a line end or NUL")
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def encoded_name(name: str) -> str:
    """A folder's name as it goes over the wire: modified UTF-7 (RFC 3501 §5.1.3)."""
    return _TO_ENCODE.sub(lambda found: "&-" if found[0] == "&" else f"&{_base64(found[0])}-", name)


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-16-be", "surrogatepass")).decode().rstrip("=").replace("/", ",")


def decoded_name(name: bytes) -> str:
    """A folder's name as people read it; one that is not modified UTF-7 stays as it is."""
    text = name.decode("utf-8", "surrogateescape")
    try:
        return _ENCODED.sub(lambda found: _plain(found[1]) if found[1] else "&", text)
    except ValueError:
        return text


def _plain(encoded: str) -> str:
    padded = encoded.replace(",", "/") + "=" * (-len(encoded) % 4)
    return b64decode(padded, validate=True).decode("utf-16-be")


def written_date(moment: datetime) -> str:
    """A date-time for APPEND (RFC 3501 §9), in UTC: month names of no locale."""
    moment = moment.astimezone(UTC)
    return f'"{moment.day:2d}-{_MONTHS[moment.month - 1]}-{moment.year:04d} {moment:%H:%M:%S} +0000"'


def read_date(text: bytes) -> datetime | None:
    """An INTERNALDATE, None if it is nonsense."""
    match = _DATE.match(text.decode("latin-1"))
    if match is None or match[2].title() not in _MONTHS:
        return None
    day, month, year, *clock = match.group(1, 2, 3, 4, 5, 6)
    month = str(_MONTHS.index(month.title()) + 1)
    try:
        return datetime.strptime(
            f"{year} {month} {day} {':'.join(clock)} {match[7]}", "%Y %m %d %H:%M:%S %z"
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
