"""The mail ledger: every mail that came in, once, with its envelopes and its fate. Nothing leaves it silently."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from maild.core.effects import Reason
from maild.core.facts import Approval
from maild.core.mail import Door, Envelope, Form, Mark
from maild.store import approvals
from maild.store.db import Row, Tx
from maild.store.packing import unpack, unpack_head
from maild.store.times import from_micros, to_micros

LEASE = timedelta(seconds=60)  # a worker that died gives its mails back after that
MAX_ATTEMPTS = 3
BELL = "mail"  # rung on all nodes for a mail to be understood


@dataclass(frozen=True, slots=True)
class SpooledMail:
    """A mail to be understood.

    `arrivals` are the deliveries not yet routed, oldest first, up to the row `last_arrival`; `known_rcpts` are the
    recipients of those that have been: if there are any, the mail itself is settled and only has to be told to more.
    `approval`: support let this mail through as its own; without one, `is_released` is for a customer's.
    """

    id: int
    raw: bytes
    attempts: int
    ticket: int | None
    is_released: bool
    arrivals: tuple[Envelope, ...]
    last_arrival: int
    known_rcpts: frozenset[str]
    approval: Approval | None = None


def claim(tx: Tx, now: datetime, limit: int) -> list[int]:
    """Lease the oldest spooled mails that nobody is working on; their ids in order of arrival."""
    rows = tx.all(
        "UPDATE mails SET leased_until = ? WHERE id IN (SELECT id FROM mails"
        f" WHERE state = 'spooled' AND leased_until <= ? ORDER BY id LIMIT ?{tx.skip_locked}) RETURNING id",
        to_micros(now + LEASE), to_micros(now), limit,
    )  # fmt: skip
    return sorted(int(row[0]) for row in rows)


def load(tx: Tx, mail: int) -> SpooledMail:
    """A mail with its deliveries. Raises LookupError if there is none."""
    row = tx.one("SELECT octets, attempts, ticket, is_released FROM mails WHERE id = ?", mail)
    if row is None:
        raise LookupError(f"no mail {mail}")
    rows = tx.all(
        'SELECT door, peer, is_trusted_peer, "user", mail_from, rcpt_tos, received_at, results, is_silent,'
        " mark, form, is_routed, id FROM arrivals WHERE mail = ? ORDER BY id",
        mail,
    )
    approval = approvals.of_mail(tx, mail) if row[3] else None
    return SpooledMail(
        id=mail,
        raw=unpack(row[0]),
        attempts=int(row[1]),
        ticket=row[2],
        is_released=bool(row[3]) and approval is None,
        arrivals=tuple(_envelope(entry) for entry in rows if not entry[11]),
        last_arrival=max(int(entry[12]) for entry in rows),
        known_rcpts=frozenset(address for entry in rows if entry[11] for address in json.loads(entry[5])),
        approval=approval,
    )


_HEAD = 256 * 2**10  # octets
_DELIVERED = (
    'SELECT door, peer, is_trusted_peer, "user", mail_from, rcpt_tos, received_at, results, is_silent, mark, form,'
    " mail"
    " FROM arrivals"
)


def _envelope(row: Row) -> Envelope:
    return Envelope(
        mail_from=row[4],
        rcpt_tos=tuple(json.loads(row[5])),
        door=Door(row[0]),
        peer=row[1],
        is_trusted_peer=bool(row[2]),
        user=row[3],
        received_at=from_micros(row[6]),
        results=row[7],
        is_silent=bool(row[8]),
        mark=Mark(row[9]),
        form=Form(**json.loads(row[10])) if row[10] else None,
    )


def is_still_ours(tx: Tx, mail: SpooledMail) -> bool:
    """Does that mail still wait as it was loaded? Another worker may have settled it after our lease ran out."""
    if tx.one(f"SELECT 1 FROM mails WHERE id = ? AND state = 'spooled'{tx.lock}", mail.id) is None:
        return False
    row = tx.one("SELECT is_routed FROM arrivals WHERE id = ?", mail.last_arrival)
    return row is not None and not row[0]


def answers_waiting(tx: Tx, mail: int, references: Sequence[str]) -> bool:
    """Is a mail that this one answers, and that came before it, still to be understood, perhaps by another node?"""
    if not references:
        return False
    marks = ", ".join("?" * len(references))
    waiting = f"SELECT 1 FROM mails WHERE message_id IN ({marks}) AND state = 'spooled' AND id < ? LIMIT 1"
    return tx.one(waiting, *references, mail) is not None


def has_any(tx: Tx, message_ids: Sequence[str]) -> bool:
    """Has a mail of one of these Message-IDs come in?"""
    marks = ", ".join("?" * len(message_ids))
    return (
        bool(message_ids)
        and tx.one(f"SELECT 1 FROM mails WHERE message_id IN ({marks}) LIMIT 1", *message_ids) is not None
    )


def from_portal(tx: Tx, message_id: str) -> int | None:
    """The mail of that Message-ID that somebody typed into a form of ours; None if there is none."""
    portal = "SELECT 1 FROM arrivals WHERE mail = mails.id AND door = ?"
    row = tx.one(f"SELECT id FROM mails WHERE message_id = ? AND EXISTS ({portal})", message_id, Door.PORTAL.value)
    return int(row[0]) if row else None


def put_off(tx: Tx, mail: int, until: datetime) -> None:
    """Not now; nothing is wrong with it."""
    tx.run("UPDATE mails SET leased_until = ? WHERE id = ?", to_micros(until), mail)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mail. `state` is done or held."""

    state: str
    reason: str
    ticket: int | None
    sender: str
    subject: str
    kind: str
    trust: str


def settle(tx: Tx, mail: SpooledMail, fate: Fate) -> None:
    """Write down what became of a mail. A delivery that came in meanwhile brings it back to the workers.

    The deliveries of a mail that is held stay to be routed: when it is replayed or released, all of them count.
    """
    tx.run(
        "UPDATE mails SET reason = ?, ticket = COALESCE(?, ticket), sender = ?, subject = ?, kind = ?, trust = ?,"
        " is_released = FALSE WHERE id = ?",
        fate.reason, fate.ticket, fate.sender, fate.subject, fate.kind, fate.trust, mail.id,
    )  # fmt: skip
    if mail.approval is not None:
        approvals.remove(tx, mail.id)
    if fate.state == "held":
        hold(tx, mail.id, fate.reason)
    else:
        settle_arrivals(tx, mail)


def settle_arrivals(tx: Tx, mail: SpooledMail) -> None:
    """Mark the deliveries that were looked at as routed; if none is left, the mail is done."""
    tx.run("UPDATE arrivals SET is_routed = TRUE WHERE mail = ? AND id <= ?", mail.id, mail.last_arrival)
    tx.run(
        "UPDATE mails SET leased_until = 0, attempts = 0, state = CASE WHEN EXISTS (SELECT 1 FROM arrivals"
        " WHERE mail = mails.id AND NOT is_routed) THEN 'spooled' ELSE 'done' END WHERE id = ?",
        mail.id,
    )  # fmt: skip


def put_back(tx: Tx, mail: int, now: datetime, delay: timedelta) -> int:
    """Handling failed: count it, try again after a while. How often it has; 0 if the mail waits no longer."""
    row = tx.one(
        "UPDATE mails SET leased_until = ?, attempts = attempts + 1 WHERE id = ? AND state = 'spooled'"
        " RETURNING attempts",
        to_micros(now + delay), mail,
    )  # fmt: skip
    return int(row[0]) if row else 0


def release_leases(tx: Tx) -> None:
    """Take back what an earlier run of this program was working on (SQLite: there is only one)."""
    tx.run("UPDATE mails SET leased_until = 0 WHERE state = 'spooled' AND leased_until > 0 AND attempts = 0")


def hold(tx: Tx, mail: int, reason: str) -> None:
    """Set a mail aside for a person. Its deliveries stay to be routed."""
    tx.run("UPDATE mails SET state = 'held', reason = ?, leased_until = 0 WHERE id = ?", reason, mail)


def replay(tx: Tx, mail: int, *, is_released: bool) -> bool:
    """Hand a held mail to the workers again; False if it is not held."""
    changed = tx.run(
        "UPDATE mails SET state = 'spooled', attempts = 0, leased_until = 0, is_released = ?, announced_at = NULL"
        " WHERE id = ? AND state = 'held'",
        is_released, mail,
    )  # fmt: skip
    tx.ring(BELL)
    return changed > 0


def vouch(tx: Tx, mail: int) -> None:
    """A held mail of support's turned out to lie in Sent: that says who wrote it. Hand it to the workers again."""
    reasons = (Reason.HELD_AGENT_UNVERIFIED.value, Reason.HELD_AGENT_UNPROVEN.value)
    if tx.run(
        "UPDATE mails SET state = 'spooled', attempts = 0, leased_until = 0, announced_at = NULL"
        " WHERE id = ? AND state = 'held' AND reason IN (?, ?)",
        mail, *reasons,
    ):  # fmt: skip
        tx.ring(BELL)


def look_again(tx: Tx, message_id: str, but: int) -> None:
    """Held mails of that Message-ID, but for one, are handed to the workers again: their author has been heard."""
    if message_id and tx.run(
        "UPDATE mails SET state = 'spooled', attempts = 0, leased_until = 0 WHERE message_id = ? AND id <> ?"
        " AND state = 'held'",
        message_id, but,
    ):  # fmt: skip
        tx.ring(BELL)


def announced(tx: Tx, mail: int, now: datetime) -> None:
    """The team has been told that this mail is held."""
    tx.run("UPDATE mails SET announced_at = ? WHERE id = ?", to_micros(now), mail)


def drop(tx: Tx, mail: int, reason: str, now: datetime) -> bool:
    """A person decided that nothing shall come of a held mail, nor of later deliveries.

    The row stays, its raw bytes as long as `retention.holds` says.
    """
    changed = tx.run("UPDATE mails SET state = 'done', reason = ? WHERE id = ? AND state = 'held'", reason, mail)
    if changed:
        tx.run(
            "INSERT INTO dropped (mail, at) VALUES (?, ?) ON CONFLICT (mail) DO UPDATE SET at = excluded.at",
            mail, to_micros(now),
        )  # fmt: skip
        tx.run("UPDATE arrivals SET is_routed = TRUE WHERE mail = ?", mail)
    return changed > 0


def raw(tx: Tx, mail: int) -> bytes | None:
    """The mail as it came over the wire; None if there is no such mail, or its bytes are kept no longer."""
    row = tx.one("SELECT octets FROM mails WHERE id = ?", mail)
    return unpack(row[0]) if row and row[0] else None


def has_raw(tx: Tx, mail: int) -> bool:
    """Are the bytes of that mail still kept?"""
    return tx.one("SELECT 1 FROM mails WHERE id = ? AND length(octets) > 0", mail) is not None


def head(tx: Tx, mail: int) -> bytes:
    """The first 256 KiB of a mail, which is all that a header section may have; b"" if there is none."""
    row = tx.one("SELECT octets FROM mails WHERE id = ?", mail)
    return unpack_head(row[0], _HEAD) if row else b""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A mail as the lists show it; `door` is that of its first delivery."""

    id: int
    received_at: datetime
    door: str
    message_id: str
    ticket: int | None
    sender: str
    subject: str
    kind: str
    trust: str
    state: str
    reason: str


_ROW = (
    "SELECT m.id, m.received_at, (SELECT a.door FROM arrivals a WHERE a.mail = m.id ORDER BY a.id LIMIT 1),"
    " m.message_id, m.ticket, m.sender, m.subject, m.kind, m.trust, m.state, m.reason FROM mails m"
)


def rows(tx: Tx, *, state: str | None = None) -> list[LedgerRow]:
    """The ledger, oldest first; only of one state, if asked."""
    if state is None:
        return [_row(found) for found in tx.all(f"{_ROW} ORDER BY m.id")]
    return [_row(found) for found in tx.all(f"{_ROW} WHERE m.state = ? ORDER BY m.id", state)]


def row(tx: Tx, mail: int) -> LedgerRow | None:
    """One mail, or None."""
    found = tx.one(f"{_ROW} WHERE m.id = ?", mail)
    return _row(found) if found else None


def recent(tx: Tx, limit: int) -> list[tuple[int, Envelope]]:
    """The newest deliveries, newest first: which mail, and how it came."""
    return [(int(found[11]), _envelope(found)) for found in tx.all(f"{_DELIVERED} ORDER BY id DESC LIMIT ?", limit)]


def envelope_of(tx: Tx, mail: int) -> Envelope | None:
    """How that mail came the first time, or None."""
    found = tx.one(f"{_DELIVERED} WHERE mail = ? ORDER BY id LIMIT 1", mail)
    return _envelope(found) if found else None


def _row(found: Row) -> LedgerRow:
    return LedgerRow(found[0], from_micros(found[1]), *found[2:])


def depth(tx: Tx) -> dict[str, int]:
    """How many mails are in each state but done."""
    found = tx.all("SELECT state, COUNT(*) FROM mails WHERE state IN ('spooled', 'held') GROUP BY state")
    return {row[0]: int(row[1]) for row in found}


def held_unannounced(tx: Tx, limit: int) -> list[tuple[LedgerRow, list[str]]]:
    """Held mails that nobody has been told of, oldest first, each with the recipients of its first delivery."""
    numbers = tx.all(
        f"SELECT id FROM mails WHERE state = 'held' AND announced_at IS NULL ORDER BY id LIMIT ?{tx.skip_locked}",
        limit,
    )
    found = [row(tx, number[0]) for number in numbers]
    return [(held, recipients_of(tx, held.id)) for held in found if held]


def held_before(tx: Tx, moment: datetime, limit: int) -> list[LedgerRow]:
    """Mails that somebody could have decided about since before that moment and that are held still, oldest first.

    Old mail that was brought in is as young as its hold.
    """
    return [
        _row(found)
        for found in tx.all(
            f"{_ROW} WHERE m.state = 'held' AND COALESCE(m.announced_at, m.received_at) < ? ORDER BY m.id LIMIT ?",
            to_micros(moment),
            limit,
        )
    ]


def is_silent(tx: Tx, mail: int) -> bool:
    """Was that mail brought in, and nothing else, so that nobody is written to about it?"""
    return tx.one("SELECT 1 FROM arrivals WHERE mail = ? AND NOT is_silent", mail) is None


def recipients_of(tx: Tx, mail: int) -> list[str]:
    """The recipients of the first delivery of a mail."""
    row = tx.one("SELECT rcpt_tos FROM arrivals WHERE mail = ? ORDER BY id LIMIT 1", mail)
    return list(json.loads(row[0])) if row else []
