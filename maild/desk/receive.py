"""receive(): a ledger row becomes a ticket, a message, an event or a hold."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from maild.core.address import normalise
from maild.core.decide import decide, decide_second_arrival
from maild.core.effects import Decision, Reason, Send
from maild.core.errors import StoreBusy
from maild.core.facts import Facts, Provoked
from maild.core.mail import Envelope, Mail, Mark
from maild.core.match import keys_of
from maild.core.silence import silenced
from maild.desk.apply import apply
from maild.desk.desk import Desk
from maild.mime.parse import parse
from maild.store import ledger, mine, tickets
from maild.store.db import Tx

T = TypeVar("T")

log = logging.getLogger(__name__)

BATCH = 20  # mails of one claim; their transactions share a commit
_RETRY = timedelta(seconds=30)
_TURN = timedelta(seconds=1)
_PATIENCE = ledger.LEASE.total_seconds() / 2
_BUSY = 0.5  # seconds until a busy database is asked again


async def receive_waiting(desk: Desk) -> int:
    """Handle the mails that wait, in the order they came; how many.

    They are parsed off the event loop, one after the other; the transactions are queued without waiting for each other.
    """
    mails = await desk.store.run(ledger.claim, desk.now(), BATCH)
    settling: list[asyncio.Task[None]] = []
    for mail in mails:
        await desk.rush.pass_by()
        try:
            spooled = await _patiently(desk.store.read, ledger.load, mail)
            understood = await asyncio.to_thread(parse, spooled.raw)
        except Exception as error:  # noqa: BLE001 - a row that cannot even be read must not stop the mails behind it
            settling.append(asyncio.create_task(_put_back(desk, mail, error)))
            continue
        settling.append(asyncio.create_task(_receive(desk, spooled, understood)))
    await asyncio.gather(*settling)
    if mails:
        desk.wake.letters.set()
    return len(mails)


async def _receive(desk: Desk, spooled: ledger.SpooledMail, mail: Mail) -> None:
    try:
        fate = await _patiently(desk.store.run, _settle, desk, spooled, mail)
    except Exception as error:  # noqa: BLE001 - one mail's bug is not the others': tried again, then shown to a person
        await _put_back(desk, spooled.id, error)
        return
    log.info("mail %d: %s", spooled.id, fate)


async def _patiently(ask: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """The answer, asked for again while the mail is ours: a database that is started anew is not the mail's fault."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return await ask(*arguments)
        except StoreBusy as error:
            if time.monotonic() > end:
                raise
            log.warning("the database is busy: %s", error)
            await asyncio.sleep(_BUSY)


async def _put_back(desk: Desk, mail: int, error: Exception) -> None:
    try:
        attempts = await desk.store.run(_trouble, desk, mail)
    except StoreBusy:
        log.warning("mail %d: waits for its lease to run out: %s", mail, error)
    else:
        log.error("mail %d: attempt %d failed", mail, attempts, exc_info=error)


def _trouble(tx: Tx, desk: Desk, mail: int) -> int:
    attempts = ledger.put_back(tx, mail, desk.now(), _RETRY)
    if attempts >= ledger.MAX_ATTEMPTS:
        ledger.hold(tx, mail, Reason.HELD_TROUBLE)
    return attempts


def _settle(tx: Tx, desk: Desk, spooled: ledger.SpooledMail, mail: Mail) -> str:
    """One transaction: look up, decide, write down. What became of the mail, for the log."""
    if not ledger.is_still_ours(tx, spooled):
        return "settled elsewhere"
    now = desk.now()
    envelope = merged(spooled.arrivals)
    if spooled.known_rcpts:
        return _settle_second(tx, desk, spooled, envelope)
    keys = keys_of(mail, envelope, desk.policy, desk.keys)
    if ledger.answers_waiting(tx, spooled.id, keys.references):
        ledger.put_off(tx, spooled.id, now + _TURN)
        return "waits for the mail that it answers"
    facts = tickets.facts_for(tx, keys, now)
    moment = envelope.received_at if envelope.is_silent else now
    decision = _decided(desk, spooled, mail, envelope, facts, moment)
    if envelope.is_silent:
        decision = silenced(decision, now)
    ticket = apply(tx, desk, decision, moment, spooled.id)
    if envelope.is_silent and ticket is not None:
        mine.mark_old(tx, ticket, spooled.id)
    ledger.settle(tx, spooled, _fate(desk, mail, envelope, decision, ticket))
    if envelope.sent_in and not decision.is_held:
        ledger.look_again(tx, mail.message_id, spooled.id)
    if decision.is_held and (envelope.is_silent or any(isinstance(effect, Send) for effect in decision.effects)):
        ledger.announced(tx, spooled.id, now)  # its author has been told, or the team, or nobody shall be
    return f"{'held' if decision.is_held else 'done'} ticket={ticket} reason={decision.reason.name.lower()}"


def _decided(
    desk: Desk, spooled: ledger.SpooledMail, mail: Mail, envelope: Envelope, facts: Facts, moment: datetime
) -> Decision:
    return decide(
        mail,
        envelope,
        replace(facts, provoked=Provoked()) if envelope.is_silent else facts,  # it calls forth nothing
        desk.policy,
        desk.keys,
        moment,
        instance=desk.instance,
        is_released=spooled.is_released,
        approval=spooled.approval,
        macros=desk.renderer.macro,
    )


def _settle_second(tx: Tx, desk: Desk, spooled: ledger.SpooledMail, envelope: Envelope) -> str:
    """The mail has its ticket; only people of further categories have to be told."""
    found = tickets.facts_of_ticket(tx, spooled.ticket) if spooled.ticket else None
    reason = Reason.ALREADY_KNOWN
    message = tickets.message_of_mail(tx, spooled.id)
    if found is not None and message is not None and not envelope.is_silent:
        decision = decide_second_arrival(envelope, spooled.known_rcpts, found[0], desk.policy)
        apply(tx, desk, decision, desk.now(), spooled.id, message)
        reason = decision.reason
    ledger.settle_arrivals(tx, spooled)
    return f"done ticket={spooled.ticket} reason={reason.name.lower()}"


def merged(arrivals: tuple[Envelope, ...]) -> Envelope:
    """Several deliveries as one: everything of the first, the recipients of all. A copy in Sent says who wrote it."""
    first = next((arrival for arrival in arrivals if arrival.sent_in), arrivals[0])
    recipients = dict.fromkeys(address for arrival in arrivals for address in arrival.rcpt_tos)
    return Envelope(
        mail_from=first.mail_from,
        rcpt_tos=tuple(recipients),
        door=first.door,
        peer=first.peer,
        is_trusted_peer=first.is_trusted_peer,
        user=first.user,
        received_at=first.received_at,
        results=first.results,
        is_silent=all(arrival.is_silent for arrival in arrivals),
        form=first.form,
        mark=first.mark if all(arrival.mark for arrival in arrivals) else Mark.NONE,
    )


def _fate(desk: Desk, mail: Mail, envelope: Envelope, decision: Decision, ticket: int | None) -> ledger.Fate:
    return ledger.Fate(
        state="held" if decision.is_held else "done",
        reason=decision.reason.value,
        ticket=ticket,
        sender=normalise(mail.author.address) if mail.author else "",
        subject=mail.subject,
        kind=mail.kind.value,
        trust=decision.trust.value,
    )
