"""Mail that was set aside: look at it, let it through, send it as support's own, keep it as a note, or drop it.

By a link in a letter to support, or from the command line; each of them is a decision of a person who may take it.
"""

import asyncio
import logging
from dataclasses import dataclass

from maild.core.effects import Event, Reason, Record
from maild.core.errors import BadLink, NotAllowed
from maild.core.facts import Approval, TicketFacts
from maild.core.mail import Mail
from maild.core.rights import Actor, Right, Standing, authorise, rights_of
from maild.core.sends import support_language
from maild.core.tokens import HeldAction, HeldClaim, held_token, is_page_nonce, read_held_token
from maild.desk.act import NONCE_AGE
from maild.desk.desk import Desk
from maild.desk.held_links import NEVER_LET_IN, actions_for, category_of
from maild.desk.notices import tell_expired
from maild.mime.parse import parse
from maild.store import approvals, audit, ledger, nonces, tickets
from maild.store.db import Tx

log = logging.getLogger(__name__)

_BATCH = 100  # mails of one transaction
_SENT = {Reason.AGENT_ANSWERED.value, Reason.AGENT_COMMANDED.value, Reason.AGENT_OPENED.value}


@dataclass(frozen=True, slots=True)
class HeldView:
    """What a link about a held mail shows. `actions` are what its reader may do now; `outcome` is what became of it."""

    claim: HeldClaim
    row: ledger.LedgerRow
    mail: Mail
    actions: tuple[HeldAction, ...]
    tokens: dict[HeldAction, str]
    outcome: str
    language: str

    @property
    def reason(self) -> str:
        """Why it is held: the name of a Reason without HELD_, in lower case."""
        return Reason(self.row.reason).name.removeprefix("HELD_").lower()

    @property
    def may_act(self) -> bool:
        """Can the button be pressed?"""
        return self.claim.action in self.actions and self.claim.action is not HeldAction.SHOW


async def look_held(desk: Desk, token: str) -> HeldView:
    """The held mail behind a link; changes nothing. Raises BadLink for a token that is none of ours, or void."""
    claim, row, raw, actions = await desk.store.read(_look, desk, token)
    mail = await asyncio.to_thread(parse, raw)
    tokens = {action: held_token(desk.keys, HeldClaim(row.id, claim.person, action)) for action in actions}
    language = support_language(desk.policy, claim.person)
    return HeldView(claim, row, mail, actions, tokens, _outcome(row), language)


def _look(tx: Tx, desk: Desk, token: str) -> tuple[HeldClaim, ledger.LedgerRow, bytes, tuple[HeldAction, ...]]:
    claim, row = _claimed(tx, desk, token)
    actions = actions_for(row, claim.person, desk.policy) if row.state == "held" else ()
    return claim, row, ledger.raw(tx, row.id) or b"", actions


def _claimed(tx: Tx, desk: Desk, token: str) -> tuple[HeldClaim, ledger.LedgerRow]:
    """The one check of such a link: signed by us, for a mail that is there, for somebody who may still decide."""
    claim = read_held_token(desk.keys, token)
    row = ledger.row(tx, claim.mail) if claim else None
    if claim is None or row is None:
        raise BadLink("no such page")
    ticket = _ticket(tx, row)
    actor = Actor(claim.person, Standing.CONFIRMED)
    category = ticket.category if ticket else category_of(desk, ledger.recipients_of(tx, row.id))
    if Right.DECIDE not in rights_of(actor, category, ticket, desk.policy):
        raise BadLink("no such page")
    return claim, row


def _ticket(tx: Tx, row: ledger.LedgerRow) -> TicketFacts | None:
    found = tickets.facts_of_ticket(tx, row.ticket) if row.ticket is not None else None
    return found[0] if found else None


def _outcome(row: ledger.LedgerRow) -> str:
    """held, waiting, sent, noted, dropped or done: what a page says of a mail."""
    if row.state != "done":
        return "held" if row.state == "held" else "waiting"
    if row.reason in _SENT:
        return "sent"
    if row.reason.startswith("dropped "):
        return "dropped"
    return "noted" if row.reason == Reason.AGENT_NOTED.value else "done"


async def press_held(desk: Desk, token: str, nonce: str) -> HeldView:
    """Press the button of a page about a held mail. Pressed again, it changes nothing and shows the same.

    Raises BadLink for a foreign token, NotAllowed for a nonce that this page was not given.
    """
    await desk.store.run(_press, desk, token, nonce)
    desk.wake.mail.set()
    return await look_held(desk, token)


def _press(tx: Tx, desk: Desk, token: str, nonce: str) -> None:
    claim, row = _claimed(tx, desk, token)
    now = desk.now()
    if not is_page_nonce(desk.keys, token, nonce, now, NONCE_AGE):
        raise NotAllowed("this form is not from this page")
    if not nonces.use(tx, nonce, now) or row.state != "held" or claim.action not in actions_for(
        row, claim.person, desk.policy
    ):  # fmt: skip
        return
    match claim.action:
        case HeldAction.SHOW:
            return
        case HeldAction.DROP:
            _drop(tx, desk, row, claim.person, "http")
        case HeldAction.RELEASE:
            _release(tx, desk, row, claim.person, "http")
        case HeldAction.SEND | HeldAction.NOTE:
            _approve(tx, desk, row, Approval(claim.action, claim.person), "http")


def _approve(tx: Tx, desk: Desk, row: ledger.LedgerRow, approval: Approval, via: str) -> None:
    approvals.put(tx, row.id, approval)
    ledger.replay(tx, row.id, is_released=True)
    _tell(tx, desk, row, Event.RELEASED, approval.person, via, f"mail {row.id}: {approval.action}")


def _tell(tx: Tx, desk: Desk, row: ledger.LedgerRow, event: Event, who: str, via: str, reason: str) -> None:
    """The history of the ticket, and the audit list: that one also knows mails without a ticket."""
    now = desk.now()
    if row.ticket is not None:
        tickets.record(tx, row.ticket, Record(row.ticket, event, who, via, reason), reason, now)
    audit.add(tx, now, act=f"mail {event}", who=who, via=via, what=f"mail {row.id}", reason=row.reason)


async def release(desk: Desk, mail: int, who: str) -> None:
    """Let a held mail through, with a customer's rights. Raises NotAllowed if it is not held, or cannot be."""
    await desk.store.run(_release_by_command, desk, mail, who)
    desk.wake.mail.set()


def _release_by_command(tx: Tx, desk: Desk, mail: int, who: str) -> None:
    _release(tx, desk, _held(tx, desk, mail, who), who, "cli")


def _release(tx: Tx, desk: Desk, row: ledger.LedgerRow, who: str, via: str) -> None:
    if desk.policy.is_support(row.sender):
        raise NotAllowed(f"mail {row.id} claims to be an agent's: he has to send it again")
    if why := NEVER_LET_IN.get(row.reason):
        raise NotAllowed(f"mail {row.id} {why}")
    approvals.remove(tx, row.id)
    ledger.replay(tx, row.id, is_released=True)
    _tell(tx, desk, row, Event.RELEASED, who, via, f"mail {row.id}")


async def approve(desk: Desk, mail: int, who: str, action: HeldAction) -> None:
    """Send support's own held mail all the same, or keep it as a note. Raises NotAllowed if that cannot be."""
    await desk.store.run(_approve_by_command, desk, mail, who, action)
    desk.wake.mail.set()


def _approve_by_command(tx: Tx, desk: Desk, mail: int, who: str, action: HeldAction) -> None:
    row = _held(tx, desk, mail, who)
    if action not in actions_for(row, row.sender, desk.policy):
        raise NotAllowed(f"mail {mail} cannot be taken as {action}: it is not support's own, or nobody vouches for it")
    _approve(tx, desk, row, Approval(action, who), "cli")


async def replay(desk: Desk, mail: int, who: str) -> None:
    """Hand a held mail to the rules again, as if it had just come. Raises NotAllowed if it is not held."""
    await desk.store.run(_replay, desk, mail, who)
    desk.wake.mail.set()


def _replay(tx: Tx, desk: Desk, mail: int, who: str) -> None:
    row = _held(tx, desk, mail, who)
    approvals.remove(tx, mail)
    ledger.replay(tx, mail, is_released=False)
    audit.add(tx, desk.now(), act="mail replayed", who=who, via="cli", what=f"mail {mail}", reason=row.reason)


async def drop(desk: Desk, mail: int, who: str) -> None:
    """Nothing shall come of a held mail. Raises NotAllowed if it is not held."""
    await desk.store.run(_drop_by_command, desk, mail, who)


def _drop_by_command(tx: Tx, desk: Desk, mail: int, who: str) -> None:
    _drop(tx, desk, _held(tx, desk, mail, who), who, "cli")


def _drop(tx: Tx, desk: Desk, row: ledger.LedgerRow, who: str, via: str) -> None:
    ledger.drop(tx, row.id, f"dropped by {who}: {row.reason}", desk.now())
    _tell(tx, desk, row, Event.DROPPED, who, via, f"mail {row.id}")


def _held(tx: Tx, desk: Desk, mail: int, who: str) -> ledger.LedgerRow:
    """A held mail that the person at the command line decides about."""
    row = ledger.row(tx, mail)
    if row is None or row.state != "held":
        raise NotAllowed(f"mail {mail} is not held" if row else f"there is no mail {mail}")
    authorise(Actor(who, Standing.OPERATOR), Right.DECIDE, desk.policy.default_category, _ticket(tx, row), desk.policy)
    return row


async def expire_holds(desk: Desk) -> int:
    """Drop what has been held for `desk.hold_days` without a decision; the team is told. How many."""
    expired = await desk.store.run(_expire, desk)
    if expired:
        desk.wake.letters.set()
    return expired


def _expire(tx: Tx, desk: Desk) -> int:
    rows = ledger.held_before(tx, desk.now() - desk.policy.hold_days, _BATCH)
    tell_expired(tx, desk, [row for row in rows if not ledger.is_silent(tx, row.id)])
    for row in rows:
        _drop(tx, desk, row, "maild", "job")
        log.info("mail %d: dropped, nobody has decided about it", row.id)
    return len(rows)
