"""Who may do what: the one place where role and rights are decided, for mails, links, pages and commands alike.

Everything that acts for a person asks `rights_of` with how it knows that person; what the clock and the relay do needs
nobody's right.
"""

from dataclasses import dataclass
from enum import StrEnum

from maild.core.address import normalise
from maild.core.errors import NotAllowed
from maild.core.facts import TicketFacts
from maild.core.policy import Policy
from maild.core.tokens import Purpose


class Standing(StrEnum):
    """How we know that somebody is who he says he is."""

    FAILED = "failed"  # he is not: his domain says so
    CLAIMED = "claimed"  # he says so
    VERIFIED = "verified"  # the border host, a login or a session says so
    CONFIRMED = "confirmed"  # he holds what we sent to that very address
    OPERATOR = "operator"  # he has a shell on this machine


class Right(StrEnum):
    """What can be done to a ticket, or to a held mail."""

    READ = "read"  # what customers see of it
    READ_NOTES = "read notes"
    WRITE = "write"  # as its customer
    SETTLE = "settle"  # say as its customer that the problem is solved, or is not
    ANSWER = "answer"  # be relayed to its customers
    NOTE = "note"
    COMMAND = "command"
    OPEN = "open"  # a new ticket towards a customer
    DECIDE = "decide"  # what becomes of a held mail
    CHOOSE = "choose"  # the language of his own letters
    SHARE = "share"  # an account, with other people


_OPERATOR = frozenset(
    {
        Right.READ,
        Right.READ_NOTES,
        Right.ANSWER,
        Right.NOTE,
        Right.COMMAND,
        Right.OPEN,
        Right.DECIDE,
        Right.SHARE,
    }
)
_NOTHING: frozenset[Right] = frozenset()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `token` is what the letter of ours may be used for that he answers, None without one."""

    address: str
    standing: Standing
    token: Purpose | None = None


def rights_of(actor: Actor, category: str, ticket: TicketFacts | None, policy: Policy) -> frozenset[Right]:
    """Everything this person may do in that category, and to its ticket (None: to none in particular).

    Support speaks by mail only in answer to a letter of ours, and only with a verified address: a token alone travels
    with every quote. A link is another matter, for only the mailbox it was sent to holds it (SPEC sections 5 and 10).
    """
    if actor.standing is Standing.FAILED or not actor.address:
        return _NOTHING
    if actor.standing is Standing.OPERATOR:
        return _OPERATOR
    return _as_support(actor, category, policy) | _as_customer(actor, ticket) | _as_himself(actor)


def _as_support(actor: Actor, category: str, policy: Policy) -> frozenset[Right]:
    if actor.standing is Standing.CLAIMED or not policy.is_support(actor.address):
        return _NOTHING
    found: set[Right] = set()
    if actor.token in (Purpose.AGENT, Purpose.NOTE):
        found.add(Right.NOTE)  # also of another category, which was told of this ticket
    if policy.is_agent_of(actor.address, category):
        found |= {Right.READ, Right.READ_NOTES, Right.OPEN}
        found |= {Right.COMMAND} if actor.token in (Purpose.AGENT, Purpose.NOTE) else set()
        found |= {Right.ANSWER} if actor.token is Purpose.AGENT else set()
        found |= {Right.DECIDE} if actor.standing is Standing.CONFIRMED else set()
    return frozenset(found)


def _as_customer(actor: Actor, ticket: TicketFacts | None) -> frozenset[Right]:
    """A participant, or a guest of the ticket's customer: him nobody believes who only says that he is one."""
    address = normalise(actor.address)
    if ticket is None or not ticket.may_join(address):
        return _NOTHING
    if actor.standing is Standing.CLAIMED and ticket.participant(address) is None:
        return _NOTHING
    if actor.standing is Standing.CONFIRMED:
        return frozenset({Right.READ, Right.WRITE, Right.SETTLE})
    return frozenset({Right.WRITE, Right.SETTLE} if actor.standing is Standing.VERIFIED else {Right.WRITE})


def _as_himself(actor: Actor) -> frozenset[Right]:
    return frozenset({Right.CHOOSE, Right.SHARE}) if actor.standing is Standing.CONFIRMED else _NOTHING


def authorise(actor: Actor, right: Right, category: str, ticket: TicketFacts | None, policy: Policy) -> None:
    """Raises NotAllowed unless this person has that right."""
    if right not in rights_of(actor, category, ticket, policy):
        raise NotAllowed(f"{actor.address} may not {right}")
