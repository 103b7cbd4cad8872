"""What people who are signed in do: write, and press the two buttons (SPEC sections 2 and 11).

What they write becomes a mail of theirs and takes the way of every mail: ledger, decision, thread, letters.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from maild.core.address import domain_of
from maild.core.clicks import decide_click
from maild.core.effects import Reason, Way
from maild.core.errors import BadLink, NotAllowed
from maild.core.facts import Facts, TicketFacts
from maild.core.mail import Door, Envelope, Form
from maild.core.portal import WISH_FIELD
from maild.core.rights import Actor, Right, Standing, authorise, rights_of
from maild.core.subject import own_subject, subject_of
from maild.core.tokens import Action, Claim, Purpose, reply_address
from maild.desk.accept import accept
from maild.desk.apply import apply
from maild.desk.desk import Desk
from maild.mime.compose import Outgoing, OutgoingAttachment, compose
from maild.store import ledger, mine, people, tickets
from maild.store.db import Tx

_PATIENCE = 3.0  # seconds that a page waits to show what became of its words
_LOOK_AGAIN = 0.03  # seconds


@dataclass(frozen=True, slots=True)
class Post:
    """What somebody typed into a form of ours.

    `nonce` is that of the page, already checked; `mark` is the same for a form that is sent twice, which is one mail,
    whatever has become of its draft meanwhile. `person` is his (normalised) address, `client` that of his machine.
    `rcpt` is where it leads: the address of a category, of its topic, or one with a token of his; `to` is the bare
    one, for the header. `solves`: he ticked «Пометить вопрос как решенный». `form` is that of a new question.
    """

    person: str
    client: str
    nonce: str
    mark: str
    to: str
    rcpt: str
    subject: str
    words: str
    files: tuple[OutgoingAttachment, ...] = ()
    solves: bool = False
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of it so far: its row in the ledger, its ticket, None while nobody has looked at it.

    `is_followed`: the ticket that it was written to was closed, so it has opened another one.
    """

    mail: int
    ticket: int | None
    is_followed: bool = False


async def write_mail(desk: Desk, post: Post) -> Posted:
    """Take in what somebody typed. Once this returns it is durable; raises StoreBusy if nothing was taken."""
    if before := await posted_before(desk, post.to, post.mark):
        return before
    name = await desk.store.read(people.name_of, post.person)
    raw = await asyncio.to_thread(_compose, desk, post, name)
    envelope = Envelope(
        mail_from=post.person,
        rcpt_tos=(post.rcpt,),
        door=Door.PORTAL,
        peer=post.client,
        is_trusted_peer=False,
        user=post.person,
        received_at=desk.now(),
        form=post.form,
    )
    mail = await accept(desk, raw, envelope)
    return Posted(mail, await _settled(desk, mail))


async def posted_before(desk: Desk, to: str, mark: str) -> Posted | None:
    """What became of the form of that mark when it was sent before, to that address of the desk; None if it was not.

    Whoever looks at a draft first and asks this then cannot miss it: a draft goes after its mail has come.
    """
    mail = await desk.store.read(ledger.from_portal, _message_id(to, mark))
    return None if mail is None else Posted(mail, await _settled(desk, mail))


def _message_id(to: str, mark: str) -> str:
    return f"{mark}@{domain_of(to)}"


def _compose(desk: Desk, post: Post, name: str) -> bytes:
    """Whatever is the same makes the same bytes: only so are forms that were sent at once one mail."""
    outgoing = Outgoing(
        from_name=name,
        from_address=post.person,
        to_name="",
        to_address=post.to,
        reply_to="",
        subject=post.subject,
        date=datetime.fromtimestamp(int(post.nonce.partition(".")[0]), UTC),
        message_id=_message_id(post.to, post.mark),
        references=(),
        text=post.words,
        html="",
        attachments=post.files,
        fields=((WISH_FIELD, Action.SOLVED.value),) if post.solves else (),
        smtputf8=not post.person.isascii(),
    )
    return compose(outgoing)


async def _settled(desk: Desk, mail: int) -> int | None:
    """The ticket that a mail has joined, as soon as that is known; None if it takes too long for a page."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        row = await desk.store.read(ledger.row, mail)
        if row is not None and row.state != "spooled":
            return row.ticket
        await asyncio.sleep(_LOOK_AGAIN)
    return None


async def reply(
    desk: Desk,
    number: int,
    person: str,
    *,
    client: str,
    nonce: str,
    mark: str,
    words: str,
    files: tuple[OutgoingAttachment, ...] = (),
    solves: bool = False,
) -> Posted:
    """His words join a ticket, or open a follow-up of one that is closed. Raises BadLink if it is not his."""
    ticket, _ = await desk.store.read(own_ticket, desk, number, person)
    address = desk.policy.category(ticket.category).address
    posted = await write_mail(
        desk,
        Post(
            person=person,
            client=client,
            nonce=nonce,
            mark=mark,
            to=address,
            rcpt=reply_address(desk.keys, address, ticket.number, person, Purpose.CUSTOMER),
            subject=f"{desk.policy.tag(ticket.number)} {ticket.subject}",
            words=words,
            files=files,
            solves=solves,
        ),
    )
    return _seen_from(ticket.number, posted)


def _seen_from(number: int, posted: Posted) -> Posted:
    return replace(posted, is_followed=posted.ticket not in (None, number))


async def ask(
    desk: Desk,
    person: str,
    *,
    client: str,
    nonce: str,
    mark: str,
    category: str,
    form: Form,
    words: str,
    files: tuple[OutgoingAttachment, ...] = (),
) -> Posted:
    """«Задать вопрос»: a ticket in that category, with the topic and the fields of the form.

    Raises NotAllowed for support's own people: they would become their own customers.
    """
    policy = desk.policy
    if policy.is_agent_of(person, category) or policy.is_desk_address(person):
        raise NotAllowed("support does not ask itself")
    found = policy.category(category)
    title = (found.topic(form.topic) or found).title.into(policy.language)
    return await write_mail(
        desk,
        Post(
            person=person,
            client=client,
            nonce=nonce,
            mark=mark,
            to=found.address,
            rcpt=found.address,
            subject=own_subject(subject_of(words, title), policy.subject_tag) or title,
            words=words,
            files=files,
            form=form,
        ),
    )


async def answered_before(desk: Desk, number: int, person: str, mark: str) -> Posted | None:
    """What became of a `reply` of that mark; None if there was none. Raises BadLink if the ticket is not his."""
    ticket, _ = await desk.store.read(own_ticket, desk, number, person)
    before = await posted_before(desk, desk.policy.category(ticket.category).address, mark)
    return _seen_from(ticket.number, before) if before else None


def own_ticket(tx: Tx, desk: Desk, number: int, person: str) -> tuple[TicketFacts, Facts]:
    """A ticket that this person may read as its customer or his guest, or the one that it was merged into.

    Raises BadLink in the same words, after the same work, for one that is not his and one that is not there.
    """
    found = tickets.facts_of_ticket(tx, number) if mine.may_read(tx, number, person) else None
    if found is None or not found[0].may_join(person):
        raise BadLink("no such page")
    if Right.READ not in rights_of(_customer(person), found[0].category, found[0], desk.policy):
        raise BadLink("no such page")
    return found


def _customer(person: str) -> Actor:
    """His session began with a link that we sent to that very address."""
    return Actor(person, Standing.CONFIRMED, Purpose.CUSTOMER)


async def settle(desk: Desk, number: int, person: str, action: Action) -> bool:
    """Press «Спасибо, проблема решена» or «Проблема не решена, продолжить общение». Pressed again it does nothing.

    False if it is too late for that. Raises BadLink if the ticket is not his.
    """
    is_so = await desk.store.run(_settle, desk, number, person, action)
    desk.wake.letters.set()
    return is_so


def _settle(tx: Tx, desk: Desk, number: int, person: str, action: Action) -> bool:
    ticket, facts = own_ticket(tx, desk, number, person)
    authorise(_customer(person), Right.SETTLE, ticket.category, ticket, desk.policy)
    claim, now = Claim(ticket.number, person, action), desk.now()
    decision = decide_click(claim, ticket, facts, desk.policy, now, via="portal", way=Way.PORTAL)
    apply(tx, desk, decision, now)
    return decision.reason is not Reason.ACTION_REFUSED
