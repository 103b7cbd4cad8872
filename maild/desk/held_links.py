"""Which decisions a person of support has about a held mail, and the links by which he takes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from maild.core.effects import Reason
from maild.core.policy import Policy
from maild.core.route import category_for
from maild.core.scrub import without_tokens
from maild.core.tokens import HeldAction, HeldClaim, held_token
from maild.core.trust import Trust
from maild.desk.desk import Desk
from maild.store import ledger, outbox

_UNSENDABLE = {Reason.HELD_NOTHING_TO_SEND.value, Reason.HELD_TICKET_CLOSED.value, Reason.HELD_AGENT_AUTOMATIC.value}

NEVER_LET_IN = {
    Reason.HELD_UNPARSABLE.value: "could not be parsed: replay it with a newer maild",
    Reason.HELD_NO_AUTHOR.value: "has no author who could be its customer",
    Reason.HELD_NO_RECIPIENT.value: "was written to no category: replay it once there is one with its address",
}
"""Reasons of a hold that letting the mail in would not end, with what to say instead."""


def actions_for(row: ledger.LedgerRow, person: str, policy: Policy) -> tuple[HeldAction, ...]:
    """What a person of support may do with a held mail, the most likely first.

    Support's own mail is sent by its author, in open trust by its team; anybody else's is let in as a customer's. An
    agent's claim that nobody vouches for cannot be let in, only sent again by him (SPEC section 5).
    """
    shown = (HeldAction.SHOW, HeldAction.DROP)
    if row.reason in NEVER_LET_IN:
        return shown
    if not policy.is_support(row.sender):
        return (HeldAction.RELEASE, *shown)
    is_his = row.trust == Trust.VERIFIED.value and row.sender == person
    is_open = policy.trust.is_open and row.trust == Trust.UNVERIFIED.value
    if not (is_his or is_open):
        return shown
    notes = (HeldAction.NOTE,) if row.ticket is not None else ()
    is_sendable = row.reason not in _UNSENDABLE and (notes or row.reason == Reason.HELD_AGENT_UNVERIFIED.value)
    return (*((HeldAction.SEND,) if is_sendable else ()), *notes, *shown)


def category_of(desk: Desk, recipients: Iterable[str]) -> str:
    """The category that a mail was written to."""
    routes = (category_for(recipient, desk.policy) for recipient in recipients)
    return next((route.category for route in routes if route), desk.policy.default_category)


def links_for(desk: Desk, mail: int, person: str, actions: Iterable[HeldAction]) -> dict[str, str]:
    """The link of each action, by its name; nothing where the desk has no web pages."""
    url = desk.policy.public_url
    if not url:
        return {}
    return {action.value: f"{url}/a/{held_token(desk.keys, HeldClaim(mail, person, action))}" for action in actions}


def held_context(desk: Desk, row: outbox.Letter) -> dict[str, Any] | None:
    """What a letter about one held mail says of it, or None for any other letter."""
    kept: Mapping[str, Any] | None = row.context.get("hold")
    if kept is None:
        return None
    mail, say = int(row.context["mail"]), desk.renderer
    return {
        "id": mail,
        "author": kept["author"],
        "reason": say.held_reason(kept["reason"], row.language),
        "problems": [
            {"line": one["line"], "why": say.trouble(one["trouble"], row.language)} for one in kept["problems"]
        ],
        "text": without_tokens(kept["text"], desk.policy),
        "subject": kept["subject"],
        "can": kept["can"],
        "links": links_for(desk, mail, row.to_address, map(HeldAction, kept["can"])),
    }
