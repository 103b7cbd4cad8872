"""Carries out a decision inside the transaction that asked for it: each effect becomes rows, letters included."""

import secrets
from dataclasses import replace
from datetime import datetime

from maild.core.address import domain_of
from maild.core.changes import Assigned, Change, Joined, Merged, Moved, Muted, Prioritised, Snoozed, Tagged
from maild.core.effects import (
    OPENED,
    OPENED_NUMBER,
    AddMessage,
    Confirm,
    Decision,
    Effect,
    Event,
    LetterBounced,
    LetterReported,
    Mute,
    OpenTicket,
    OverBudget,
    ProposeCc,
    Record,
    Reminded,
    Send,
    SetFields,
    SetStatus,
)
from maild.core.facts import TicketFacts
from maild.core.reports import Delivery
from maild.core.sends import failure_letters
from maild.core.tokens import message_id, new_nonce
from maild.desk.budget import tell_of_budget
from maild.desk.desk import Desk
from maild.store import changes, deliveries, muted, outbox, people, proposals, tickets, unreachable, words
from maild.store.db import Tx

_NOT_TRIED = "5.1.1 not tried: an earlier letter to this address came back"


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
                message = _say(tx, effect, effect.ticket or opened, mail)
            case Moved() | Merged() | Assigned() | Tagged() | Prioritised() | Joined() | Snoozed() | Muted():
                changes.make(tx, _number(effect, opened), effect, now)
            case SetStatus() | SetFields() | Confirm() | Reminded() | ProposeCc():
                _change(tx, effect, effect.ticket or opened, now)
            case Record():
                reason = effect.reason.replace(OPENED_NUMBER, f"#{opened}")
                tickets.record(tx, effect.ticket or opened, effect, reason, now)
            case Send():
                send = _about(effect, mail)
                queue_letter(tx, desk, send, effect.ticket or opened, message if effect.has_message else None, now)
            case LetterBounced() | LetterReported() | Mute():
                _note(tx, effect, now)
            case OverBudget():
                tell_of_budget(tx, desk, effect.category, now)
    _index(tx, decision, opened)
    return opened if decision.ticket == OPENED else decision.ticket


def _index(tx: Tx, decision: Decision, opened: int) -> None:
    """What can be found now, once for each ticket."""
    for ticket in {_about_words(effect, opened) for effect in decision.effects}:
        if ticket is not None:
            words.index(tx, ticket)


def _about_words(effect: Effect, opened: int) -> int | None:
    """The ticket of which something else can be found after that effect, or by somebody else."""
    match effect:
        case OpenTicket():
            return opened
        case AddMessage() | Joined():
            return effect.ticket or opened
        case Merged():
            return effect.into
    return None


def _change(tx: Tx, effect: SetStatus | SetFields | Confirm | Reminded | ProposeCc, ticket: int, now: datetime) -> None:
    """The ticket itself is other than before."""
    match effect:
        case SetStatus():
            tickets.set_status(tx, ticket, effect, now)
        case SetFields():
            tickets.set_fields(tx, ticket, effect.values)
        case Confirm():
            tickets.confirm(tx, ticket, effect.at)
        case Reminded():
            tickets.remind(tx, ticket, effect.at)
        case ProposeCc():
            proposals.propose(tx, ticket, effect.people, now)


def _number(change: Change, opened: int) -> int:
    return opened if isinstance(change, Muted) else change.ticket or opened


def _about(send: Send, mail: int | None) -> Send:
    """A letter about a held mail has to know which one it is."""
    return replace(send, context={**send.context, "mail": mail}) if "hold" in send.context else send


def _say(tx: Tx, message: AddMessage, ticket: int, mail: int | None) -> int:
    """A new entry of the thread. Who writes a mail can be written to again, in his language."""
    if mail is not None:
        unreachable.remove(tx, message.author.address)
    if message.language:
        people.learn(tx, message.author.address, message.language)
    seen = tickets.pictures_in(tx, ticket) if any(file.inline for file in message.attachments) else frozenset()
    files = tuple(replace(file, is_repeated=file.inline and file.sha256 in seen) for file in message.attachments)
    return tickets.add_message(tx, ticket, replace(message, attachments=files), mail)


def _note(tx: Tx, effect: LetterBounced | LetterReported | Mute, now: datetime) -> None:
    """What has been learned of a letter or an address."""
    match effect:
        case LetterBounced():
            outbox.bounced(tx, effect.letter, effect.status)
            deliveries.report(tx, effect.letter, Delivery.BOUNCED, effect.status, now)
            if effect.unreachable:
                unreachable.add(tx, effect.unreachable, now)
        case LetterReported():
            deliveries.report(tx, effect.letter, effect.state, effect.status, now)
        case Mute(is_spam=True):
            muted.add(tx, effect.address, now)
        case Mute():
            muted.remove(tx, effect.address)


def queue_letter(tx: Tx, desk: Desk, send: Send, ticket: int, message: int | None, now: datetime) -> None:
    """Add one outbox row, with the Message-ID it will have at every attempt. A letter about no ticket is a notice.

    One to an address that does not exist fails at once; the team is told of the first in a ticket.
    """
    if ticket == OPENED:
        queue_notice(tx, desk, send, now)
        return
    facts = tickets.tickets_by_number(tx, [ticket])[ticket]
    domain = domain_of(desk.policy.category(facts.category).address)
    nonce = new_nonce(secrets.token_bytes(10))
    identifier = message_id(desk.keys, ticket, send.to.address, send.purpose, nonce, domain)
    letter = outbox.add(tx, send, ticket, message, identifier, now)
    if since := unreachable.since(tx, send.to.address):
        outbox.drop(tx, letter, _NOT_TRIED)
        entry = Record(ticket, Event.DELIVERY_FAILED, send.to.address, "smtp", _NOT_TRIED)
        is_told = tickets.is_recorded(tx, ticket, entry, since)
        tickets.record(tx, ticket, entry, _NOT_TRIED, now)
        if not is_told:
            _tell_unreachable(tx, desk, send, facts, now)


def queue_notice(tx: Tx, desk: Desk, send: Send, now: datetime) -> None:
    """Add a letter to support that belongs to no ticket; its context names the category that it is sent for."""
    domain = domain_of(desk.policy.category(str(send.context["category"])).address)
    outbox.add(tx, send, None, None, f"{new_nonce(secrets.token_bytes(10))}@{domain}", now)


def _tell_unreachable(tx: Tx, desk: Desk, send: Send, ticket: TicketFacts, now: datetime) -> None:
    sends = failure_letters(
        desk.policy,
        ticket.category,
        ticket.number,
        letter=send.letter,
        to=send.to.address,
        subject=f"{desk.policy.tag(ticket.number)} {ticket.subject}",
        reason=_NOT_TRIED,
        is_stopped=True,
    )
    for each in sends:
        queue_letter(tx, desk, each, ticket.number, None, now)
