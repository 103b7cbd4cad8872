"""Which ticket a mail belongs to, and why: the five rules of SPEC section 5, first that fits."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from maild.core.address import normalise, split_detail
from maild.core.effects import Reason
from maild.core.facts import Facts, MailKeys, TicketFacts
from maild.core.mail import Envelope, Mail
from maild.core.orders import looked_up_by_orders
from maild.core.policy import Policy
from maild.core.tokens import (
    Action,
    Keys,
    Purpose,
    Signed,
    bounced_letter,
    read_action_code,
    read_detail,
    read_message_id,
    verify,
)
from maild.core.trust import Trust

_SUPPORTS = (Purpose.AGENT, Purpose.NOTE)
_LIMIT = 50  # references looked at, newest first: more only cost time
_NUMBER = r"([1-9][0-9]{0,17})\]"
_CODE = r"(?:\s*([A-Za-z]{1,8}-[A-Za-z2-7]{16})(?![A-Za-z0-9]))"


@dataclass(frozen=True, slots=True)
class Proof:
    """A token of ours that verified: we sent it to `holder`, for that ticket and purpose."""

    ticket: TicketFacts
    holder: str
    purpose: Purpose
    is_reference: bool
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The ticket a customer's mail joins, or None; `claimed` is a ticket it names without the right to join it.

    `action` is what a code in the subject asks for that we signed for this very author.
    """

    ticket: TicketFacts | None
    reason: Reason
    is_confirmed: bool = False
    claimed: TicketFacts | None = None
    action: Action | None = None


def numbers_in(subject: str, tag: str) -> tuple[int, ...]:
    """The ticket numbers in a subject, in order: ASCII digits inside the tag only, `[#1042]` with tag `#`."""
    found = re.findall(rf"\[{_tag(tag)}{_NUMBER}", subject)
    return tuple(dict.fromkeys(int(number) for number in found))


def _tag(tag: str) -> str:
    """desk.subject_tag as a pattern: programs fold subjects at blanks, and make other blanks of them."""
    return r"\s+".join(re.escape(word) for word in tag.split()) + (r"\s+" if tag[-1:].isspace() else "")


def without_numbers(subject: str, tag: str) -> str:
    """A subject without our numbers: a new ticket gets its own and must not carry a second one around."""
    return " ".join(re.sub(rf"\[{_tag(tag)}{_NUMBER}{_CODE}?", " ", subject).split())


def action_codes(subject: str, tag: str) -> tuple[Signed, ...]:
    """The codes of ready mails in a subject: `[#1042] solved-<code>`."""
    found = re.findall(rf"\[{_tag(tag)}{_NUMBER}{_CODE}", subject)
    return tuple(code for number, text in found if (code := read_action_code(int(number), text)))


def references_of(mail: Mail) -> tuple[str, ...]:
    """The Message-IDs a mail refers to, the one it answers first, then from the newest back."""
    newest_first = (*mail.in_reply_to, *reversed(mail.references))
    return tuple(dict.fromkeys(newest_first))[:_LIMIT]


def reply_tokens(envelope: Envelope) -> tuple[Signed, ...]:
    """The reply tokens in the recipient addresses."""
    found = (read_detail(split_detail(recipient)[1]) for recipient in envelope.rcpt_tos)
    return tuple(token[1] for token in found if token and token[0] == "t")


def keys_of(mail: Mail, envelope: Envelope, policy: Policy, keys: Keys) -> MailKeys:
    """What to look up for this mail."""
    references = references_of(mail)
    signed = (*reply_tokens(envelope), *filter(None, map(read_message_id, references)))
    numbers = (*(token.number for token in signed), *numbers_in(mail.subject, policy.subject_tag))
    letters = (bounced_letter(keys, split_detail(recipient)[1]) for recipient in envelope.rcpt_tos)
    ordered, people = looked_up_by_orders(mail, policy)
    return MailKeys(
        author=normalise(mail.author.address) if mail.author else "",
        message_id=mail.message_id,
        references=references,
        numbers=tuple(dict.fromkeys((*numbers, *ordered))),
        people=people,
        answered=tuple(one for one in references if (ours := read_message_id(one)) and ours.purpose in _SUPPORTS),
        said=mail.message_id if _may_lie_in_sent(mail, envelope, policy) else "",
        is_sent=bool(envelope.sent_in),
        letter=next(filter(None, letters), None),
        returned_id=mail.bounce.original_message_id if mail.bounce else mail.about,
    )


def _may_lie_in_sent(mail: Mail, envelope: Envelope, policy: Policy) -> bool:
    """Is it, or may it be, a mail of which there is a second copy in the Sent folder of support's mailbox?"""
    is_supports = mail.author is not None and policy.is_support(mail.author.address)
    return bool(envelope.sent_in) or (is_supports and bool(policy.queues))


def proofs_in(mail: Mail, envelope: Envelope, facts: Facts, policy: Policy, keys: Keys) -> list[Proof]:
    """The tokens of a mail that are ours: the reply address, then codes in the subject, then references from the newest
    back.

    A token is tried against the people it can have been made for: the author, the ticket's participants, its support.
    """
    author = normalise(mail.author.address) if mail.author else ""
    found = [(token, False) for token in (*reply_tokens(envelope), *action_codes(mail.subject, policy.subject_tag))]
    found += [(token, True) for token in map(read_message_id, references_of(mail)) if token]
    proofs: list[Proof] = []
    for token, is_reference in found:
        ticket = facts.ticket(token.number)
        if ticket is None:
            continue
        held = verify(keys, token, _possible_holders(author, facts.tickets[token.number], policy))
        if held:
            proofs.append(Proof(ticket, *held, is_reference=is_reference, action=token.action))
    return proofs


def _possible_holders(author: str, ticket: TicketFacts, policy: Policy) -> Iterator[str]:
    people = (
        author,
        *(person.address for person in ticket.participants),
        *(address for category in policy.categories for address in category.team),
        *(agent.address for agent in policy.agents),
    )
    return iter(dict.fromkeys(person for person in people if person))


def match_customer(
    mail: Mail, trust: Trust, proofs: Sequence[Proof], facts: Facts, policy: Policy, *, is_open_trust: bool
) -> Match:
    """The ticket of a customer's mail that has not failed authentication."""
    author = normalise(mail.author.address) if mail.author else ""
    for proof in proofs:
        if proof.ticket.may_join(author):
            own = [one for one in proofs if one.holder == author and one.ticket == proof.ticket]
            action = next((one.action for one in own if one.action), None)
            return Match(proof.ticket, _reason_of(proof), is_confirmed=bool(own), action=action)
    named: list[TicketFacts] = [proof.ticket for proof in proofs]
    recorded = (number for value in references_of(mail) for number in facts.recorded.get(value, ()))
    for ticket in _tickets(facts, recorded):
        if ticket.may_join(author):
            return Match(ticket, Reason.JOINED_BY_REFERENCE)
        named.append(ticket)
    for ticket in _tickets(facts, numbers_in(mail.subject, policy.subject_tag)):
        if ticket.may_join(author) and mail.is_author_sole:
            if trust is Trust.VERIFIED:
                return Match(ticket, Reason.JOINED_BY_NUMBER)
            if is_open_trust:
                return Match(ticket, Reason.JOINED_UNVERIFIED)
        named.append(ticket)
    if named:
        return Match(None, Reason.CLAIMS_TICKET, claimed=named[0])
    return Match(None, Reason.NEW_QUESTION)


def _reason_of(proof: Proof) -> Reason:
    if proof.action:
        return Reason.JOINED_BY_CODE
    return Reason.JOINED_BY_OUR_REFERENCE if proof.is_reference else Reason.JOINED_BY_TOKEN


def _tickets(facts: Facts, numbers: Iterable[int]) -> Iterator[TicketFacts]:
    for number in numbers:
        ticket = facts.ticket(number)
        if ticket:
            yield ticket
