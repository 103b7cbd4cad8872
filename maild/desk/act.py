"""What people do outside mail: press an action link, release a held mail, work from the command line."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from maild.core.address import normalise
from maild.core.clicks import Possible, decide_click, other, possible
from maild.core.effects import OPENED, AddMessage, Event, Reason, Record, Role, Way
from maild.core.errors import BadLink, NotAllowed
from maild.core.facts import Facts, MailKeys, TicketFacts
from maild.core.mail import Mailbox
from maild.core.speech import Speech, decide_speech, decide_towards, happening_of
from maild.core.tokens import Claim, action_token, is_page_nonce, read_action
from maild.desk.apply import apply
from maild.desk.desk import Desk
from maild.store import ledger, nonces, tickets
from maild.store.db import Tx

NONCE_AGE = timedelta(days=2)  # how long an opened page stays usable


@dataclass(frozen=True, slots=True)
class LinkView:
    """What an action link shows: the ticket as it is now and what the link can still do."""

    claim: Claim
    ticket: TicketFacts
    possible: Possible
    other_token: str
    language: str


async def look(desk: Desk, token: str) -> LinkView:
    """The state behind an action link; changes nothing. Raises BadLink for a token that is none of ours."""
    return await desk.store.read(_look, desk, token)


def _look(tx: Tx, desk: Desk, token: str) -> LinkView:
    claim, ticket, facts = _claimed(tx, desk, token)
    other_claim = Claim(claim.number, claim.person, other(claim.action))
    return LinkView(
        claim=claim,
        ticket=ticket,
        possible=possible(claim, ticket, desk.now()),
        other_token=action_token(desk.keys, other_claim),
        language=facts.languages.get(claim.person) or ticket.language or desk.policy.language,
    )


def _claimed(tx: Tx, desk: Desk, token: str) -> tuple[Claim, TicketFacts, Facts]:
    """The one check of an action link: signed by us, for a ticket that is there, for one of its participants."""
    claim = read_action(desk.keys, token)
    found = tickets.facts_of_ticket(tx, claim.number) if claim else None
    if claim is None or found is None or found[0].participant(claim.person) is None:
        raise BadLink("no such page")
    return claim, *found


async def click(desk: Desk, token: str, nonce: str) -> LinkView:
    """Press the button of an action page. Pressed again, it changes nothing and shows the same.

    Raises BadLink for a foreign token, NotAllowed for a nonce that this page was not given.
    """
    view = await desk.store.run(_click, desk, token, nonce)
    desk.wake.letters.set()
    return view


def _click(tx: Tx, desk: Desk, token: str, nonce: str) -> LinkView:
    claim, ticket, facts = _claimed(tx, desk, token)
    now = desk.now()  # after the ticket was locked: nothing that another node decides lies between
    if not is_page_nonce(desk.keys, token, nonce, now, NONCE_AGE):
        raise NotAllowed("this form is not from this page")
    if nonces.use(tx, nonce, now):
        apply(tx, desk, decide_click(claim, ticket, facts, desk.policy, now), now)
    return _look(tx, desk, token)


async def release(desk: Desk, mail: int, who: str) -> None:
    """Let a held mail through, with a customer's rights. Raises NotAllowed if it is not held or claims an agent."""
    await desk.store.run(_release, desk, mail, who)
    desk.wake.mail.set()


def _release(tx: Tx, desk: Desk, mail: int, who: str) -> None:
    row = _held(tx, mail)
    if desk.policy.is_support(row.sender):
        raise NotAllowed(f"mail {mail} claims to be an agent's: he has to send it again")
    if row.reason == Reason.HELD_UNPARSABLE:
        raise NotAllowed(f"mail {mail} could not be parsed: replay it with a newer maild")
    ledger.replay(tx, mail, is_released=True)
    if row.ticket is not None:
        tickets.record(tx, row.ticket, Record(row.ticket, Event.RELEASED, who, "cli"), f"mail {mail}", desk.now())


async def replay(desk: Desk, mail: int) -> None:
    """Hand a held mail to the rules again, as if it had just come. Raises NotAllowed if it is not held."""
    await desk.store.run(_replay, mail)
    desk.wake.mail.set()


def _replay(tx: Tx, mail: int) -> None:
    _held(tx, mail)
    ledger.replay(tx, mail, is_released=False)


async def drop(desk: Desk, mail: int, who: str) -> None:
    """Nothing shall come of a held mail. Raises NotAllowed if it is not held."""
    await desk.store.run(_drop, desk, mail, who)


def _drop(tx: Tx, desk: Desk, mail: int, who: str) -> None:
    row = _held(tx, mail)
    ledger.drop(tx, mail, f"dropped by {who}: {row.reason}")
    if row.ticket is not None:
        tickets.record(tx, row.ticket, Record(row.ticket, Event.DROPPED, who, "cli"), f"mail {mail}", desk.now())


def _held(tx: Tx, mail: int) -> ledger.LedgerRow:
    row = ledger.row(tx, mail)
    if row is None or row.state != "held":
        raise NotAllowed(f"mail {mail} is not held" if row else f"there is no mail {mail}")
    return row


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
    now = desk.now()
    person = Mailbox(customer.name, normalise(customer.address))
    facts = tickets.facts_for(tx, MailKeys(author=person.address, message_id=""), now)
    speech = _speech(who, words, "", now)
    number = apply(tx, desk, decide_towards(speech, person, category, topic, subject, facts, desk.policy), now)
    if number is None:
        raise LookupError("a ticket that was opened has no number")
    return number
