"""A clock that only moves when told, and a look at the whole database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from maild.store.db import Store


@dataclass(slots=True)
class StillClock:
    """Stands in for `desk.now`."""

    moment: datetime = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.moment += by


def dump(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table: two of these are equal if nothing has changed in between."""
    names = store.read_now(lambda tx: tx.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"))
    return {name: store.read_now(lambda tx, table: tx.all(f"SELECT * FROM {table}"), name) for (name,) in names}
