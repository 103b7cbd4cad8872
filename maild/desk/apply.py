"""Carries out a decision inside the transaction that asked for it: each effect becomes rows, letters included."""

import secrets
from datetime import datetime

from maild.core.address import domain_of
from maild.core.effects import (
    OPENED,
    OPENED_NUMBER,
    AddMessage,
    Confirm,
    Decision,
    LetterBounced,
    OpenTicket,
    Record,
    Send,
    SetStatus,
)
from maild.core.tokens import message_id, new_nonce
from maild.desk.desk import Desk
from maild.store import outbox, tickets
from maild.store.db import Tx


def apply(
    tx: Tx, desk: Desk, decision: Decision, now: datetime, mail: int | None = None, message: int | None = None
) -> int | None:
    """Write a decision down; the number of its ticket, or None.

    `mail` is the ledger row that messages are cut from; `message` is what letters carry if no new one is added.
    """
    opened = OPENED
    for effect in decision.effects:
        match effect:
            case OpenTicket():
                opened = tickets.open_ticket(tx, effect, now)
            case AddMessage():
                message = tickets.add_message(tx, effect.ticket or opened, effect, mail)
            case SetStatus():
                tickets.set_status(tx, effect.ticket or opened, effect)
            case Confirm():
                tickets.confirm(tx, effect.ticket or opened, effect.at)
            case Record():
                reason = effect.reason.replace(OPENED_NUMBER, f"#{opened}")
                tickets.record(tx, effect.ticket or opened, effect, reason, now)
            case Send():
                queue_letter(tx, desk, effect, effect.ticket or opened, message if effect.has_message else None, now)
            case LetterBounced():
                outbox.bounced(tx, effect.letter, effect.status)
    return opened if decision.ticket == OPENED else decision.ticket


def queue_letter(tx: Tx, desk: Desk, send: Send, ticket: int, message: int | None, now: datetime) -> None:
    """Add one outbox row, with the Message-ID it will have at every attempt."""
    facts = tickets.tickets_by_number(tx, [ticket])[ticket]
    domain = domain_of(desk.policy.category(facts.category).address)
    nonce = new_nonce(secrets.token_bytes(10))
    identifier = message_id(desk.keys, ticket, send.to.address, send.purpose, nonce, domain)
    outbox.add(tx, send, ticket, message, identifier, now)
