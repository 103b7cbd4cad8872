"""Moments in words, in the reader's language and the desk's time zone. No clock: every moment is an argument."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_MONTHS = {
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split(),
    "en": "January February March April May June July August September October November December".split(),
}
_WEEKDAYS = {
    "ru": "понедельник вторник среда четверг пятница суббота воскресенье".split(),
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
}
_UNTIL_WEEKDAY = "понедельника вторника среды четверга пятницы субботы воскресенья".split()
_ZONE_NAMES = {"MSK": "МСК"}  # the one zone Russians call by its letters


def moment(at: datetime, timezone: str, language: str) -> str:
    """«среда, 25 ноября 2026 г., 14:05 (МСК, UTC+3)» · "Wednesday, 25 November 2026, 14:05 (UTC+3)"."""
    local = at.astimezone(ZoneInfo(timezone))
    return f"{_words(_WEEKDAYS, language)[local.weekday()]}, {stamp(at, timezone, language)} ({_zone(local, language)})"


def until(at: datetime, timezone: str, language: str) -> str:
    """«до среды, 25 ноября 2026 г., 14:05 (МСК, UTC+3)» · "until Wednesday, 25 November 2026, 14:05 (UTC+3)"."""
    if language != "ru":
        return f"until {moment(at, timezone, language)}"
    local = at.astimezone(ZoneInfo(timezone))
    return f"до {_UNTIL_WEEKDAY[local.weekday()]}, {stamp(at, timezone, language)} ({_zone(local, language)})"


def stamp(at: datetime, timezone: str, language: str) -> str:
    """«25 ноября 2026 г., 14:05» · "25 November 2026, 14:05": enough where the time zone is clear."""
    local = at.astimezone(ZoneInfo(timezone))
    return f"{day(local, language)}, {local:%H:%M}"


def day(one: date, language: str) -> str:
    """«25 ноября 2026 г.» · "25 November 2026"."""
    year = f"{one.year}\N{NO-BREAK SPACE}г." if language == "ru" else f"{one.year}"
    return f"{one.day}\N{NO-BREAK SPACE}{_words(_MONTHS, language)[one.month - 1]} {year}"


def _words(words: dict[str, list[str]], language: str) -> list[str]:
    return words.get(language) or words["en"]


def _zone(local: datetime, language: str) -> str:
    offset = local.utcoffset() or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    sign = "-" if offset < timedelta() else "+"
    shift = f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "") if offset else "UTC"
    name = _ZONE_NAMES.get(local.tzname() or "") if language == "ru" else None
    return f"{name}, {shift}" if name else shift
