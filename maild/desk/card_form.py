"""The web form of an incomplete ticket's card (SPEC section 2, sentence 1.3): look at it, fill it in."""

from collections.abc import Mapping
from dataclasses import dataclass

from maild.core.address import normalise
from maild.core.errors import NotAllowed
from maild.core.facts import Facts, TicketFacts
from maild.core.forms import Card, fill_form
from maild.core.mail import Mailbox
from maild.core.policy import Topic
from maild.core.rights import Right
from maild.core.ticket import Status, is_past_deadline
from maild.core.tokens import FieldsClaim, is_page_nonce, read_fields_token
from maild.core.typed import decide_fields, topic_of
from maild.desk.act import NONCE_AGE
from maild.desk.apply import apply
from maild.desk.claimed import claimed
from maild.desk.desk import Desk
from maild.store import nonces
from maild.store.db import Tx


@dataclass(frozen=True, slots=True)
class FormView:
    """The card as it is now. `topic` is None when nothing is to be filled in (any more); `is_past`: it is closed.

    `card` holds what is wrong with what was sent, nothing before anything was sent.
    """

    claim: FieldsClaim
    ticket: TicketFacts
    topic: Topic | None
    card: Card
    is_past: bool
    language: str


async def look_at_form(desk: Desk, token: str) -> FormView:
    """The form behind a link; changes nothing. Raises BadLink for a token that is none of ours."""
    return await desk.store.read(_look, desk, token)


async def send_form(desk: Desk, token: str, nonce: str, given: Mapping[str, str]) -> FormView:
    """Fill the card in with values by key. If one of them is missing or wrong, nothing changes and the view says so.

    Raises BadLink for a foreign token, NotAllowed for a nonce that this page was not given.
    """
    view = await desk.store.run(_send, desk, token, nonce, given)
    desk.wake.letters.set()
    return view


def _look(tx: Tx, desk: Desk, token: str) -> FormView:
    claim, ticket, facts = claimed(tx, desk, read_fields_token(desk.keys, token), Right.WRITE)
    return _view(desk, claim, ticket, facts, Card(ticket.fields))


def _view(desk: Desk, claim: FieldsClaim, ticket: TicketFacts, facts: Facts, card: Card) -> FormView:
    topic = topic_of(ticket, desk.policy) if ticket.status is Status.INCOMPLETE else None
    is_past = ticket.status is Status.CLOSED or is_past_deadline(ticket.status, ticket.reopen_until, desk.now())
    language = facts.languages.get(claim.person) or ticket.language or desk.policy.language
    return FormView(claim, ticket, topic if topic and topic.fields else None, card, is_past, language)


def _send(tx: Tx, desk: Desk, token: str, nonce: str, given: Mapping[str, str]) -> FormView:
    claim, ticket, facts = claimed(tx, desk, read_fields_token(desk.keys, token), Right.WRITE)
    now = desk.now()  # after the ticket was locked, as for a click
    if not is_page_nonce(desk.keys, token, nonce, now, NONCE_AGE):
        raise NotAllowed("this form is not from this page")
    view = _view(desk, claim, ticket, facts, Card(ticket.fields))
    if view.topic is None:
        return view
    card = fill_form(view.topic, ticket.fields, given)
    if card.problems:
        return _view(desk, claim, ticket, facts, card)
    if nonces.use(tx, nonce, now):
        person = ticket.participant(normalise(claim.person)) or Mailbox("", claim.person)
        apply(tx, desk, decide_fields(person, card, ticket, facts, desk.policy, now), now)
    return _look(tx, desk, token)
