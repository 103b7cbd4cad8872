"""People who were in Cc of a customer's mail: proposed to support, no participants of the ticket yet."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from maild.core.mail import Mailbox
from maild.store.db import Tx
from maild.store.times import to_micros


def propose(tx: Tx, ticket: int, people: Iterable[Mailbox], now: datetime) -> None:
    """Note them down; who is proposed already stays so."""
    for person in people:
        tx.run(
            "INSERT INTO cc_proposals (ticket, address, name, at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (ticket, address) DO NOTHING",
            ticket, person.address, person.name, to_micros(now),
        )  # fmt: skip


def proposed(tx: Tx, tickets: Sequence[int]) -> dict[int, list[Mailbox]]:
    """Who is proposed in each of these tickets, in the order of the proposals."""
    marks = ", ".join("?" * len(tickets))
    rows = tx.all(
        f"SELECT ticket, name, address FROM cc_proposals WHERE ticket IN ({marks}) ORDER BY ticket, at, address",
        *tickets,
    )
    people: dict[int, list[Mailbox]] = {}
    for ticket, name, address in rows:
        people.setdefault(ticket, []).append(Mailbox(name, address))
    return people


def settle(tx: Tx, ticket: int, address: str) -> None:
    """That person has joined the ticket, or never shall."""
    tx.run("DELETE FROM cc_proposals WHERE ticket = ? AND address = ?", ticket, address)
