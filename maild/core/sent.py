"""What lies in the Sent folder of support's mailbox: answers to customers that were written outside maild.

They have reached their readers, so they are only written down: nothing is relayed, and what looks like a command is
text. Answers to letters of ours are another matter: they are mails to the desk, of which this is the copy.
"""

from collections.abc import Iterator
from dataclasses import replace

from maild.core.address import normalise
from maild.core.case import Case
from maild.core.effects import Decision, Reason, Role, Way
from maild.core.facts import TicketFacts
from maild.core.mail import Envelope, Mail, Mailbox
from maild.core.match import numbers_in, references_of
from maild.core.policy import Policy
from maild.core.rights import Actor, Right, Standing, rights_of
from maild.core.robots import is_machine_made, is_returned
from maild.core.speech import Speech, decide_speech
from maild.core.ticket import Happening
from maild.core.tokens import Purpose


def spoken_by_support(mail: Mail, envelope: Envelope, policy: Policy) -> Mail:
    """The mail with an author who is support: whoever writes from the mailbox under another name is the mailbox."""
    if mail.author and mail.is_author_sole and policy.is_support(mail.author.address):
        return mail
    name = mail.author.name if mail.author else ""
    return replace(mail, author=Mailbox(name, envelope.sent_in), is_author_sole=True, is_author_stand_in=False)


def readers_of(mail: Mail, envelope: Envelope) -> frozenset[str]:
    """Everybody it was sent to, as far as the copy tells."""
    people = (person.address for person in (*mail.to, *mail.cc))
    return frozenset(normalise(address) for address in (*people, *envelope.rcpt_tos))


def decide_sent(case: Case, instance: str) -> Decision:
    """A mail in Sent that is none to the desk: an answer to a participant of the ticket it refers to, or not ours."""
    if is_returned(case.mail, instance, is_own_letter=case.facts.is_own_letter) or is_machine_made(case.mail):
        return Decision(Reason.NO_ANSWER)
    readers = readers_of(case.mail, case.envelope)
    for ticket in _named(case):
        if any(ticket.participant(address) for address in readers) and _may_answer(case, ticket):
            return _written_down(case, ticket)
    return Decision(Reason.NO_ANSWER)


def _named(case: Case) -> Iterator[TicketFacts]:
    """The tickets it refers to: by our letters, by messages, by the number in its subject."""
    yield from (proof.ticket for proof in case.proofs)
    recorded = [number for name in references_of(case.mail) for number in case.facts.recorded.get(name, ())]
    for number in (*recorded, *numbers_in(case.mail.subject, case.policy.subject_tag)):
        ticket = case.facts.ticket(number)
        if ticket is not None:
            yield ticket


def _may_answer(case: Case, ticket: TicketFacts) -> bool:
    """The author, or the mailbox that he wrote from."""
    people = (
        Actor(address, Standing.VERIFIED, Purpose.AGENT) for address in (case.author.address, case.envelope.sent_in)
    )
    return any(Right.ANSWER in rights_of(actor, ticket.category, ticket, case.policy) for actor in people)


def _is_overtaken(case: Case, ticket: TicketFacts) -> bool:
    """Has the customer written again since this answer, which was found late? Then it is not his turn.

    Mailboxes know no parts of seconds. A date from before his first word is none that could be meant.
    """
    first, last = case.facts.spoke.get(ticket.number, (case.now, case.now))
    return first <= case.envelope.received_at < last.replace(microsecond=0)


def _written_down(case: Case, ticket: TicketFacts) -> Decision:
    speech = Speech(
        who=case.author.address,
        via=case.via,
        way=Way.MAIL,
        moment=case.envelope.received_at,
        now=case.now,
        answer=case.message(Role.AGENT),
        note=None,
        happening=None if _is_overtaken(case, ticket) else Happening.AGENT_ANSWERS,
        is_out=True,
        knows=(case.envelope.sent_in,),
    )
    decision = decide_speech(speech, ticket, case.facts, case.policy)
    if decision is None:
        raise ValueError("an answer is never refused: a closed ticket has a follow-up")
    return replace(decision, reason=Reason.ANSWERED_OUTSIDE)
