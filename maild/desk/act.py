"""What people do outside mail: press an action link, work from the command line."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maild.core.address import normalise
from maild.core.clicks import Possible, decide_click, other, possible
from maild.core.effects import OPENED, AddMessage, Decision, Reason, Role, Way
from maild.core.errors import NotAllowed
from maild.core.facts import Facts, MailKeys, TicketFacts
from maild.core.mail import Mailbox
from maild.core.obey import Giver, changed, obstacle, order_effects
from maild.core.orders import Merge, Order, Trouble
from maild.core.rights import Actor, Right, Standing, authorise
from maild.core.speech import Speech, decide_speech, decide_towards, happening_of
from maild.core.tokens import Action, Claim, Purpose, action_token, is_page_nonce, read_action
from maild.core.typed import MAX_WORDS, decide_words
from maild.desk.apply import apply
from maild.desk.claimed import claimed
from maild.desk.desk import Desk
from maild.store import nonces, tickets
from maild.store.db import Tx

NONCE_AGE = timedelta(days=2)  # how long an opened page stays usable


@dataclass(frozen=True, slots=True)
class LinkView:
    """What an action link shows: the ticket as it is now and what the link can still do.

    `said_in` is the number of the ticket that words typed on the page have joined, 0 if there are none.
    """

    claim: Claim
    ticket: TicketFacts
    possible: Possible
    other_token: str
    language: str
    said_in: int = 0


async def look(desk: Desk, token: str) -> LinkView:
    """The state behind an action link; changes nothing. Raises BadLink for a token that is none of ours."""
    return await desk.store.read(_look, desk, token)


def _look(tx: Tx, desk: Desk, token: str) -> LinkView:
    claim, ticket, facts = claimed(tx, desk, read_action(desk.keys, token), Right.SETTLE)
    other_claim = Claim(claim.number, claim.person, other(claim.action))
    return LinkView(
        claim=claim,
        ticket=ticket,
        possible=possible(claim, ticket, desk.now()),
        other_token=action_token(desk.keys, other_claim),
        language=facts.languages.get(claim.person) or ticket.language or desk.policy.language,
    )


async def click(desk: Desk, token: str, nonce: str, words: str | None = None) -> LinkView:
    """Press the button of an action page. Pressed again, it changes nothing and shows the same.

    `words` were typed on the page that asks what is wrong; "" is a form that was sent empty, and changes nothing.
    Raises BadLink for a foreign token, NotAllowed for a nonce that this page was not given, or words too long.
    """
    view = await desk.store.run(_click, desk, token, nonce, words)
    desk.wake.letters.set()
    return view


def _click(tx: Tx, desk: Desk, token: str, nonce: str, words: str | None) -> LinkView:
    claim, ticket, facts = claimed(tx, desk, read_action(desk.keys, token), Right.SETTLE)
    now = desk.now()  # after the ticket was locked: nothing that another node decides lies between
    if not is_page_nonce(desk.keys, token, nonce, now, NONCE_AGE):
        raise NotAllowed("this form is not from this page")
    if words is not None:
        said_in = _say(tx, desk, claim, ticket, facts, nonce, words) if words else 0
        return replace(_look(tx, desk, token), said_in=said_in)
    if nonces.use(tx, nonce, now):
        apply(tx, desk, decide_click(claim, ticket, facts, desk.policy, now), now)
    return _look(tx, desk, token)


def _say(tx: Tx, desk: Desk, claim: Claim, ticket: TicketFacts, facts: Facts, nonce: str, words: str) -> int:
    """The ticket that the words have joined, now or when this form was sent before; 0: it carried others then."""
    if claim.action is not Action.CONTINUE or len(words.encode()) > MAX_WORDS:
        raise NotAllowed("these words are not from this page")
    actor, now = Actor(claim.person, Standing.CONFIRMED, Purpose.CUSTOMER), desk.now()
    authorise(actor, Right.WRITE, ticket.category, ticket, desk.policy)
    if not nonces.use(tx, nonce, now):
        return tickets.said_before(tx, ticket.number, claim.person, words)
    person = ticket.participant(normalise(claim.person)) or Mailbox("", claim.person)
    return apply(tx, desk, decide_words(person, words, ticket, facts, desk.policy, now), now) or 0


async def speak(
    desk: Desk, number: int, who: str, *, words: str = "", note: str = "", solves: bool = False, opens: bool = False
) -> int:
    """Support answers, notes, solves or opens a ticket from the command line; the number of the ticket spoken in.

    That is another one if an answer to a closed ticket opened a follow-up. Raises NotAllowed if the ticket is not
    there, or is closed and refuses it.
    """
    spoken_in = await desk.store.run(_speak, desk, number, who, words, note, solves, opens)
    desk.wake.letters.set()
    return spoken_in


def _speak(tx: Tx, desk: Desk, number: int, who: str, words: str, note: str, solves: bool, opens: bool) -> int:
    found = tickets.facts_of_ticket(tx, number)
    if found is None:
        raise NotAllowed(f"there is no ticket {number}")
    now = desk.now()
    actor = Actor(who, Standing.OPERATOR)
    for right, is_used in ((Right.ANSWER, words), (Right.NOTE, note), (Right.COMMAND, solves or opens)):
        if is_used:
            authorise(actor, right, found[0].category, found[0], desk.policy)
    speech = _speech(who, words, note, now, solves=solves, opens=opens)
    decision = decide_speech(speech, *found, desk.policy)
    if decision is None:
        raise NotAllowed(f"ticket {number} is closed")
    return apply(tx, desk, decision, now) or number


def _speech(who: str, words: str, note: str, now: datetime, *, solves: bool = False, opens: bool = False) -> Speech:
    return Speech(
        who=who,
        via="cli",
        way=Way.CLI,
        moment=now,
        now=now,
        answer=_typed(who, words, now) if words else None,
        note=_typed(who, note, now, is_note=True) if note else None,
        happening=happening_of(has_words=bool(words), solves=solves, opens=opens),
    )


def _typed(who: str, words: str, now: datetime, *, is_note: bool = False) -> AddMessage:
    return AddMessage(
        ticket=OPENED, author=Mailbox("", who), role=Role.AGENT, text=words, reply=words, at=now, is_note=is_note
    )


async def order(desk: Desk, number: int, who: str, *orders: Order) -> int:
    """Support gives orders from the command line; the number of the ticket they were given for.

    Raises NotAllowed, with the reason as its words, if one of them cannot be obeyed: then nothing has changed.
    """
    ordered = await desk.store.run(_order, desk, number, who, orders)
    desk.wake.letters.set()
    return ordered


def _order(tx: Tx, desk: Desk, number: int, who: str, orders: tuple[Order, ...]) -> int:
    others = tuple(one.number for one in orders if isinstance(one, Merge))
    facts = tickets.facts_for(tx, MailKeys(author="", message_id="", numbers=(number, *others)), desk.now())
    ticket = facts.ticket(number)
    if ticket is None:
        raise NotAllowed(f"there is no ticket {number}")
    now = desk.now()
    giver = Giver(Actor(who, Standing.OPERATOR), via="cli", way=Way.CLI, moment=now, now=now)
    after = changed(ticket, orders, desk.policy, now)
    for one in orders:
        if trouble := obstacle(one, giver, ticket, facts, desk.policy, after):
            raise NotAllowed(f"ticket {ticket.number}: {_TROUBLES[trouble]}")
    effects = order_effects(orders, giver, ticket, facts, desk.policy)
    apply(tx, desk, Decision(Reason.AGENT_COMMANDED, effects, ticket.number), now)
    return ticket.number


_TROUBLES = {
    Trouble.CLOSED: "it is closed, or the other one is",
    Trouble.NO_TICKET: "there is no such other ticket",
    Trouble.NOT_SUPPORT: "that is no agent and no team mailbox of its category",
    Trouble.NOBODY_PROPOSED: "nobody is proposed",
    Trouble.DESK_ADDRESS: "that is an address of the desk or of support",
    Trouble.NOT_YOURS: "you may not do that",
    Trouble.NEEDS_NEW_MAIL: "use `maild ticket open`",
}


async def open_towards(
    desk: Desk, who: str, customer: Mailbox, *, category: str, topic: str, subject: str, words: str
) -> int:
    """Support opens a ticket towards a customer, who gets the words as an answer; its number."""
    number = await desk.store.run(_open_towards, desk, who, customer, category, topic, subject, words)
    desk.wake.letters.set()
    return number


def _open_towards(
    tx: Tx, desk: Desk, who: str, customer: Mailbox, category: str, topic: str, subject: str, words: str
) -> int:
    authorise(Actor(who, Standing.OPERATOR), Right.OPEN, category, None, desk.policy)
    now = desk.now()
    person = Mailbox(customer.name, normalise(customer.address))
    facts = tickets.facts_for(tx, MailKeys(author=person.address, message_id=""), now)
    speech = _speech(who, words, "", now)
    number = apply(tx, desk, decide_towards(speech, person, category, topic, subject, facts, desk.policy), now)
    if number is None:
        raise LookupError("a ticket that was opened has no number")
    return number
