"""Letters to support about the desk itself, not about a ticket: which mails are held."""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from maild.core.address import domain_of
from maild.core.effects import OPENED, Reason, Send
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.robots import LOOP_FIELD
from maild.core.route import category_for
from maild.core.sends import support_language
from maild.core.tokens import Purpose, new_nonce
from maild.desk.desk import Desk
from maild.mime.compose import Outgoing, compose
from maild.store import ledger, outbox
from maild.store.db import Tx

_BATCH = 100  # mails of one notice


async def announce_holds(desk: Desk) -> int:
    """Tell each category's team of the mails that were set aside since the last time; how many."""
    told = await desk.store.run(_announce, desk)
    if told:
        desk.wake.letters.set()
    return told


def _announce(tx: Tx, desk: Desk) -> int:
    now = desk.now()
    held = ledger.held_unannounced(tx, _BATCH)
    grouped: dict[str, list[ledger.LedgerRow]] = {}
    for row, recipients in held:
        grouped.setdefault(_category_of(desk, recipients), []).append(row)
        ledger.announced(tx, row.id, now)
    for key, rows in grouped.items():
        for address in desk.policy.category(key).team:
            _queue(tx, desk, key, address, rows, now)
    return len(held)


def _category_of(desk: Desk, recipients: Iterable[str]) -> str:
    routes = (category_for(recipient, desk.policy) for recipient in recipients)
    return next((route.category for route in routes if route), desk.policy.default_category)


def _queue(tx: Tx, desk: Desk, category: str, address: str, rows: Iterable[ledger.LedgerRow], now: datetime) -> None:
    send = Send(
        letter=Letter.HOLDS,
        ticket=OPENED,
        to=Mailbox("", address),
        purpose=Purpose.NOTE,
        language=support_language(desk.policy, address),
        context={"category": category, "holds": [_shown(row) for row in rows]},
    )
    domain = domain_of(desk.policy.category(category).address)
    outbox.add(tx, send, None, None, f"{new_nonce(secrets.token_bytes(10))}@{domain}", now)


def _shown(row: ledger.LedgerRow) -> dict[str, object]:
    return {"id": row.id, "from_": row.sender, "subject": row.subject, "reason": row.reason}


async def freeze_notice(desk: Desk, row: outbox.Letter) -> outbox.Letter:
    """Write a notice and make its bytes durable; the row with them. Its envelope sender is null: a bounce of a notice
    about trouble would only make more of it (RFC 5321 §4.5.5). Providers that force a sender do not take that one; a
    bounce is then known by our Message-ID and changes nothing but the letter's own state.
    """
    subject, data, packed = await asyncio.to_thread(_write, desk, row)
    mail_from = "" if desk.policy.verp else desk.policy.category(str(row.context["category"])).address
    await desk.store.run(outbox.freeze, row.id, subject, mail_from, packed)
    return replace(row, subject=subject, mail_from=mail_from, frozen=data)


def _write(desk: Desk, row: outbox.Letter) -> tuple[str, bytes, bytes]:
    category = desk.policy.category(str(row.context["category"]))
    rendered = desk.renderer.letter(Letter(row.letter), row.language, _context(desk, row))
    outgoing = Outgoing(
        from_name=desk.policy.from_name or desk.policy.name,
        from_address=category.address,
        to_name=row.to_name,
        to_address=row.to_address,
        reply_to="",
        subject=rendered.subject,
        date=row.created_at,
        message_id=row.message_id,
        references=(),
        text=rendered.text,
        html=rendered.html,
        auto_submitted="auto-generated",
        fields=((LOOP_FIELD, desk.instance),),
        smtputf8=not row.to_address.isascii(),
    )
    data = desk.sign(compose(outgoing), domain_of(outgoing.from_address))
    return rendered.subject, data, outbox.packed(data)


def _context(desk: Desk, row: outbox.Letter) -> dict[str, object]:
    holds = [
        {
            **hold,
            "reason": desk.renderer.held_reason(_name_of(hold["reason"]), row.language),
            # An agent's claim cannot be released, only sent again by him (SPEC section 5).
            "command": "" if desk.policy.is_support(hold["from_"]) else f"maild hold release {hold['id']}",
        }
        for hold in row.context.get("holds", [])
    ]
    return {
        "desk": {"name": desk.policy.name, "language": desk.policy.language},
        "timezone": desk.policy.timezone,
        "holds": holds,
    }


def _name_of(reason: str) -> str:
    return Reason(reason).name.removeprefix("HELD_").lower()
