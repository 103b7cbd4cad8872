"""Rows for tests of the store."""

from datetime import datetime
from typing import Any

import pytest

from maild.core.effects import AddMessage, OpenTicket, Role, Send
from maild.core.identity import identity_of
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.tokens import Purpose
from maild.store import arrivals, ledger, outbox, tickets
from maild.store.db import Store, Tx
from maild.store.ledger import Fate
from maild.store.packing import pack
from tests.values import IVAN, NOW, make_envelope

only_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

RAW = b"Message-ID: <1@client.example>\r\nSubject: a\r\n\r\nHello.\r\n"


def delivery(raw: bytes = RAW, *, source_key: str | None = None, **envelope: Any) -> arrivals.Delivery:
    return arrivals.Delivery(pack(raw), identity_of(raw), make_envelope(**envelope), source_key)


def put(store: Store, raw: bytes = RAW, *, source_key: str | None = None, **envelope: Any) -> tuple[int, bool]:
    return store.run_now(arrivals.put, delivery(raw, source_key=source_key, **envelope))


def state(store: Store, mail: int) -> str:
    row = store.read_now(ledger.row, mail)
    assert row is not None
    return row.state


def settle(store: Store, mail: int, *, held: bool = False, ticket: int | None = None) -> None:
    spooled = store.read_now(ledger.load, mail)
    store.run_now(ledger.settle, spooled, fate(held=held, ticket=ticket))


def fate(*, held: bool = False, ticket: int | None = None) -> Fate:
    return Fate("held" if held else "done", "why", ticket, IVAN.address, "a", "mail", "unverified")


def count(store: Store, table: str) -> int:
    row = store.read_now(lambda tx: tx.one(f"SELECT COUNT(*) FROM {table}"))
    assert row is not None
    return int(row[0])


def open_ticket(tx: Tx, *people: Mailbox, now: datetime = NOW) -> int:
    return tickets.open_ticket(tx, OpenTicket("Счёт", "billing", "refund", people or (IVAN,), "ru"), now)


def new_ticket(store: Store, *people: Mailbox) -> int:
    return store.run_now(open_ticket, *people)


def message(**changes: Any) -> AddMessage:
    values: dict[str, Any] = {
        "ticket": 0, "author": IVAN, "role": Role.CUSTOMER, "text": "Где?", "reply": "Где?", "at": NOW, **changes,
    }  # fmt: skip
    return AddMessage(**values)


def add_letter(
    store: Store,
    ticket: int | None = None,
    *,
    to: str = IVAN.address,
    letter: Letter = Letter.ANSWER,
    now: datetime = NOW,
    message_id: str = "",
    is_provoked: bool = False,
    about: int | None = None,
) -> int:
    send = Send(letter, ticket or 0, Mailbox("Иван", to), Purpose.CUSTOMER, "ru", is_provoked=is_provoked)
    identifier = message_id or f"{count(store, 'outbox')}@desk.example"
    return store.run_now(outbox.add, send, ticket, about, identifier, now)
