"""A person is forgotten: bytes, words and names of his mails and tickets go, another address stands in for his.

What is left are skeletons: numbers, moments, statuses, and who of support did what. The audit list cannot be changed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.store import ledger, unreachable, words
from maild.store.db import Tx
from maild.store.packing import pack

SUBJECT = "(erased)"
_REASON = "erased"
_GONE = b""
_AT_ONCE = 500  # numbers in one statement
_KEPT = frozenset({"audit", "settings", "leases", "schema_migration", "sqlite_sequence"})
_ROWS = (
    ("people", "address"), ("muted", "address"), ("unreachable", "address"), ("cc_proposals", "address"),
    ("sessions", "address"), ("grants", "owner"), ("grants", "guest"), ("drafts", "person"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a person, as row numbers: tickets in which he is the customer, and those he only takes part in.

    `unclosed` are those of his own that are not closed; `audits` counts the acts that name him.
    """

    own: tuple[int, ...]
    unclosed: tuple[int, ...]
    shared: tuple[int, ...]
    mails: tuple[int, ...]
    letters: tuple[int, ...]
    audits: int

    def __bool__(self) -> bool:
        return bool(self.own or self.shared or self.mails or self.letters)


def known(tx: Tx, address: str) -> Known:
    """What is known of the person with that normalised address. Reads whole tables: it is asked once in a blue moon."""
    first = "SELECT MIN(o.position) FROM participants o WHERE o.ticket = p.ticket"
    rows = tx.all(
        f"SELECT p.ticket, p.position = ({first}), t.status FROM participants p JOIN tickets t ON t.number = p.ticket"
        " WHERE p.address = ? ORDER BY p.ticket",
        address,
    )
    own = tuple(row[0] for row in rows if row[1])
    letters = {row[0] for row in tx.all("SELECT id FROM outbox WHERE to_address = ?", address)}
    letters.update(_of(tx, "SELECT id FROM outbox WHERE ticket IN", own))
    audits = tx.one(f"SELECT COUNT(*) FROM audit WHERE who = ? OR {_holds('what')}", address, _within(address))
    return Known(
        own=own,
        unclosed=tuple(row[0] for row in rows if row[1] and row[2] != "closed"),
        shared=tuple(row[0] for row in rows if not row[1]),
        mails=_mails(tx, address, own),
        letters=tuple(sorted(letters)),
        audits=int(audits[0]) if audits else 0,
    )


def _mails(tx: Tx, address: str, own: Sequence[int]) -> tuple[int, ...]:
    """His own mails, and all mails of his own tickets: the others quote him."""
    found = {row[0] for row in tx.all("SELECT id FROM mails WHERE sender = ?", address)}
    found.update(row[0] for row in tx.all("SELECT mail FROM arrivals WHERE LOWER(mail_from) = ?", address))
    found.update(row[0] for row in tx.all("SELECT mail FROM messages WHERE author = ? AND mail IS NOT NULL", address))
    found.update(_of(tx, "SELECT id FROM mails WHERE ticket IN", own))
    found.update(_of(tx, "SELECT mail FROM messages WHERE mail IS NOT NULL AND ticket IN", own))
    return tuple(sorted(found))


def _of(tx: Tx, select: str, numbers: Sequence[int]) -> Iterator[int]:
    for some in _some(numbers):
        yield from (row[0] for row in tx.all(f"{select} ({_marks(some)})", *some))


def erase(tx: Tx, address: str, what: Known, stand_in: str, now: datetime) -> None:
    """Forget it all. `stand_in` is an address that nobody has; no letter is ever sent there."""
    _each(tx, what.mails, "UPDATE mails SET octets = ?, subject = '' WHERE id IN", _GONE)
    _each(tx, what.mails, "UPDATE mails SET state = 'done', reason = ? WHERE state <> 'done' AND id IN", _REASON)
    _each(tx, what.mails, "UPDATE arrivals SET is_routed = TRUE, peer = '', results = '', form = '' WHERE mail IN")
    _each(tx, what.mails, "DELETE FROM dropped WHERE mail IN")
    silent = "text = '', reply = '', attachments = '[]', message_id = ''"
    _each(tx, what.own, f"UPDATE messages SET {silent} WHERE ticket IN")
    tx.run(f"UPDATE messages SET {silent}, author_name = '' WHERE author = ?", address)
    _each(tx, what.own, "UPDATE tickets SET subject = ?, fields = '{}', tags = '[]' WHERE number IN", SUBJECT)
    _each(
        tx, what.letters, "UPDATE outbox SET state = 'failed', last_reply = ? WHERE state = 'queued' AND id IN", _REASON
    )
    _each(tx, what.letters, "UPDATE outbox SET subject = NULL, frozen = NULL, context = '{}' WHERE id IN")
    tx.run("UPDATE outbox SET to_name = '', to_domain = '' WHERE to_address = ?", address)
    tx.run(f"UPDATE outbox SET context = '{{}}' WHERE state <> 'queued' AND {_holds('context')}", _within(address))
    tx.run("UPDATE participants SET name = '' WHERE address = ?", address)
    _each(tx, what.shared, "DELETE FROM participants WHERE address = ? AND ticket IN", address)
    tx.run("DELETE FROM draft_files WHERE draft IN (SELECT id FROM drafts WHERE person = ?)", address)
    for table, column in _ROWS:
        tx.run(f"DELETE FROM {table} WHERE {column} = ?", address)
    written = re.compile(rf"(?<![\w.+%'-]){re.escape(address)}(?![\w-]|\.\w)", re.IGNORECASE)
    _replace_everywhere(tx, address, lambda text: written.sub(stand_in, text))
    _replace_in_raw(
        tx,
        set(_of(tx, "SELECT mail FROM messages WHERE mail IS NOT NULL AND ticket IN", what.shared)),
        lambda raw: re.sub(written.pattern.encode(), stand_in.encode(), raw, flags=re.IGNORECASE),
    )
    for ticket in (*what.own, *what.shared):
        words.index(tx, ticket)
    unreachable.add(tx, stand_in, now)


def _replace_everywhere(tx: Tx, address: str, change: Callable[[str], str]) -> None:
    """Wherever the address still stands in a text of any table but the audit list: events, recipients, quotes."""
    for table, column in tx.text_columns():
        if table not in _KEPT:
            _replace(tx, table, column, _within(address), change)


def _replace_in_raw(tx: Tx, mails: Iterable[int], change: Callable[[bytes], bytes]) -> None:
    """Mails of others in tickets that he took part in name him as a recipient."""
    for mail in mails:
        raw = ledger.raw(tx, mail)
        if raw is not None and (changed := change(raw)) != raw:
            tx.run("UPDATE mails SET octets = ? WHERE id = ?", pack(changed).data, mail)


def _replace(tx: Tx, table: str, column: str, like: str, change: Callable[[str], str]) -> None:
    found = tx.all(f'SELECT DISTINCT "{column}" FROM "{table}" WHERE {_holds(column)}', like)
    for (text,) in found:
        changed = change(text)
        if changed != text:
            tx.run(f'UPDATE "{table}" SET "{column}" = ? WHERE "{column}" = ?', changed, text)


def _holds(column: str) -> str:
    """Does that column hold what `_within` names, in any case?"""
    return f"LOWER(\"{column}\") LIKE ? ESCAPE '!'"


def _within(address: str) -> str:
    """The address to the letter: `_` and `%` in it stand for themselves."""
    return f"%{address.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"


def _each(tx: Tx, numbers: Sequence[int], statement: str, *values: object) -> None:
    for some in _some(numbers):
        tx.run(f"{statement} ({_marks(some)})", *values, *some)


def _some(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + _AT_ONCE] for start in range(0, len(numbers), _AT_ONCE))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
