"""decide(): what becomes of a mail. Pure: facts in, effects and one reason out.

Reads from top to bottom like a desk works: what cannot be understood is set aside, machines are recorded, then an agent
or a customer speaks; each of the two has a file of its own.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from maild.core.address import is_mailbox
from maild.core.agents import agent_proofs, decide_agent, decide_approved
from maild.core.business import decide_business, is_business
from maild.core.case import Case, Macros, no_macros
from maild.core.customers import decide_customer
from maild.core.effects import Decision, Effect, Event, LetterBounced, LetterReported, Mute, Reason, Record
from maild.core.explain import claimed, explained, held
from maild.core.facts import Approval, Facts, LetterFacts, TicketFacts
from maild.core.letter import Letter
from maild.core.mail import BouncedRecipient, Envelope, Kind, Mail, Mark
from maild.core.match import Match, match_customer, proofs_in
from maild.core.policy import Policy
from maild.core.portal import as_typed
from maild.core.reports import Delivery
from maild.core.rights import Actor, Right, Standing, rights_of
from maild.core.robots import has_too_many_hops, is_machine_made, is_nested, is_notice, is_report, is_returned
from maild.core.rounds import reopened_by_failure
from maild.core.route import Route, by_subject, category_for
from maild.core.sends import failure_letters, to_second_teams
from maild.core.sent import decide_sent, spoken_by_support
from maild.core.tokens import HeldAction, Keys, Purpose, bounced_letter
from maild.core.trust import Trust, is_marked_spam, trust_in
from maild.core.webforms import spoken_by_visitor

_NO_SUCH_ADDRESS = "5.1.1"


def routes_of(envelope: Envelope, policy: Policy) -> tuple[Route, ...]:
    """Where the recipients lead, in their order; those that no category has (any more) are left out."""
    found = (category_for(recipient, policy) for recipient in envelope.rcpt_tos)
    return tuple(route for route in found if route)


def decide(
    mail: Mail,
    envelope: Envelope,
    facts: Facts,
    policy: Policy,
    keys: Keys,
    now: datetime,
    *,
    instance: str,
    is_released: bool = False,
    approval: Approval | None = None,
    macros: Macros = no_macros,
) -> Decision:
    """The fate of one mail.

    `envelope.received_at` judges deadlines, `now` starts rounds. `instance` is this desk's loop mark.
    `is_released`: a person let a held mail through; it speaks with a customer's rights only (SPEC section 5).
    `approval`: a person of support said that a held mail of support's is to be sent, or kept as a note.
    """
    policy = policy.for_mailbox(envelope.mailbox)
    if envelope.sent_in:
        mail = spoken_by_support(mail, envelope, policy)
    mail = as_typed(mail, envelope)
    trust = trust_in(mail, envelope, policy)
    spoken = spoken_by_visitor(mail, trust, policy)
    words = spoken or mail
    case = Case(
        mail=words,
        envelope=envelope,
        facts=facts,
        policy=policy,
        keys=keys,
        now=now,
        routes=tuple(_with_topic(route, mail, envelope, policy) for route in routes_of(envelope, policy)),
        trust=Trust.UNVERIFIED if spoken else trust,
        proofs=tuple(proofs_in(words, envelope, facts, policy, keys)),
        macros=macros,
        instance=instance,
    )
    return replace(_decide(case, instance, approval, is_released=is_released), trust=trust)


def _with_topic(route: Route, mail: Mail, envelope: Envelope, policy: Policy) -> Route:
    """A form names the topic; else the address does, or a tag in the subject."""
    if envelope.form is None:
        return by_subject(route, mail.subject, policy)
    topic = policy.category(route.category).topic(envelope.form.topic)
    return replace(route, topic=topic.key if topic else "")


def decide_second_arrival(envelope: Envelope, known: Iterable[str], ticket: TicketFacts, policy: Policy) -> Decision:
    """A mail that has its ticket came again, for recipients not seen before: teams of further categories are told."""
    told = {route.category for address in known if (route := category_for(address, policy))}
    fresh = [route.category for route in routes_of(envelope, policy) if route.category not in told]
    letters = to_second_teams(policy, ticket.category, fresh, ticket.number)
    return Decision(Reason.SECOND_CATEGORY if letters else Reason.ALREADY_KNOWN, letters, ticket.number)


def _decide(case: Case, instance: str, approval: Approval | None, *, is_released: bool) -> Decision:
    if case.mail.error is not None:
        return held(case, Reason.HELD_UNPARSABLE, _match(case).ticket)
    if case.facts.is_said:
        return Decision(Reason.ALREADY_KNOWN)
    if case.envelope.sent_in and not (case.routes and (agent_proofs(case) or is_business(case))):
        decision = decide_sent(case, instance)
        if decision.reason is not Reason.NO_ANSWER or not case.routes:
            return decision  # else it is the copy of a mail to the desk, which may come later, or never
    if not case.routes:
        return held(case, Reason.HELD_NO_RECIPIENT)
    if approval is not None:
        return _decide_approved(case, approval)
    return _decide_released(case) if is_released else _decide_fresh(case, instance)


def _decide_fresh(case: Case, instance: str) -> Decision:
    mail = case.mail
    if is_returned(mail, instance, is_own_letter=case.facts.is_own_letter):
        # The notice of a hold would come back as well, to be held and announced again. A desk that is one mailbox finds
        # there what it has filed itself.
        is_filed = case.policy.desk_mailbox(case.envelope.mailbox) is not None
        return Decision(Reason.NOTICE_RETURNED) if is_filed or is_notice(mail) else held(case, Reason.HELD_LOOP)
    if has_too_many_hops(mail):
        return held(case, Reason.HELD_TOO_MANY_HOPS, _match(case).ticket)
    if case.envelope.mark is Mark.CUT:
        return held(case, Reason.HELD_CUT, _match(case).ticket)
    if mail.kind is Kind.BOUNCE:
        return _decide_bounce(case)
    if is_report(mail):
        return _decide_robot(case)
    return _decide_person(case)


def _decide_person(case: Case) -> Decision:
    if case.trust is Trust.FAILED:
        return held(case, Reason.HELD_TRUST_FAILED, _match(case).ticket)
    if case.envelope.mark is Mark.JUNK or is_marked_spam(case.mail, case.envelope, case.policy.trust):
        return _decide_spam(case)
    if not _has_author(case):
        return held(case, Reason.HELD_NO_AUTHOR)
    return _decide_support(case) if case.policy.is_support(case.author.address) else _decide_outsider(case)


def _has_author(case: Case) -> bool:
    """Is there somebody who can be answered? Reply-To, Sender and Return-Path stand in for From for display only."""
    return is_mailbox(case.author.address) and not case.mail.is_author_stand_in


def _decide_spam(case: Case) -> Decision:
    """Set aside. Nothing is written to that address by itself, unless it is sure to take part in a ticket."""
    match = _match(case)
    is_junk = case.envelope.mark is Mark.JUNK
    decision = held(case, Reason.HELD_JUNK if is_junk else Reason.HELD_SPAM, match.ticket)
    if match.is_confirmed or not case.author.address:
        return decision
    return replace(decision, effects=(*decision.effects, Mute(case.author.address)))


def _decide_outsider(case: Case) -> Decision:
    match = _match(case)
    if match.ticket is None and is_nested(case.mail.subject, case.policy.subject_tag):
        return held(case, Reason.HELD_NESTED, match.claimed)
    return decide_customer(case, match)


def _decide_support(case: Case) -> Decision:
    """Somebody who is support, or says so."""
    proofs = agent_proofs(case)
    if case.trust is not Trust.VERIFIED:
        meant = _meant(case)
        return claimed(case, meant, can_send=_could_speak(case, meant) or is_business(case))
    if proofs:
        return decide_agent(case, proofs)
    if is_business(case):
        return decide_business(case)
    match = _match(case)
    if match.ticket is None and (match.claimed or _is_own_category(case)):
        return _unproven(case, match.claimed)
    return decide_customer(case, match)


def _unproven(case: Case, named: TicketFacts | None) -> Decision:
    """Support writes without answering a letter of ours. A ticket of another category is none of his business."""
    if named is not None and not _could_speak(case, named):
        return held(case, Reason.HELD_AGENT_UNPROVEN, named)
    if is_machine_made(case.mail):
        return held(case, Reason.HELD_AGENT_AUTOMATIC, named)
    return explained(case, Reason.HELD_AGENT_UNPROVEN, named, can_send=named is not None)


def _meant(case: Case) -> TicketFacts | None:
    """The ticket that a mail in support's name is about: by a letter of ours, an address, the number in its subject."""
    proofs = agent_proofs(case) or case.proofs
    if proofs:
        return proofs[0].ticket
    match = _match(case)
    return match.ticket or match.claimed


def _could_speak(case: Case, ticket: TicketFacts | None) -> bool:
    """Could the author answer in this ticket, if he is who he says he is and answers a letter of ours?"""
    actor = Actor(case.author.address, Standing.VERIFIED, Purpose.AGENT)
    return ticket is not None and Right.ANSWER in rights_of(actor, ticket.category, ticket, case.policy)


def _decide_approved(case: Case, approval: Approval) -> Decision:
    """Support's own held mail, which its author, or in open trust his team, wants to be sent or kept as a note."""
    ticket = _meant(case)
    category = ticket.category if ticket else case.routes[0].category
    is_operator = approval.person.startswith("cli:")
    person = Actor(approval.person, Standing.OPERATOR if is_operator else Standing.CONFIRMED)
    if case.trust is Trust.FAILED or Right.DECIDE not in rights_of(person, category, ticket, case.policy):
        return held(case, Reason.HELD_AGENT_UNVERIFIED, ticket)
    if is_business(case) and not agent_proofs(case) and approval.action is HeldAction.SEND:
        return decide_business(case, is_approved=True)
    if ticket is None:
        return held(case, Reason.HELD_AGENT_UNPROVEN)
    return decide_approved(case, ticket, approval.action)


def _is_own_category(case: Case) -> bool:
    """Does support write to itself? As a new question it would make the team its own customer."""
    return case.policy.is_agent_of(case.author.address, case.routes[0].category)


def _decide_released(case: Case) -> Decision:
    """With a customer's rights only. An agent's claim cannot be released: `desk.act` refuses before it comes here."""
    if not _has_author(case):
        return held(case, Reason.HELD_NO_AUTHOR)
    decision = decide_customer(case, _match(case))
    return replace(decision, effects=(*decision.effects, Mute(case.author.address, is_spam=False)))


def _match(case: Case) -> Match:
    return match_customer(case.mail, case.trust, case.proofs, case.facts, case.policy, is_open_trust=case.is_open_trust)


def _decide_bounce(case: Case) -> Decision:
    """A delivery status notification: genuine only from the null sender about a letter that we know (RFC 3464 §2).

    A forged one stands in the ledger and does nothing; one that is about no letter of ours is for a person to see.
    """
    letter = case.facts.bounced
    if letter is None:
        return held(case, Reason.HELD_BOUNCE_UNKNOWN)
    if case.envelope.mail_from:
        return Decision(Reason.BOUNCE_FORGED)
    if case.mail.is_kind_guessed:
        return held(case, Reason.HELD_KIND_GUESSED, case.facts.ticket(letter.ticket or 0))
    return _decide_genuine_bounce(case, letter)


def _decide_genuine_bounce(case: Case, letter: LetterFacts) -> Decision:
    bounced = case.mail.bounce.recipients if case.mail.bounce else ()
    failed = [recipient for recipient in bounced if recipient.action == "failed"]
    if not failed:
        return _decide_report(case, letter, bounced)
    status = next((recipient.status for recipient in failed if recipient.status), "")
    gone = _unreachable(case, letter, status)
    fact = LetterBounced(letter.id, status, gone)
    if letter.ticket is None:
        return Decision(Reason.BOUNCE_RECORDED, (fact,))
    entry = Record(letter.ticket, Event.BOUNCE, letter.to, case.via, status)
    if letter.is_failed:  # the team has been told, and the ticket may have gone on since
        return Decision(Reason.BOUNCE_RECORDED, (fact, entry), letter.ticket)
    effects: tuple[Effect, ...] = (
        fact,
        entry,
        *failure_letters(
            case.policy,
            letter.category,
            letter.ticket,
            letter=Letter(letter.letter),
            to=letter.to,
            subject=letter.subject,
            reason=status,
            is_stopped=bool(gone),
        ),
        *reopened_by_failure(
            case.facts.ticket(letter.ticket),
            Letter(letter.letter),
            letter.to,
            case.policy,
            case.envelope.received_at,
            via=case.via,
        ),
    )
    return Decision(Reason.BOUNCE_RECORDED, effects, letter.ticket)


def _decide_report(case: Case, letter: LetterFacts, told: Iterable[BouncedRecipient]) -> Decision:
    """Delayed, or delivered: what is known of the letter changes, the ticket does not. Who relays knows nothing yet."""
    by_action = {recipient.action: recipient.status for recipient in reversed(tuple(told))}
    for state in (Delivery.DELAYED, Delivery.DELIVERED):
        if state.value in by_action:
            reason = f"{state} {by_action[state.value]}".strip()
            entry = (Record(letter.ticket, Event.RECEIPT, letter.to, case.via, reason),) if letter.ticket else ()
            fact = LetterReported(letter.id, state, by_action[state.value])
            return Decision(Reason.ROBOT_RECORDED, (fact, *entry), letter.ticket)
    return _recorded(letter.ticket, Event.RECEIPT, case, Reason.ROBOT_RECORDED)


def _unreachable(case: Case, letter: LetterFacts, status: str) -> str:
    """The address, if the bounce says that it does not exist (RFC 3463 §3.2) and came to this very letter's sender.

    A Message-ID is known to everybody the letter was passed on to; only its envelope sender proves where it was sent.
    Support is written to in any case: its mailboxes are the admin's to mend, and there is nobody else to tell.
    """
    is_proven = any(bounced_letter(case.keys, route.detail) == letter.id for route in case.routes)
    is_gone = status == _NO_SUCH_ADDRESS and is_proven and not case.policy.is_support(letter.to)
    return letter.to if is_gone else ""


def _decide_robot(case: Case) -> Decision:
    """Out-of-office and receipts: an event on the ticket they answer, never a message, never a change of status."""
    if case.mail.is_kind_guessed:
        return held(case, Reason.HELD_KIND_GUESSED, _match(case).ticket)
    ticket = case.proofs[0].ticket if case.proofs else _match(case).ticket
    # Vacation programs answer to the envelope sender (RFC 3834 §4), which names our letter.
    letter = case.facts.bounced
    number = ticket.number if ticket else letter.ticket if letter else None
    if number is None:
        return held(case, Reason.HELD_ROBOT)
    event = Event.AUTO_RESPONSE if case.mail.kind is Kind.AUTO_RESPONSE else Event.RECEIPT
    return _recorded(number, event, case, Reason.ROBOT_RECORDED)


def _recorded(ticket: int | None, event: Event, case: Case, reason: Reason) -> Decision:
    effects = (Record(ticket, event, case.author.address, case.via, case.mail.kind.value),) if ticket else ()
    return Decision(reason, effects, ticket)
