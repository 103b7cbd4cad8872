"""Who stands in Cc of a customer's mail: proposed to support, never joined by the mail itself (SPEC section 5)."""

from maild.core.address import is_mailbox, normalise
from maild.core.case import Case
from maild.core.effects import OPENED, Effect, Event, ProposeCc, Record
from maild.core.facts import TicketFacts
from maild.core.mail import Mailbox
from maild.core.robots import is_robot_address

MAX_PROPOSED = 10  # of one ticket: a stranger must not be able to fill its notifications with addresses


def proposed_by(case: Case, ticket: TicketFacts | None) -> tuple[Mailbox, ...]:
    """Those in Cc who are new to the ticket (None: to a ticket that this mail opens).

    Never the desk itself, support, robots, or what is not a mailbox: nobody could write to those as participants.
    """
    known = {case.author.address}
    room = MAX_PROPOSED
    if ticket is not None:
        known |= {person.address for person in (*ticket.participants, *ticket.proposed)}
        room -= len(ticket.proposed)
    people: dict[str, Mailbox] = {}
    for person in case.mail.cc:
        address = normalise(person.address)
        if address not in known and _may_join(case, address):
            people.setdefault(address, Mailbox(person.name, address))
    return tuple(people.values())[: max(0, room)]


def _may_join(case: Case, address: str) -> bool:
    is_ours = case.policy.is_desk_address(address) or case.policy.is_support(address)
    return is_mailbox(address) and not is_ours and not is_robot_address(address)


def proposal_effects(case: Case, people: tuple[Mailbox, ...], number: int = OPENED) -> list[Effect]:
    """The proposal written down, with its event; nothing if there is nobody."""
    if not people:
        return []
    addresses = ", ".join(person.address for person in people)
    return [
        ProposeCc(number, people),
        Record(number, Event.CC_PROPOSED, case.author.address, case.via, addresses),
    ]


def proposal_context(people: tuple[Mailbox, ...]) -> dict[str, object]:
    """What the team's letter says of them."""
    return {"cc": [{"name": person.name, "address": person.address} for person in people]} if people else {}
