"""How far each mailbox on a server has been read. A UID means something only together with the folder's UIDVALIDITY."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.store.db import Tx
from maild.store.times import from_micros, maybe_from, to_micros

_AT_ONCE = 500  # UIDs of one statement
OLDER = "older than the desk"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a folder has been read: `next_uid` is the first that has never been seen.

    Mail below `first_uid` was there before the desk came and is none of its business; mail below `silent_uid` was
    there as well, but is taken, and nobody is written to. `started_at` is when that was. `is_second`: the folder has
    another UIDVALIDITY by now, so that only moments tell what is old. `swept_at`: all mail that had come in by then is
    in the ledger; None before the first time.
    """

    name: str
    uidvalidity: int
    first_uid: int
    silent_uid: int
    next_uid: int
    started_at: datetime
    is_second: bool = False
    swept_at: datetime | None = None

    @property
    def takes_old(self) -> bool:
        """Is mail taken that was there before the desk came?"""
        return self.silent_uid > 0

    def is_old(self, uid: int, received_at: datetime) -> bool:
        """Was that message there before the desk came? A server's moments know no parts of seconds."""
        is_earlier = received_at < self.started_at.replace(microsecond=0)
        return is_earlier if self.is_second else uid < max(self.first_uid, self.silent_uid)


def source_key(name: str, uidvalidity: int, uid: int) -> str:
    """What names a message in the ledger for ever."""
    return f"imap:{uidvalidity}:{uid}:{name}"


def progress(tx: Tx, name: str) -> Progress | None:
    """How far that folder has been read, None if it never was."""
    row = tx.one(
        "SELECT uidvalidity, first_uid, silent_uid, next_uid, started_at, is_second, swept_at"
        " FROM mailboxes WHERE name = ?",
        name,
    )
    if row is None:
        return None
    return Progress(name, row[0], row[1], row[2], row[3], from_micros(row[4]), bool(row[5]), maybe_from(row[6]))


def begin(tx: Tx, start: Progress) -> None:
    """Read a folder from that point on."""
    tx.run(
        "INSERT INTO mailboxes (name, uidvalidity, first_uid, silent_uid, next_uid, started_at, is_second,"
        " swept_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET uidvalidity = excluded.uidvalidity,"
        " first_uid = excluded.first_uid, silent_uid = excluded.silent_uid, next_uid = excluded.next_uid,"
        " is_second = excluded.is_second",
        start.name, start.uidvalidity, start.first_uid, start.silent_uid, start.next_uid,
        to_micros(start.started_at), start.is_second, to_micros(start.swept_at) if start.swept_at else None,
    )  # fmt: skip


def move_on(tx: Tx, name: str, uidvalidity: int, uid: int) -> None:
    """That message is in the ledger now."""
    tx.run(
        "UPDATE mailboxes SET next_uid = ? WHERE name = ? AND uidvalidity = ? AND next_uid <= ?",
        uid + 1, name, uidvalidity, uid,
    )  # fmt: skip


def pass_over(tx: Tx, name: str, uidvalidity: int, uids: Iterable[int], reason: str, now: datetime) -> None:
    """These messages are not to be taken, and why."""
    for uid in uids:
        tx.run(
            "INSERT INTO mailbox_passed (name, uidvalidity, uid, reason, at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name, uidvalidity, uid) DO NOTHING",
            name, uidvalidity, uid, reason, to_micros(now),
        )  # fmt: skip
        move_on(tx, name, uidvalidity, uid)


def try_again(tx: Tx, name: str) -> None:
    """What could not be taken is tried once more: server or program may have been mended."""
    tx.run("DELETE FROM mailbox_passed WHERE name = ? AND reason <> ?", name, OLDER)


def take_older(tx: Tx, name: str) -> None:
    """What was there before the desk came is to be taken all the same."""
    tx.run("DELETE FROM mailbox_passed WHERE name = ? AND reason = ?", name, OLDER)


def in_ledger(tx: Tx, name: str, uidvalidity: int, uids: Sequence[int]) -> set[int]:
    """Those of the messages that are in the ledger."""
    keys = {source_key(name, uidvalidity, uid): uid for uid in uids}
    found: set[int] = set()
    for batch in _batches(list(keys)):
        rows = tx.all(f"SELECT source_key FROM arrivals WHERE source_key IN ({_marks(batch)})", *batch)
        found.update(keys[row[0]] for row in rows)
    return found


def passed_over(tx: Tx, name: str, uidvalidity: int) -> dict[int, str]:
    """The messages that are not taken, with the reason."""
    rows = tx.all("SELECT uid, reason FROM mailbox_passed WHERE name = ? AND uidvalidity = ?", name, uidvalidity)
    return {int(row[0]): str(row[1]) for row in rows}


def older(tx: Tx, name: str, uidvalidity: int, uids: Iterable[int]) -> set[int]:
    """Those of the messages that were there before the desk came and will never be taken."""
    wanted, found = list(uids), set[int]()
    for start in range(0, len(wanted), _AT_ONCE):
        batch = wanted[start : start + _AT_ONCE]
        rows = tx.all(
            "SELECT uid FROM mailbox_passed WHERE name = ? AND uidvalidity = ? AND reason = ?"
            f" AND uid IN ({', '.join('?' * len(batch))})",
            name, uidvalidity, OLDER, *batch,
        )  # fmt: skip
        found.update(int(row[0]) for row in rows)
    return found


def unknown(tx: Tx, name: str, uidvalidity: int, uids: Sequence[int]) -> list[int]:
    """Those of the messages that nothing has become of yet, in their order."""
    known = in_ledger(tx, name, uidvalidity, uids) | passed_over(tx, name, uidvalidity).keys()
    return [uid for uid in uids if uid not in known]


def swept(tx: Tx, name: str, at: datetime) -> None:
    """Everything that had come into the folder by that moment is in the ledger."""
    tx.run(
        "UPDATE mailboxes SET swept_at = ? WHERE name = ? AND (swept_at IS NULL OR swept_at < ?)",
        to_micros(at), name, to_micros(at),
    )  # fmt: skip


def last_sweeps(tx: Tx, names: Iterable[str]) -> dict[str, datetime | None]:
    """When each of them was swept last, None for never."""
    found = {name: progress(tx, name) for name in names}
    return {name: one.swept_at if one else None for name, one in found.items()}


def _batches(keys: list[str]) -> Iterable[list[str]]:
    return (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))


def _marks(batch: Sequence[str]) -> str:
    return ", ".join("?" * len(batch))
