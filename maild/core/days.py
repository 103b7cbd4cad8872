"""A day as people write it, in figures or with the month's name. Day first: the desk is not American."""

import re
from datetime import date

_YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})([-./])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})")
_YEAR = r"(?P<year>[0-9]{4}|[0-9]{2})(?:\s?(?:г|р|года|року)\.?)?"
_FIGURES = re.compile(rf"(?P<day>[0-9]{{1,2}})(?:\.\s?|/)(?P<month>[0-9]{{1,2}})(?:\.\s?|/){_YEAR}")
_HYPHENS = re.compile(r"(?P<day>[0-9]{1,2})-(?P<month>[0-9]{1,2})-(?P<year>[0-9]{4})")  # 25-03-12 may be either way
_DAY = r"(?P<day>[0-9]{1,2})(?:-?(?:го|е|st|nd|rd|th))?"
_NAMED = re.compile(rf"{_DAY}\s(?P<month>[^\W\d_]{{3,}})\.?,?\s{_YEAR}")  # 3 ноября 2026 г.
_NAMED_FIRST = re.compile(rf"(?P<month>[^\W\d_]{{3,}})\.?\s{_DAY},?\s{_YEAR}")  # November 3rd, 2026
_MONTHS = (
    "январь января січень січня january", "февраль февраля лютий лютого february", "март марта березень березня march",
    "апрель апреля квітень квітня april", "май мая травень травня may", "июнь июня червень червня june",
    "июль июля липень липня july", "август августа серпень серпня august",
    "сентябрь сентября вересень вересня september", "октябрь октября жовтень жовтня october",
    "ноябрь ноября листопад листопада november", "декабрь декабря грудень грудня december",
)  # fmt: skip


def read_day(said: str) -> date | None:
    """2026-11-23, 23.11.2026, 23 ноября 2026 г., November 23, 2026; None for anything else, the 31st of February too.

    A month's name may be cut short after three letters. A year in two figures is one from 1970 to 2069.
    """
    for pattern in (_YEAR_FIRST, _FIGURES, _HYPHENS, _NAMED, _NAMED_FIRST):
        if found := pattern.fullmatch(said.strip().casefold()):
            month = found["month"]
            try:
                return date(_year(found["year"]), int(month) if month.isdecimal() else _month(month), int(found["day"]))
            except ValueError:
                return None
    return None


def _year(figures: str) -> int:
    """«12.03.25» is of this century, a birthday in '84 of the last one."""
    year = int(figures)
    return year if len(figures) > 2 else year + (2000 if year < 70 else 1900)


def _month(name: str) -> int:
    """Its number, 0 for none."""
    return next((at for at, names in enumerate(_MONTHS, 1) if any(one.startswith(name) for one in names.split())), 0)
