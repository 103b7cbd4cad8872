"""Letters that belong to no ticket: which mails are held, and why; what a customer asked the desk about his tickets."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from maild.core.address import domain_of
from maild.core.effects import OPENED, Reason, Send
from maild.core.letter import FOR_TEAM, Letter
from maild.core.mail import Mailbox
from maild.core.requests import Scope
from maild.core.robots import LOOP_FIELD
from maild.core.sends import support_language
from maild.core.tokens import HeldAction, Purpose
from maild.desk.apply import queue_notice
from maild.desk.catalogue import catalogue
from maild.desk.desk import Desk
from maild.desk.held_links import actions_for, category_of, held_context, links_for
from maild.desk.languages import language_links
from maild.desk.login import LOGIN_AGE, login_url
from maild.mime.compose import Outgoing, compose
from maild.store import ledger, outbox
from maild.store.db import Tx
from maild.store.mine import OwnTicket, tickets_of

_BATCH = 100  # mails of one notice
_WITHOUT_OFFER = FOR_TEAM | {Letter.LOGIN}  # a login letter has one link, and that is the one to enter by


async def announce_holds(desk: Desk) -> int:
    """Tell each category's team of the mails that were set aside since the last time; how many."""
    told = await desk.store.run(_announce, desk)
    if told:
        desk.wake.letters.set()
    return told


def _announce(tx: Tx, desk: Desk) -> int:
    now = desk.now()
    held = ledger.held_unannounced(tx, _BATCH)
    _tell_teams(tx, desk, Letter.HOLDS, held)
    for row, _ in held:
        ledger.announced(tx, row.id, now)
    return len(held)


def tell_expired(tx: Tx, desk: Desk, rows: Iterable[ledger.LedgerRow]) -> None:
    """Tell the teams of mails that nobody has decided about for so long that they are dropped now."""
    _tell_teams(tx, desk, Letter.HOLDS_OVER, [(row, ledger.recipients_of(tx, row.id)) for row in rows])


def _tell_teams(tx: Tx, desk: Desk, letter: Letter, held: Iterable[tuple[ledger.LedgerRow, Iterable[str]]]) -> None:
    grouped: dict[str, list[ledger.LedgerRow]] = {}
    for row, recipients in held:
        grouped.setdefault(category_of(desk, recipients), []).append(row)
    for key, rows in grouped.items():
        for address in desk.policy.category(key).team:
            send = Send(
                letter=letter,
                ticket=OPENED,
                to=Mailbox("", address),
                purpose=Purpose.NOTE,
                language=support_language(desk.policy, address),
                context={"category": key, "holds": [_shown(desk, row, address) for row in rows]},
            )
            queue_notice(tx, desk, send, desk.now())


def _shown(desk: Desk, row: ledger.LedgerRow, person: str) -> dict[str, object]:
    return {
        "id": row.id,
        "from_": row.sender,
        "subject": row.subject,
        "reason": row.reason,
        "can": [action.value for action in actions_for(row, person, desk.policy)],
    }


async def freeze_notice(desk: Desk, row: outbox.Letter) -> outbox.Letter:
    """Write a notice and make its bytes durable; the row with them. Its envelope sender is null: a bounce of a notice
    about trouble would only make more of it (RFC 5321 §4.5.5). Providers that force a sender do not take that one; a
    bounce is then known by our Message-ID and changes nothing but the letter's own state.
    """
    own = await desk.store.read(_own_tickets, row)
    subject, data = await asyncio.to_thread(_write, desk, row, own)
    mail_from = "" if desk.policy.verp else desk.policy.category(str(row.context["category"])).address
    await desk.store.run(outbox.freeze, row.id, subject, mail_from, data)
    return replace(row, subject=subject, mail_from=mail_from, frozen=data)


def _own_tickets(tx: Tx, row: outbox.Letter) -> list[OwnTicket]:
    """What a list holds, as it is now."""
    scope = row.context.get("scope")
    return tickets_of(tx, row.to_address, Scope(scope)) if scope else []


def _write(desk: Desk, row: outbox.Letter, own: list[OwnTicket]) -> tuple[str, bytes]:
    category = desk.policy.category(str(row.context["category"]))
    rendered = desk.renderer.letter(Letter(row.letter), row.language, _context(desk, row, own))
    outgoing = Outgoing(
        from_name=desk.policy.from_name or desk.policy.name,
        from_address=category.address,
        to_name=row.to_name,
        to_address=row.to_address,
        reply_to="",
        subject=rendered.subject,
        date=row.created_at,
        message_id=row.message_id,
        references=tuple(filter(None, (row.context.get("answers", ""),))),
        text=rendered.text,
        html=rendered.html,
        auto_submitted="auto-replied" if row.context.get("answers") else "auto-generated",
        fields=((LOOP_FIELD, desk.instance),),
        smtputf8=not row.to_address.isascii(),
    )
    return rendered.subject, desk.sign(compose(outgoing), domain_of(outgoing.from_address))


def _context(desk: Desk, row: outbox.Letter, own: list[OwnTicket]) -> dict[str, object]:
    return {
        "desk": {"name": desk.policy.name, "language": desk.policy.language},
        "timezone": desk.policy.timezone,
        "holds": [_hold(desk, row, hold) for hold in row.context.get("holds", ())],
        "hold": held_context(desk, row),
        "by": row.context.get("by", ""),
        "mailbox": row.context.get("mailbox", ""),
        "days": desk.policy.hold_days.days,
        "scope": row.context.get("scope", ""),
        "tickets": [_listed(desk, row, ticket) for ticket in own],
        "catalogue": catalogue(desk.policy, row.language),
        "login_url": login_url(desk, row),
        "asks": _asked(desk, row),
        "minutes": LOGIN_AGE // timedelta(minutes=1),
        "languages": [] if Letter(row.letter) in _WITHOUT_OFFER else language_links(desk, row.to_address, row.language),
    }


def _asked(desk: Desk, row: outbox.Letter) -> str:
    """The title of the category of a question that its author has to confirm; nothing that anybody typed."""
    key = str(row.context.get("asks", ""))
    return desk.policy.category(key).title.into(row.language) if key else ""


def _listed(desk: Desk, row: outbox.Letter, ticket: OwnTicket) -> dict[str, object]:
    tag, address = desk.policy.tag(ticket.number), desk.policy.category(ticket.category).address
    return {
        "tag": tag,
        "number": ticket.number,
        "subject": ticket.subject,
        "status_word": desk.renderer.status_word(ticket.status, row.language),
        "category": desk.policy.category(ticket.category).title.into(row.language),
        "created_at": ticket.created_at,
        "is_incoming": ticket.is_incoming,
        "is_unread": ticket.is_unread,
        "mailto": f"mailto:{address}?subject={quote(tag, safe='')}&body=show",
    }


def _hold(desk: Desk, row: outbox.Letter, hold: dict[str, Any]) -> dict[str, object]:
    """One mail of a list: what can be done by link, or, where there are none, by command."""
    can = [HeldAction(name) for name in hold["can"]]
    links = links_for(desk, int(hold["id"]), row.to_address, can)
    command = f"maild hold release {hold['id']}" if HeldAction.RELEASE in can else ""
    reason = desk.renderer.held_reason(_name_of(hold["reason"]), row.language)
    return {**hold, "reason": reason, "links": links, "command": "" if links else command}


def _name_of(reason: str) -> str:
    return Reason(reason).name.removeprefix("HELD_").lower()
