"""Which letter of which ticket lies where in a mailbox, and the moves that have not been obeyed yet.

What is known here is what was last seen: the mailbox is the truth about places, the tickets about what ought to be.
A letter is known by its Message-ID; its UID is only where it was seen last, 0 as long as it has not been seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.core.ticket import Status
from maild.core.tokens import Purpose
from maild.store.db import Row, Tx
from maild.store.times import maybe_from, to_micros


@dataclass(frozen=True, slots=True)
class Filing:
    """A letter in a mailbox. `state` is begun (may lie there), filed or gone.

    `to_folder`: somebody has moved it there, which is obeyed at `due_at`. `missing_since`: it was not in `folder` then.
    `moving_to`: the desk itself is moving it there, and may have done so.
    """

    id: int
    mailbox: str
    ticket: int | None
    message_id: str
    purpose: Purpose
    state: str
    folder: str
    uidvalidity: int
    uid: int
    is_settled: bool
    missing_since: datetime | None
    to_folder: str | None
    to_uidvalidity: int | None
    to_uid: int | None
    seen_at: datetime | None
    due_at: datetime | None
    moving_to: str | None


_COLUMNS = (
    "id, mailbox, ticket, message_id, purpose, state, folder, uidvalidity, uid, is_settled, missing_since, to_folder,"
    " to_uidvalidity, to_uid, seen_at, due_at, moving_to"
)
_AT_ONCE = 500  # parameters of one statement
_SELECT = f"SELECT {_COLUMNS} FROM filings"
_NOT_MOVED = "to_folder = NULL, to_uidvalidity = NULL, to_uid = NULL, seen_at = NULL, due_at = NULL"


def _filing(row: Row) -> Filing:
    return Filing(
        id=row[0],
        mailbox=row[1],
        ticket=row[2],
        message_id=row[3],
        purpose=Purpose(row[4]),
        state=row[5],
        folder=row[6],
        uidvalidity=row[7],
        uid=row[8],
        is_settled=bool(row[9]),
        missing_since=maybe_from(row[10]),
        to_folder=row[11],
        to_uidvalidity=row[12],
        to_uid=row[13],
        seen_at=maybe_from(row[14]),
        due_at=maybe_from(row[15]),
        moving_to=row[16],
    )


def begin(tx: Tx, mailbox: str, ticket: int | None, message_id: str, purpose: Purpose, folder: str) -> Filing:
    """A letter is about to be put into a folder; what is known of it, if that was begun before."""
    known = of_message(tx, mailbox, message_id)
    if known:
        return known[0]
    tx.run(
        "INSERT INTO filings (mailbox, ticket, message_id, purpose, state, folder, uidvalidity, uid, is_settled)"
        " VALUES (?, ?, ?, ?, 'begun', ?, 0, 0, FALSE)",
        mailbox, ticket, message_id, purpose.value, folder,
    )  # fmt: skip
    return of_message(tx, mailbox, message_id)[0]


def of_message(tx: Tx, mailbox: str, message_id: str) -> list[Filing]:
    """The letters of that Message-ID in a mailbox."""
    rows = tx.all(f"{_SELECT} WHERE mailbox = ? AND message_id = ? ORDER BY id", mailbox, message_id)
    return [_filing(row) for row in rows]


def load(tx: Tx, filing: int) -> Filing | None:
    """One letter, locked, or None."""
    row = tx.one(f"{_SELECT} WHERE id = ?{tx.lock}", filing)
    return _filing(row) if row else None


def lies(tx: Tx, filing: int, folder: str, uidvalidity: int = 0, uid: int = 0) -> None:
    """It lies there, and no move is waiting."""
    tx.run(
        "UPDATE filings SET state = 'filed', folder = ?, uidvalidity = ?, uid = ?, missing_since = NULL,"
        f" moving_to = NULL, {_NOT_MOVED} WHERE id = ?",
        folder, uidvalidity, uid, filing,
    )  # fmt: skip


def appended(tx: Tx, filing: int) -> None:
    """It was put into its folder; under which UID is seen when that is looked through."""
    tx.run("UPDATE filings SET state = 'filed' WHERE id = ? AND state = 'begun'", filing)


def moved(tx: Tx, filing: int, folder: str, uidvalidity: int, uid: int, seen_at: datetime, due_at: datetime) -> None:
    """Somebody has moved it there; moved on before that is obeyed, the later place counts."""
    tx.run(
        "UPDATE filings SET state = 'filed', to_folder = ?, to_uidvalidity = ?, to_uid = ?, seen_at = ?, due_at = ?,"
        " moving_to = NULL WHERE id = ?",
        folder, uidvalidity, uid, to_micros(seen_at), to_micros(due_at), filing,
    )  # fmt: skip


def moving(tx: Tx, filings: Iterable[int], folder: str | None) -> None:
    """The desk is about to move these there; None: it is not."""
    for filing in filings:
        tx.run("UPDATE filings SET moving_to = ? WHERE id = ?", folder, filing)


def move_undone(tx: Tx, filing: int) -> None:
    """It lies no longer where it was moved to."""
    tx.run(f"UPDATE filings SET {_NOT_MOVED} WHERE id = ?", filing)


def put_off(tx: Tx, filing: int, due_at: datetime) -> None:
    """Look at the move again later."""
    tx.run("UPDATE filings SET due_at = ? WHERE id = ?", to_micros(due_at), filing)


def missing(tx: Tx, filing: int, now: datetime) -> None:
    """It lies no longer where it lay."""
    tx.run(
        "UPDATE filings SET uid = 0, missing_since = COALESCE(missing_since, ?) WHERE id = ?", to_micros(now), filing
    )


def gone(tx: Tx, filing: int) -> None:
    """It was taken out of the folders."""
    tx.run("UPDATE filings SET state = 'gone', missing_since = NULL WHERE id = ?", filing)


def settled(tx: Tx, filing: int) -> None:
    """It lies where it ought to, with the right keywords."""
    tx.run("UPDATE filings SET is_settled = TRUE, moving_to = NULL WHERE id = ?", filing)


def unsettle_one(tx: Tx, filing: int) -> None:
    """Look whether it lies where it ought to."""
    tx.run("UPDATE filings SET is_settled = FALSE WHERE id = ?", filing)


def ticket_changed(tx: Tx, ticket: int) -> None:
    """Its letters may have to lie elsewhere, or need other keywords."""
    tx.run("UPDATE filings SET is_settled = FALSE WHERE ticket = ? AND is_settled", ticket)


def unsettle(tx: Tx, mailbox: str, folders: Sequence[str]) -> None:
    """The configuration may have changed: look at the letters of all tickets in work, and at those in other folders."""
    marks = ", ".join("?" * len(folders))
    tx.run(
        f"UPDATE filings SET is_settled = FALSE WHERE mailbox = ? AND (folder NOT IN ({marks})"
        " OR ticket IN (SELECT number FROM tickets WHERE status <> 'closed'))",
        mailbox, *folders,
    )  # fmt: skip


def in_folder(tx: Tx, mailbox: str, folder: str) -> list[Filing]:
    """The letters that lay in a folder when it was looked through last, or were moved into it."""
    rows = tx.all(
        f"{_SELECT} WHERE mailbox = ? AND (folder = ? OR to_folder = ?) AND state = 'filed'", mailbox, folder, folder
    )
    return [_filing(row) for row in rows]


def due(tx: Tx, mailbox: str, now: datetime) -> list[Filing]:
    """The moves that are to be obeyed, in the order they were seen."""
    rows = tx.all(f"{_SELECT} WHERE mailbox = ? AND due_at <= ? ORDER BY due_at, id LIMIT 200", mailbox, to_micros(now))
    return [_filing(row) for row in rows]


def missing_before(tx: Tx, mailbox: str, moment: datetime) -> list[Filing]:
    """The letters that nobody has seen anywhere since then."""
    rows = tx.all(
        f"{_SELECT} WHERE mailbox = ? AND missing_since <= ? AND due_at IS NULL AND state = 'filed' ORDER BY id"
        " LIMIT 1000",
        mailbox, to_micros(moment),
    )  # fmt: skip
    return [_filing(row) for row in rows]


def unsettled(tx: Tx, mailbox: str, limit: int) -> list[Filing]:
    """Letters to be looked at that have been seen in their folder and that nobody is moving."""
    rows = tx.all(
        f"{_SELECT} WHERE mailbox = ? AND NOT is_settled AND state = 'filed' AND uid > 0 AND due_at IS NULL"
        " AND ticket IS NOT NULL ORDER BY id LIMIT ?",
        mailbox, limit,
    )  # fmt: skip
    return [_filing(row) for row in rows]


@dataclass(frozen=True, slots=True)
class TicketState:
    """What the folder and keywords of a ticket's letters depend on. `is_spam`: it was closed as spam."""

    status: Status
    category: str
    assignee: str
    priority: str
    is_spam: bool


def states(tx: Tx, numbers: Iterable[int]) -> dict[int, TicketState]:
    """The tickets of those numbers."""
    wanted = list(dict.fromkeys(numbers))
    if not wanted:
        return {}
    marks = ", ".join("?" * len(wanted))
    rows = tx.all(
        "SELECT number, status, category, assignee, priority, EXISTS (SELECT 1 FROM events e"
        f" WHERE e.ticket = tickets.number AND e.event = 'spam') FROM tickets WHERE number IN ({marks})",
        *wanted,
    )
    return {row[0]: TicketState(Status(row[1]), row[2], row[3] or "", row[4], bool(row[5])) for row in rows}


@dataclass(frozen=True, slots=True)
class Original:
    """A mail that was taken in from a mailbox and lies there still. `ticket` is None while, or if, it has none."""

    state: str
    ticket: int | None
    message_id: str


def originals(tx: Tx, keys: Sequence[str]) -> dict[str, Original]:
    """The mails that were taken from those places."""
    found: dict[str, Original] = {}
    for start in range(0, len(keys), _AT_ONCE):
        batch = keys[start : start + _AT_ONCE]
        rows = tx.all(
            "SELECT a.source_key, m.state, m.ticket, m.message_id FROM arrivals a JOIN mails m ON m.id = a.mail"
            f" WHERE a.source_key IN ({', '.join('?' * len(batch))})",
            *batch,
        )
        found |= {row[0]: Original(row[1], row[2], row[3]) for row in rows}
    return found


@dataclass(frozen=True, slots=True)
class Mark:
    """A folder has been looked through up to `uidnext` (exclusive); UIDs mean something only with `uidvalidity`."""

    uidvalidity: int
    uidnext: int


def mark_of(tx: Tx, mailbox: str, folder: str) -> Mark | None:
    """How far a folder has been looked through, None if never."""
    row = tx.one("SELECT uidvalidity, uidnext FROM folder_marks WHERE mailbox = ? AND folder = ?", mailbox, folder)
    return Mark(int(row[0]), int(row[1])) if row else None


def set_mark(tx: Tx, mailbox: str, folder: str, mark: Mark) -> None:
    """A folder has been looked through."""
    tx.run(
        "INSERT INTO folder_marks (mailbox, folder, uidvalidity, uidnext) VALUES (?, ?, ?, ?) ON CONFLICT"
        " (mailbox, folder) DO UPDATE SET uidvalidity = excluded.uidvalidity, uidnext = excluded.uidnext",
        mailbox, folder, mark.uidvalidity, mark.uidnext,
    )  # fmt: skip


def want_copy(tx: Tx, mailbox: str, message: int, letter: int) -> None:
    """An answer has been relayed: its first letter goes into Sent as well."""
    tx.run(
        "INSERT INTO sent_copies (mailbox, message, letter, is_done) VALUES (?, ?, ?, FALSE)"
        " ON CONFLICT (mailbox, message) DO NOTHING",
        mailbox, message, letter,
    )  # fmt: skip


def wanted_copies(tx: Tx, mailbox: str) -> list[int]:
    """The letters that are to be laid into Sent, oldest first."""
    rows = tx.all("SELECT letter FROM sent_copies WHERE mailbox = ? AND NOT is_done ORDER BY letter LIMIT 20", mailbox)
    return [int(row[0]) for row in rows]


def copied(tx: Tx, mailbox: str, letter: int) -> None:
    """That one lies there."""
    tx.run("UPDATE sent_copies SET is_done = TRUE WHERE mailbox = ? AND letter = ?", mailbox, letter)
