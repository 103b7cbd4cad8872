"""Moments as the database keeps them: whole microseconds since 1970 UTC, so that they compare exactly everywhere."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """A tz-aware moment as the database keeps it."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The moment again, in UTC."""
    return _EPOCH + timedelta(microseconds=value)


def maybe_from(value: int | None) -> datetime | None:
    """`from_micros` for a column that may be NULL."""
    return None if value is None else from_micros(value)


def maybe_to(moment: datetime | None) -> int | None:
    """`to_micros` for a column that may be NULL."""
    return None if moment is None else to_micros(moment)
