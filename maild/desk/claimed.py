"""The one check of the links in customers' letters that are about a ticket."""

from typing import TypeVar

from maild.core.errors import BadLink
from maild.core.facts import Facts, TicketFacts
from maild.core.rights import Actor, Right, Standing, rights_of
from maild.core.tokens import Claim, FieldsClaim, Purpose
from maild.desk.desk import Desk
from maild.store import tickets
from maild.store.db import Tx

SomeClaim = TypeVar("SomeClaim", Claim, FieldsClaim)


def claimed(tx: Tx, desk: Desk, claim: SomeClaim | None, right: Right) -> tuple[SomeClaim, TicketFacts, Facts]:
    """The claim of a token (None if we did not sign it) with its ticket, locked, and what is known beside it.

    Raises BadLink, in the same words, unless the ticket is there and the claim's person may still do that with it.
    """
    found: tuple[TicketFacts, Facts] | None = tickets.facts_of_ticket(tx, claim.number) if claim else None
    if claim is None or found is None:
        raise BadLink("no such page")
    ticket, facts = found
    actor = Actor(claim.person, Standing.CONFIRMED, Purpose.CUSTOMER)
    if right not in rights_of(actor, ticket.category, ticket, desk.policy):
        raise BadLink("no such page")
    return claim, ticket, facts
