"""Which language each person is written to in: what his mails have told, or what he has chosen himself."""

from collections.abc import Iterable

from maild.store.db import Tx

_LATEST = 20  # tickets in which somebody's name is looked for
_CHUNK = 500  # parameters of one statement; SQLite and PostgreSQL both take many more


def languages(tx: Tx, addresses: Iterable[str]) -> dict[str, str]:
    """The language of each of these (normalised) addresses that has one."""
    some = [address for address in dict.fromkeys(addresses) if address][:_CHUNK]
    if not some:
        return {}
    marks = ", ".join("?" * len(some))
    return {row[0]: row[1] for row in tx.all(f"SELECT address, language FROM people WHERE address IN ({marks})", *some)}


def learn(tx: Tx, address: str, language: str) -> None:
    """A mail has told it. What somebody has chosen himself stays."""
    tx.run(
        "INSERT INTO people (address, language, is_chosen) VALUES (?, ?, FALSE)"
        " ON CONFLICT (address) DO UPDATE SET language = excluded.language WHERE people.is_chosen = FALSE",
        address, language,
    )  # fmt: skip


def choose(tx: Tx, address: str, language: str) -> None:
    """He wants it so."""
    tx.run(
        "INSERT INTO people (address, language, is_chosen) VALUES (?, ?, TRUE)"
        " ON CONFLICT (address) DO UPDATE SET language = excluded.language, is_chosen = TRUE",
        address, language,
    )  # fmt: skip


def is_known(tx: Tx, address: str) -> bool:
    """Has this person anything to do with the desk: a ticket, a language?

    Access to somebody's account tells nothing of him: anybody may give it to any address.
    """
    return any(
        tx.one(f"SELECT 1 FROM {table} WHERE address = ? LIMIT 1", address) for table in ("participants", "people")
    )


def name_of(tx: Tx, address: str) -> str:
    """What this person last called himself, "" if that is not known."""
    row = tx.one(
        "SELECT name FROM (SELECT name, created_at, ticket FROM participants WHERE address = ?"
        " ORDER BY created_at DESC, ticket DESC LIMIT ?) AS latest WHERE name <> ''"
        " ORDER BY created_at DESC, ticket DESC LIMIT 1",
        address, _LATEST,
    )  # fmt: skip
    return str(row[0]) if row else ""
