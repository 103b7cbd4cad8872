"""`maild stats`: how the desk is doing, in numbers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from maild.cli.open import opened_desk
from maild.cli.show import as_json, counted, json_line, table

if TYPE_CHECKING:
    from maild.store.stats import Answering
    from maild.store.tx import Tx

_STATUSES = ("incomplete", "new", "open", "pending", "solved", "closed")
_EVER = datetime(1970, 1, 1, tzinfo=UTC)

Times = dict[str, int | None]


@click.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Count only what began on that day or later (UTC).")
@as_json
def stats(since: datetime | None, is_json: bool) -> None:
    """Count tickets by status and category, how long they wait, how soon they are answered; mails and letters."""
    with opened_desk() as desk:
        numbers = desk.store.read_now(_numbers, since.replace(tzinfo=UTC) if since else _EVER, desk.now())
    if is_json:
        json_line(numbers)
    else:
        _print(numbers)


def _numbers(tx: "Tx", since: datetime, now: datetime) -> dict[str, object]:
    from maild.store import stats as counts

    found = counts.tickets_by(tx, since)
    answers = counts.first_answers(tx, since)
    taken = [each.answered_at - each.opened_at for each in answers if each.answered_at]
    return {
        "tickets": sum(count for *_, count in found),
        "by_status": {name: sum(n for _, status, n in found if status == name) for name in _STATUSES},
        "by_category": _by_category(found),
        "waiting": _times([now - moment for moment in counts.waiting_since(tx, since)]),
        "first_answer": {**_times(taken), "unanswered": _unanswered(answers)},
        "mails": counts.mails_by_state(tx, since),
        "doors": counts.mails_by_door(tx, since),
        "letters": counts.letters_by_state(tx, since),
    }


def _by_category(found: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    categories: dict[str, dict[str, int]] = {}
    for category, status, count in found:
        categories.setdefault(category, dict.fromkeys(_STATUSES, 0))[status] = count
    return categories


def _times(taken: Sequence[timedelta]) -> Times:
    """Seconds; null where there is nothing to measure."""
    seconds = sorted(max(0, int(each.total_seconds())) for each in taken)

    def at(share: float) -> int | None:
        return seconds[min(len(seconds) - 1, int(share * len(seconds)))] if seconds else None

    return {
        "count": len(seconds),
        "median_seconds": at(0.5),
        "p90_seconds": at(0.9),
        "longest_seconds": seconds[-1] if seconds else None,
    }


def _unanswered(answers: "Iterable[Answering]") -> int:
    return sum(each.answered_at is None for each in answers)


def _print(numbers: Mapping[str, object]) -> None:
    categories: Mapping[str, Mapping[str, int]] = numbers["by_category"]  # type: ignore[assignment] # as made above
    rows = [(category, *counts.values(), sum(counts.values())) for category, counts in categories.items()]
    table(("category", *_STATUSES, "all"), rows, "There are no tickets.")
    for key, words in (("waiting", "Waiting for support"), ("first_answer", "Until the first answer")):
        times: Mapping[str, int | None] = numbers[key]  # type: ignore[assignment]
        click.echo(f"{words}: {counted(times['count'] or 0, 'ticket')}{_spans(times)}")
    for key, words in (("mails", "Mails"), ("doors", "Deliveries"), ("letters", "Letters")):
        counts: Mapping[str, int] = numbers[key]  # type: ignore[assignment]
        click.echo(f"{words}: {', '.join(f'{name} {count}' for name, count in sorted(counts.items())) or 'none'}")


def _spans(times: Mapping[str, int | None]) -> str:
    shown = [("median", "median_seconds"), ("nine of ten", "p90_seconds"), ("longest", "longest_seconds")]
    words = [f"{name} {timedelta(seconds=value)}" for name, key in shown if (value := times[key]) is not None]
    return f", {', '.join(words)}" if words else ""
