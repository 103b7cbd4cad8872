"""The JSON objects that programs read: keys and values are a contract, absent values are null."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from maild.cli.show import maybe_rfc3339, rfc3339
from maild.core.address import normalise
from maild.core.mail import Attachment, Bounce, Mail, Mailbox
from maild.core.match import numbers_in
from maild.store.audit import AuditRow
from maild.store.deliveries import LetterState
from maild.store.grants import Grant
from maild.store.ledger import LedgerRow
from maild.store.lists import EventRow, MessageRow, TicketRow
from maild.store.outbox import OutboxRow

if TYPE_CHECKING:
    from maild.mailbox.shadow import Shadowed

Json = dict[str, Any]


def explained(file: str, mail: Mail, tag: str) -> Json:
    """What we understand of one mail; `tag` is what stands before ticket numbers in subjects."""
    return {
        "file": file,
        "kind": mail.kind.value,
        "from": _person(mail.author),
        "to": [person.address for person in mail.to if person.address],
        "subject": mail.subject or None,
        "date": maybe_rfc3339(mail.date),
        "message_id": mail.message_id or None,
        "in_reply_to": next(iter(mail.in_reply_to), None),
        "references": list(mail.references),
        "text": mail.text,
        "reply": mail.reply,
        "html_safe": mail.html_safe or None,
        "attachments": [{**_file(file), "sha256": file.sha256, "inline": file.inline} for file in mail.attachments],
        "language": mail.language or None,
        "courtesy": mail.is_courtesy,
        "charset_guessed": mail.is_charset_guessed,
        "bounce": _bounce(mail.bounce),
        "defects": list(mail.defects),
        "numbers": list(numbers_in(mail.subject, tag)),
        "error": mail.error,
    }


def _person(person: Mailbox | None) -> Json | None:
    return {"name": person.name or None, "address": person.address or None} if person else None


def _file(file: Attachment) -> Json:
    return {"name": file.name, "type": file.type, "size": file.size}


def _bounce(bounce: Bounce | None) -> Json | None:
    if bounce is None:
        return None
    return {
        "recipients": [
            {"address": one.address or None, "status": one.status or None, "action": one.action or None}
            for one in bounce.recipients
        ],
        "original_message_id": bounce.original_message_id or None,
    }


def mail_object(row: LedgerRow, mail: Mail, trust: str) -> Json:
    """A mail of the ledger with its words. `trust` is the verdict, for mails that have not been settled yet too."""
    return {
        "id": row.id,
        "received_at": rfc3339(row.received_at),
        "door": row.door,
        "message_id": mail.message_id or None,
        "ticket": row.ticket,
        "from": (normalise(mail.author.address) or None) if mail.author else None,
        "subject": mail.subject or None,
        "text": mail.text,
        "attachments": [_file(file) for file in mail.attachments],
        "trusted": trust == "verified",
        "trust": trust,
        "kind": mail.kind.value,
        "state": row.state,
        "reason": row.reason or None,
    }


def held_object(row: LedgerRow, mail: Mail, trust: str) -> Json:
    """A held mail: the mail's object and why it was set aside."""
    return {**mail_object(row, mail, trust), "hold_reason": row.reason or None}


def ticket_object(row: TicketRow) -> Json:
    """A ticket as lists have it."""
    return {
        "number": row.number,
        "subject": row.subject,
        "status": row.status,
        "category": row.category,
        "topic": row.topic or None,
        "customer": next(iter(row.participants), None),
        "created_at": rfc3339(row.created_at),
        "solved_at": maybe_rfc3339(row.solved_at),
        "reopen_until": maybe_rfc3339(row.reopen_until),
        "confirmed_at": maybe_rfc3339(row.confirmed_at),
        "follow_up_of": row.follow_up_of,
        "merged_into": row.merged_into,
        "participants": list(row.participants),
        "fields": dict(row.fields),
        "tags": list(row.tags),
        "assignee": row.assignee or None,
        "priority": row.priority,
    }


def thread_object(
    row: TicketRow,
    messages: Sequence[MessageRow],
    events: Sequence[EventRow],
    ways: Sequence[tuple[LetterState, str, str]],
) -> Json:
    """A ticket with its thread, its history and its letters, each with the status and reason for not arriving."""
    return {
        **ticket_object(row),
        "messages": [_message(message) for message in messages],
        "events": [_event(event) for event in events],
        "deliveries": [_delivery(*way) for way in ways],
    }


def _delivery(letter: LetterState, status: str, reason: str) -> Json:
    return {
        "id": letter.id,
        "at": rfc3339(letter.at),
        "letter": letter.letter,
        "to": letter.to,
        "message_id": letter.message_id,
        "state": letter.state.value,
        "status": status or None,
        "reason": reason or None,
        "reply": letter.reply or None,
        "changed_at": maybe_rfc3339(letter.changed_at),
    }


def _message(message: MessageRow) -> Json:
    return {
        "id": message.id,
        "at": rfc3339(message.at),
        "author": message.author,
        "role": message.role.value,
        "kind": "note" if message.is_note else "public",
        "text": message.text,
        "reply": message.reply,
        "attachments": [{**_file(file), "sha256": file.sha256} for file in message.attachments],
    }


def _event(event: EventRow) -> Json:
    return {
        "at": rfc3339(event.at),
        "event": event.event,
        "who": event.who or None,
        "via": event.via or None,
        "reason": event.reason or None,
    }


def grant_object(row: Grant) -> Json:
    """A guest of somebody's account."""
    return {"owner": row.owner, "guest": row.guest, "at": rfc3339(row.at)}


def audit_object(row: AuditRow) -> Json:
    """An act of the audit list."""
    return {
        "id": row.id,
        "at": rfc3339(row.at),
        "act": row.act,
        "who": row.who,
        "via": row.via,
        "what": row.what,
        "reason": row.reason or None,
    }


def shadow_object(mailbox: str, one: "Shadowed") -> Json:
    """A message of a mailbox in shadow, and what would become of it. `ticket` 0 is a new one."""
    foreseen = one.foreseen
    author = foreseen.mail.author
    return {
        "mailbox": mailbox,
        "uid": one.uid,
        "received_at": rfc3339(one.received_at),
        "from": (normalise(author.address) or None) if author else None,
        "subject": foreseen.mail.subject or None,
        "kind": foreseen.mail.kind.value,
        "trust": foreseen.trust,
        "held": foreseen.is_held,
        "reason": foreseen.reason,
        "ticket": foreseen.ticket,
        "category": foreseen.category or None,
        "letters": [{"letter": letter, "to": to} for letter, to in foreseen.letters],
    }


def letter_object(row: OutboxRow) -> Json:
    """A letter of the outbox; without a subject until it has been written."""
    return {
        "id": row.id,
        "created_at": rfc3339(row.created_at),
        "to": row.to,
        "subject": row.subject,
        "message_id": row.message_id,
        "ticket": row.ticket,
        "state": row.state,
        "attempts": row.attempts,
        "next_attempt_at": maybe_rfc3339(row.next_attempt_at),
        "last_reply": row.last_reply or None,
    }
