"""The outbox: letters committed with the change that caused them, until the relay has taken them (or never will)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from maild.core.address import domain_of
from maild.core.effects import Send
from maild.core.tokens import Purpose
from maild.store.db import Row, Tx
from maild.store.times import from_micros, maybe_from, to_micros

LEASE = timedelta(seconds=60)  # renewed while a letter is under way; a sender that died gives its letters back
BELL = "letters"  # rung on all nodes for a letter to be sent


@dataclass(frozen=True, slots=True)
class Letter:
    """A row to be sent. `frozen` is None until its bytes have been made; then `mail_from` and `subject` are set too."""

    id: int
    created_at: datetime
    letter: str
    ticket: int | None
    message: int | None
    to_name: str
    to_address: str
    purpose: Purpose
    language: str
    context: Mapping[str, Any]
    message_id: str
    attempts: int
    subject: str | None
    mail_from: str | None
    frozen: bytes | None


_COLUMNS = (
    "id, created_at, letter, ticket, message, to_name, to_address, purpose, language, context, message_id, attempts,"
    " subject, mail_from, frozen"
)


def add(tx: Tx, send: Send, ticket: int | None, message: int | None, message_id: str, now: datetime) -> int:
    """Queue a letter; its id."""
    tx.ring(BELL)
    return tx.new_id(
        "INSERT INTO outbox (created_at, letter, ticket, message, to_address, to_name, to_domain, purpose, language,"
        " context, is_provoked, message_id, state, attempts, next_attempt_at, leased_until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, ?, 0) RETURNING id",
        to_micros(now), send.letter.value, ticket, message, send.to.address, send.to.name, domain_of(send.to.address),
        send.purpose.value, send.language, json.dumps(dict(send.context)), send.is_provoked, message_id, to_micros(now),
    )  # fmt: skip


def claim(tx: Tx, now: datetime, limit: int, filed: Sequence[str] = ()) -> list[Letter]:
    """Lease letters that are due, oldest first; not those to the addresses that are filed instead of being sent."""
    marks = ", ".join("?" * len(filed))
    return _claim(tx, now, limit, f" AND to_address NOT IN ({marks})" if filed else "", filed)


def claim_filed(tx: Tx, now: datetime, limit: int, address: str) -> list[Letter]:
    """Lease letters that are due and to be filed in the mailbox of that address, oldest first."""
    return _claim(tx, now, limit, " AND to_address = ?", (address,))


def _claim(tx: Tx, now: datetime, limit: int, to: str, addresses: Sequence[str]) -> list[Letter]:
    rows = tx.all(
        "UPDATE outbox SET leased_until = ? WHERE id IN (SELECT id FROM outbox WHERE state = 'queued'"
        f" AND next_attempt_at <= ? AND leased_until <= ?{to} ORDER BY next_attempt_at, id LIMIT ?{tx.skip_locked})"
        f" RETURNING {_COLUMNS}",
        to_micros(now + LEASE), to_micros(now), to_micros(now), *addresses, limit,
    )  # fmt: skip
    return sorted((_letter(row) for row in rows), key=lambda letter: letter.id)


def has_filed(tx: Tx, now: datetime, address: str) -> bool:
    """Is there a letter to be filed in the mailbox of that address?"""
    row = tx.one(
        "SELECT 1 FROM outbox WHERE state = 'queued' AND next_attempt_at <= ? AND leased_until <= ?"
        " AND to_address = ? LIMIT 1",
        to_micros(now), to_micros(now), address,
    )  # fmt: skip
    return row is not None


def waiting_since(tx: Tx, address: str, moment: datetime) -> list[Letter]:
    """Letters to that address that were queued before then and lie there still, oldest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM outbox WHERE state = 'queued' AND to_address = ? AND created_at < ?"
        " ORDER BY id LIMIT 100",
        address, to_micros(moment),
    )  # fmt: skip
    return [_letter(row) for row in rows]


def load(tx: Tx, letter: int) -> Letter | None:
    """One letter, whatever has become of it, or None."""
    row = tx.one(f"SELECT {_COLUMNS} FROM outbox WHERE id = ?", letter)
    return _letter(row) if row else None


def _letter(row: tuple[Any, ...]) -> Letter:
    return Letter(
        id=row[0],
        created_at=from_micros(row[1]),
        letter=row[2],
        ticket=row[3],
        message=row[4],
        to_name=row[5],
        to_address=row[6],
        purpose=Purpose(row[7]),
        language=row[8],
        context=json.loads(row[9]),
        message_id=row[10],
        attempts=row[11],
        subject=row[12],
        mail_from=row[13],
        frozen=bytes(row[14]) if row[14] is not None else None,
    )


def renew(tx: Tx, letters: Sequence[int], now: datetime) -> None:
    """These are still under way."""
    marks = ", ".join("?" * len(letters))
    tx.run(
        f"UPDATE outbox SET leased_until = ? WHERE id IN ({marks}) AND state = 'queued' AND leased_until > 0",
        to_micros(now + LEASE), *letters,
    )  # fmt: skip


def release_leases(tx: Tx) -> None:
    """Take back what an earlier run of this program was sending (SQLite: there is only one)."""
    tx.run("UPDATE outbox SET leased_until = 0 WHERE state = 'queued' AND leased_until > 0")


def freeze(tx: Tx, letter: int, subject: str, mail_from: str, data: bytes) -> bool:
    """Fix the bytes of a letter, before its first attempt. False if that is done.

    They are kept as they are: most of a large letter is base64, which takes long to compress and hardly shrinks.
    """
    return (
        tx.run(
            "UPDATE outbox SET subject = ?, mail_from = ?, frozen = ? WHERE id = ? AND frozen IS NULL",
            subject, mail_from, data, letter,
        ) > 0
    )  # fmt: skip


def subject_of(tx: Tx, letter: int) -> str:
    """The subject of a letter, "" if it has not been written."""
    row = tx.one("SELECT subject FROM outbox WHERE id = ?", letter)
    return str(row[0] or "") if row else ""


def sent(tx: Tx, letter: int, reply: str, now: datetime) -> None:
    """The relay has taken it. The bytes are kept no longer: Message-ID, subject and reply say what went out.

    Its bounce may be quicker than we are: then it is failed already, and stays so.
    """
    tx.run(
        "UPDATE outbox SET state = 'sent', attempts = attempts + 1, last_reply = ?, sent_at = ?, leased_until = 0,"
        " frozen = NULL WHERE id = ? AND state = 'queued'",
        reply, to_micros(now), letter,
    )  # fmt: skip


def later(tx: Tx, letter: int, reply: str, next_attempt_at: datetime) -> None:
    """It did not go out this time."""
    tx.run(
        "UPDATE outbox SET attempts = attempts + 1, last_reply = ?, next_attempt_at = ?, leased_until = 0"
        " WHERE id = ? AND state = 'queued'",
        reply, to_micros(next_attempt_at), letter,
    )  # fmt: skip


def thaw(tx: Tx, letter: int) -> None:
    """Let a letter be written anew at its next attempt. Only for bytes that have never left this machine."""
    tx.run("UPDATE outbox SET frozen = NULL WHERE id = ? AND state <> 'sent'", letter)


def failed(tx: Tx, letter: int, reply: str) -> bool:
    """It will never go out; False if that had been written down already."""
    changed = tx.run(
        "UPDATE outbox SET state = 'failed', attempts = attempts + 1, last_reply = ?, leased_until = 0"
        " WHERE id = ? AND state = 'queued'",
        reply, letter,
    )  # fmt: skip
    return changed > 0


def bounced(tx: Tx, letter: int, status: str) -> None:
    """It went out and came back."""
    tx.run("UPDATE outbox SET state = 'failed', last_reply = ? WHERE id = ?", f"bounced {status}".strip(), letter)


def retry(tx: Tx, letter: int, now: datetime) -> bool:
    """Try a queued or failed letter again at once; False if it was sent or is not there."""
    changed = tx.run(
        # The lease stays: a letter that is under way must not be sent a second time beside it.
        "UPDATE outbox SET state = 'queued', next_attempt_at = ? WHERE id = ? AND state <> 'sent'",
        to_micros(now), letter,
    )  # fmt: skip
    if changed:
        tx.run("DELETE FROM delivery_reports WHERE letter = ?", letter)
    return changed > 0


def drop(tx: Tx, letter: int, reply: str) -> bool:
    """A person decided that a letter shall not go out; False if it was sent or is not there."""
    return (
        tx.run("UPDATE outbox SET state = 'failed', last_reply = ? WHERE id = ? AND state = 'queued'", reply, letter)
        > 0
    )


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A letter as the lists show it."""

    id: int
    created_at: datetime
    to: str
    subject: str | None
    message_id: str
    ticket: int | None
    state: str
    attempts: int
    next_attempt_at: datetime | None
    last_reply: str | None
    letter: str


def rows(tx: Tx, *, state: str | None = None) -> list[OutboxRow]:
    """All letters, oldest first; only of one state, if asked. `next_attempt_at` is None when there will be none."""
    found = tx.all(
        "SELECT id, created_at, to_address, subject, message_id, ticket, state, attempts,"
        " CASE WHEN state = 'queued' THEN next_attempt_at END, last_reply, letter FROM outbox"
        " WHERE CAST(? AS TEXT) IS NULL OR state = ? ORDER BY id",
        state, state,
    )  # fmt: skip
    return [_outbox_row(row) for row in found]


def _outbox_row(row: Row) -> OutboxRow:
    values: list[Any] = list(row)
    values[1], values[8] = from_micros(row[1]), maybe_from(row[8])
    return OutboxRow(*values)


def depth(tx: Tx) -> dict[str, int]:
    """How many letters are in each state but sent."""
    return {
        row[0]: int(row[1])
        for row in tx.all("SELECT state, COUNT(*) FROM outbox WHERE state IN ('queued', 'failed') GROUP BY state")
    }
