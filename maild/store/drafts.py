"""Questions that are typed and not sent: with something wrong, or by somebody who has to sign in first."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from maild.store.db import Tx
from maild.store.times import to_micros

DRAFT_AGE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Draft:
    """`person` is the address it was typed for, "" for none yet; `fields` are the values of the card by key.

    `ticket` is the one that it answers, 0 for a new question.
    """

    id: str
    person: str
    category: str
    topic: str
    words: str
    fields: Mapping[str, str] = field(default_factory=dict)
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A file of a draft; `content` is None where only the list is wanted."""

    position: int
    name: str
    type: str
    size: int
    content: bytes | None = None


def put(tx: Tx, draft: Draft, now: datetime) -> None:
    """Keep a draft, in place of what was kept under its id."""
    tx.run(
        "INSERT INTO drafts (id, person, ticket, at, category, topic, fields, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET person = excluded.person, at = excluded.at, category = excluded.category,"
        " topic = excluded.topic, fields = excluded.fields, words = excluded.words",
        draft.id, draft.person, draft.ticket, to_micros(now), draft.category, draft.topic,
        json.dumps(dict(draft.fields), ensure_ascii=False), draft.words,
    )  # fmt: skip


def add_files(tx: Tx, draft: str, files: Sequence[tuple[str, str, bytes]]) -> None:
    """Keep files (name, type, content) behind those that are kept already."""
    row = tx.one("SELECT COALESCE(MAX(position), 0) FROM draft_files WHERE draft = ?", draft)
    last = int(row[0]) if row else 0
    for position, (name, type_, content) in enumerate(files, last + 1):
        tx.run(
            "INSERT INTO draft_files (draft, position, name, type, size, octets) VALUES (?, ?, ?, ?, ?, ?)",
            draft, position, name, type_, len(content), content,
        )  # fmt: skip


def copy_files(tx: Tx, draft: str, other: str) -> None:
    """The files of one draft are another's as well."""
    tx.run(
        "INSERT INTO draft_files (draft, position, name, type, size, octets)"
        " SELECT ?, position, name, type, size, octets FROM draft_files WHERE draft = ?",
        other, draft,
    )  # fmt: skip


def drop_files(tx: Tx, draft: str, positions: Sequence[int]) -> None:
    """He does not want these any more."""
    for position in positions:
        tx.run("DELETE FROM draft_files WHERE draft = ? AND position = ?", draft, position)


def draft(tx: Tx, id_: str) -> Draft | None:
    """The draft of that id, or None."""
    row = tx.one("SELECT id, person, category, topic, words, fields, ticket FROM drafts WHERE id = ?", id_)
    return Draft(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]), int(row[6])) if row else None


def newest_of(tx: Tx, person: str, ticket: int = 0) -> Draft | None:
    """What was last typed for that address and not sent: a new question, or an answer in that ticket."""
    row = tx.one("SELECT id FROM drafts WHERE person = ? AND ticket = ? ORDER BY at DESC, id LIMIT 1", person, ticket)
    return draft(tx, row[0]) if row else None


def files_of(tx: Tx, draft: str, *, with_content: bool = False) -> list[DraftFile]:
    """The files of a draft, in the order in which they were added."""
    octets = "octets" if with_content else "NULL"
    rows = tx.all(
        f"SELECT position, name, type, size, {octets} FROM draft_files WHERE draft = ? ORDER BY position", draft
    )
    return [DraftFile(row[0], row[1], row[2], row[3], bytes(row[4]) if with_content else None) for row in rows]


def octets(tx: Tx) -> int:
    """How much room all drafts take up, about: characters of text count as octets."""
    files = tx.one("SELECT COALESCE(SUM(size), 0) FROM draft_files")
    typed = tx.one("SELECT COALESCE(SUM(LENGTH(words) + LENGTH(fields)), 0) FROM drafts")
    return sum(int(row[0]) for row in (files, typed) if row)


def remove(tx: Tx, id_: str) -> None:
    """It was sent, or is not wanted any more."""
    tx.run("DELETE FROM draft_files WHERE draft = ?", id_)
    tx.run("DELETE FROM drafts WHERE id = ?", id_)


def forget(tx: Tx, before: datetime) -> int:
    """Remove what nobody came back for; how many."""
    old = "SELECT id FROM drafts WHERE at < ?"
    tx.run(f"DELETE FROM draft_files WHERE draft IN ({old})", to_micros(before))
    return tx.run("DELETE FROM drafts WHERE at < ?", to_micros(before))
