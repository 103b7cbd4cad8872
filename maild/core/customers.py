"""A customer speaks: a new question, an answer, «решено», or a word after the deadline."""

from dataclasses import replace

from maild.core.cards import (
    answer_about_card,
    filled_in,
    first_card,
    is_incomplete,
    next_card,
    problems_context,
)
from maild.core.case import Case
from maild.core.commands import Wish, read_wish, without_wish
from maild.core.copies import proposal_context, proposal_effects, proposed_by
from maild.core.deadlines import decide_close
from maild.core.effects import (
    OPENED,
    Decision,
    Effect,
    Event,
    OpenTicket,
    Reason,
    Record,
    Role,
    Send,
    SetStatus,
    Way,
)
from maild.core.facts import TicketFacts
from maild.core.forms import Card
from maild.core.letter import Letter
from maild.core.match import Match
from maild.core.portal import WISH_FIELD
from maild.core.provoked import dropped, warned
from maild.core.requests import decide_request
from maild.core.rights import Actor, Right, Standing, rights_of
from maild.core.robots import is_within, may_answer
from maild.core.rounds import round_context, status_effects
from maild.core.sends import to_participants, to_second_teams, to_team
from maild.core.speech import follow_up_effects
from maild.core.subject import own_subject
from maild.core.ticket import Happening, Outcome, Status, Verdict, advance, sooner_by_thanks
from maild.core.tokens import Purpose
from maild.core.trust import Trust


def decide_customer(case: Case, match: Match) -> Decision:
    """A mail of somebody who is not support; `match` says where it belongs."""
    ticket = match.ticket
    if ticket is not None and Right.WRITE not in rights_of(_actor(case, match), ticket.category, ticket, case.policy):
        match, ticket = Match(None, Reason.CLAIMS_TICKET, claimed=ticket), None
    if not case.is_portal and (answer := decide_request(case, match)):
        return answer
    return _new_question(case, match) if ticket is None else _word(case, ticket, match)


def _word(case: Case, ticket: TicketFacts, match: Match) -> Decision:
    if match.reason is Reason.JOINED_UNVERIFIED:
        return _unverified_word(case, ticket, match)
    happening = _happening(case, ticket, match)
    card = next_card(case, ticket)
    moment = case.envelope.received_at
    outcome = advance(ticket.status, ticket.reopen_until, happening, moment, is_complete=card.is_complete)
    match outcome.verdict:
        case Verdict.FOLLOW_UP:
            return _follow_up(case, ticket, match)
        case Verdict.REFUSED:
            return _refused(case, ticket, match)
        case Verdict.RECORDED:
            events = (_said(case, ticket, Event.COURTESY),)
            return Decision(match.reason, (case.message(Role.CUSTOMER, ticket=ticket.number), *events), ticket.number)
        case Verdict.DONE:
            return _joined(case, ticket, match, happening, outcome, card)


def _actor(case: Case, match: Match) -> Actor:
    """The author as the one function of rights knows him. A failed mail comes this far only if a person let it in."""
    if match.is_confirmed or case.is_portal:
        return Actor(case.author.address, Standing.CONFIRMED, Purpose.CUSTOMER)
    return Actor(case.author.address, Standing.VERIFIED if case.trust is Trust.VERIFIED else Standing.CLAIMED)


def _wish(case: Case, match: Match) -> Wish | None:
    """What the words ask for. The code in the subject speaks only where they say nothing else: a subject stays on when
    somebody answers his own mail of yesterday."""
    if case.is_portal and case.mail.field(WISH_FIELD) == Wish.SOLVED:
        return Wish.SOLVED
    is_silent = not (case.mail.reply.strip() or case.mail.attachments)
    if match.action and (is_silent or case.mail.is_courtesy):
        return Wish(match.action.value)
    return read_wish(case.mail.reply)


def _happening(case: Case, ticket: TicketFacts, match: Match) -> Happening:
    wish = _wish(case, match)
    is_closed = (
        advance(ticket.status, ticket.reopen_until, Happening.CUSTOMER_WRITES, case.envelope.received_at).verdict
        is Verdict.FOLLOW_UP
    )
    # A command cannot act on a closed ticket, but words beside it deserve a follow-up rather than a refusal.
    if is_closed and (without_wish(case.mail.reply) or case.mail.attachments) and not _is_bare_wish(case):
        wish = None
    if wish is Wish.SOLVED:
        return Happening.CUSTOMER_CONFIRMS
    if wish is Wish.CONTINUE:
        return Happening.CUSTOMER_CONTINUES
    return Happening.COURTESY if case.mail.is_courtesy else Happening.CUSTOMER_WRITES


def _is_bare_wish(case: Case) -> bool:
    return read_wish(case.mail.reply) is not None and "\n" not in case.mail.reply.strip() and not case.mail.attachments


def _said(case: Case, ticket: TicketFacts, event: Event) -> Record:
    way = Way.PORTAL if case.is_portal else Way.MAIL
    return Record(ticket.number, event, case.author.address, case.via, way)


def _way(case: Case, match: Match, happening: Happening) -> Way:
    if case.is_portal:
        return Way.PORTAL
    if happening in (Happening.CUSTOMER_CONFIRMS, Happening.CUSTOMER_CONTINUES):
        # A mailto: link opens a new mail to the reply address with nothing but the command in it, or with our code.
        is_new = not (case.mail.in_reply_to or case.mail.references)
        is_ready = is_new and case.mail.reply.strip().startswith("#") and any(one.reply_token for one in case.routes)
        return Way.MAILTO if is_ready or match.action else Way.WORD
    return Way.MAIL


def _joined(
    case: Case, ticket: TicketFacts, match: Match, happening: Happening, outcome: Outcome, card: Card
) -> Decision:
    event = Event.COURTESY if happening is Happening.COURTESY else Event.CUSTOMER_WROTE
    effects: list[Effect] = [case.message(Role.CUSTOMER, ticket=ticket.number), _said(case, ticket, event)]
    effects += filled_in(ticket, card)
    if match.reason is not Reason.JOINED_UNVERIFIED:
        effects += _sooner(case, ticket, happening, outcome)
    effects += status_effects(
        ticket.number,
        ticket.status,
        outcome,
        case.policy,
        case.now,
        who=case.author.address,
        via=case.via,
        way=_way(case, match, happening),
    )
    copied = proposed_by(case, ticket)
    effects += proposal_effects(case, copied, ticket.number)
    effects += to_team(
        case.policy,
        ticket.category,
        Letter.REOPENED if outcome.reopens else Letter.NEW_MESSAGE,
        ticket.number,
        also=ticket.assignee,
        context={
            "verdict": verdict(case, is_confirmed=match.is_confirmed),
            **proposal_context(copied),
            **problems_context(card),
        },
    )
    effects += answer_about_card(case, ticket, card, outcome, is_confirmed=match.is_confirmed)
    if happening is Happening.CUSTOMER_CONTINUES and outcome.status is not ticket.status:
        effects += _ask_what_is_wrong(case, ticket, match)
    if outcome.starts_round:
        effects += to_participants(
            case.policy,
            case.facts,
            ticket.participants,
            Letter.SOLVED,
            ticket.number,
            language=ticket.language,
            has_message=False,
            context=round_context(case.policy, case.now),
        )
    return Decision(match.reason, tuple(effects), ticket.number)


def _ask_what_is_wrong(case: Case, ticket: TicketFacts, match: Match) -> list[Effect]:
    """«Не решена», and not a word why: asked once, for the next such mail finds the ticket open."""
    if without_wish(case.mail.reply) or case.mail.attachments:
        return []
    if not may_answer(case.mail, case.envelope, case.trust, case.policy):
        return []
    if match.is_confirmed or is_within(case.policy.budgets, case.facts.provoked):
        return [_told(case, ticket, Letter.WHAT_IS_WRONG, ticket.number, match.is_confirmed, {})]
    return dropped(case, ticket.number, ticket.category, "question what is wrong")


def _sooner(case: Case, ticket: TicketFacts, happening: Happening, outcome: Outcome) -> list[Effect]:
    """Thanks for an answer: the ticket counts as solved sooner."""
    if happening is not Happening.COURTESY or outcome.status is not Status.PENDING or ticket.auto_solve_at is None:
        return []
    moment = sooner_by_thanks(ticket.auto_solve_at, case.now)
    return [SetStatus(ticket.number, Status.PENDING, auto_solve_at=moment)]


def _unverified_word(case: Case, ticket: TicketFacts, match: Match) -> Decision:
    """Rule 4: the number was right, the sender is anybody. The words are kept and shown; no status changes."""
    happening = Happening.COURTESY if case.mail.is_courtesy else Happening.CUSTOMER_WRITES
    outcome = advance(ticket.status, ticket.reopen_until, happening, case.envelope.received_at)
    if outcome.verdict is Verdict.FOLLOW_UP:
        return _follow_up(case, ticket, match)
    unchanged = Outcome(Verdict.DONE, ticket.status)
    return _joined(case, ticket, match, happening, unchanged, Card(ticket.fields))


def _new_question(case: Case, match: Match) -> Decision:
    first = case.routes[0]
    card = first_card(case, first.category, first.topic)
    opened = OpenTicket(
        subject=own_subject(case.mail.subject, case.policy.subject_tag),
        category=first.category,
        topic=first.topic,
        participants=(case.author,),
        language=case.language(),
        fields=card.values,
        status=Status.NEW if card.is_complete else Status.INCOMPLETE,
    )
    effects: list[Effect] = [
        opened,
        Record(OPENED, Event.OPENED, case.author.address, case.via, match.reason),
        *is_incomplete(case, card),
        case.message(Role.CUSTOMER),
    ]
    copied = proposed_by(case, None)
    effects += proposal_effects(case, copied)
    context: dict[str, object] = {
        "verdict": verdict(case, is_confirmed=False),
        **proposal_context(copied),
        **problems_context(card),
    }
    if match.claimed:
        named = match.claimed.number
        effects.append(Record(OPENED, Event.CLAIMS_TICKET, case.author.address, case.via, f"#{named}"))
        context["claims"] = named
        context["claims_own"] = match.claimed.participant(case.author.address) is not None
    effects += to_team(case.policy, first.category, Letter.NEW_TICKET, OPENED, context=context)
    others = (route.category for route in case.routes[1:])
    effects += to_second_teams(case.policy, first.category, others, OPENED, context=context)
    effects += _acknowledgement(case, opened.language, card)
    return Decision(match.reason, tuple(effects), OPENED)


def _acknowledgement(case: Case, language: str, card: Card) -> list[Effect]:
    """The table letter × trust of SPEC section 5: full words only for the verified, nothing over the budget."""
    if not may_answer(case.mail, case.envelope, case.trust, case.policy):
        return []
    if not case.is_portal and not is_within(case.policy.budgets, case.facts.provoked):
        return dropped(case, OPENED, case.routes[0].category, "acknowledgement")
    is_verified = case.trust is Trust.VERIFIED
    letter = Letter.ACKNOWLEDGEMENT if is_verified else Letter.MINIMAL
    if not card.is_complete:
        letter = Letter.MISSING_FIELDS
    return [
        Send(
            letter=letter,
            ticket=OPENED,
            to=case.addressee(is_known=is_verified),
            purpose=Purpose.CUSTOMER,
            language=language,
            has_message=is_verified,
            is_provoked=not case.is_portal,
            context={
                "has_token_address": not case.is_open_trust,
                "is_general": case.routes[0].is_general,
                **problems_context(card, with_values=is_verified),
            },
        ),
        *warned(case, case.routes[0].category),
    ]


def _follow_up(case: Case, ticket: TicketFacts, match: Match) -> Decision:
    """Closed is final: the words open a new ticket, linked both ways, with the same people."""
    copied = proposed_by(case, replace(ticket, proposed=()))
    context: dict[str, object] = {
        "verdict": verdict(case, is_confirmed=match.is_confirmed),
        "follow_up_of": ticket.number,
        **proposal_context(copied),
    }
    effects: list[Effect] = [
        *follow_up_effects(ticket, case.author.address, case.via),
        case.message(Role.CUSTOMER),
        *proposal_effects(case, copied),
        *to_team(case.policy, ticket.category, Letter.FOLLOW_UP_TEAM, OPENED, context=context),
    ]
    if match.reason is Reason.JOINED_UNVERIFIED or not may_answer(case.mail, case.envelope, case.trust, case.policy):
        effects += _acknowledgement(case, case.language(ticket), Card())
    elif match.is_confirmed or is_within(case.policy.budgets, case.facts.provoked):
        effects.append(_told(case, ticket, Letter.FOLLOW_UP, OPENED, match.is_confirmed, context))
    else:
        effects += dropped(case, OPENED, ticket.category, "follow-up letter")
    return Decision(Reason.FOLLOW_UP, tuple(effects), OPENED)


def _told(
    case: Case, ticket: TicketFacts, letter: Letter, number: int, is_confirmed: bool, context: dict[str, object]
) -> Send:
    is_known = is_confirmed or case.trust is Trust.VERIFIED
    author = ticket.participant(case.author.address) or case.author
    return Send(
        letter=letter,
        ticket=number,
        to=author if is_known else case.addressee(is_known=False),
        purpose=Purpose.CUSTOMER,
        language=case.language(ticket),
        # His words go back only to somebody who is sure to have written them.
        has_message=letter is Letter.FOLLOW_UP and is_known,
        is_provoked=not is_confirmed,
        context=context,
    )


def _refused(case: Case, ticket: TicketFacts, match: Match) -> Decision:
    """«решено» or «продолжить» and nothing else, after the close: say why not and what to do instead."""
    effects: list[Effect] = [
        case.message(Role.CUSTOMER, ticket=ticket.number),
        _said(case, ticket, Event.CUSTOMER_WROTE),
    ]
    answerable = may_answer(case.mail, case.envelope, case.trust, case.policy)
    if ticket.status is Status.SOLVED:
        # The job has not written "closed" yet: then this does, and its letter tells all participants, this one too.
        effects += decide_close(ticket, case.facts, case.policy, max(case.now, case.envelope.received_at)).effects
    elif answerable and (match.is_confirmed or is_within(case.policy.budgets, case.facts.provoked)):
        context: dict[str, object] = {"status": Status.CLOSED.value}
        effects.append(_told(case, ticket, Letter.CLOSED, ticket.number, match.is_confirmed, context))
    elif answerable:
        effects += dropped(case, ticket.number, ticket.category, "refusal")
    return Decision(Reason.ACTION_REFUSED, tuple(effects), ticket.number)


def verdict(case: Case, *, is_confirmed: bool) -> str:
    """What the team's letter says of the sender; in open trust it always says that nobody is verified."""
    if case.policy.trust.is_open and not case.is_portal:
        return "open"
    return Trust.VERIFIED.value if is_confirmed else case.trust.value
