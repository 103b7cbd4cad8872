"""What a ticket's card means for its life: incomplete, what is asked for, complete (SPEC section 2, sentence 1.3)."""

from maild.core.case import Case
from maild.core.effects import OPENED, Effect, Event, Record, Send, SetFields
from maild.core.facts import TicketFacts
from maild.core.forms import Card, fill, read_card
from maild.core.letter import Letter
from maild.core.provoked import dropped
from maild.core.robots import is_within, may_answer
from maild.core.ticket import Outcome, Status
from maild.core.tokens import Purpose
from maild.core.trust import Trust


def first_card(case: Case, category: str, topic: str) -> Card:
    """The card of a new question, as far as its letter fills it in."""
    found = case.policy.category(category).topic(topic)
    if case.envelope.form is not None:
        return fill(found, {}, case.envelope.form.fields) if found else Card()
    return read_card(found, {}, case.mail.reply, case.mail.text)


def next_card(case: Case, ticket: TicketFacts) -> Card:
    """The card of a ticket after one letter more."""
    found = case.policy.category(ticket.category).topic(ticket.topic)
    return read_card(found, ticket.fields, case.mail.reply, case.mail.text)


def is_incomplete(case: Case, card: Card) -> tuple[Effect, ...]:
    """The line in a new ticket's history that says what is missing."""
    if card.is_complete:
        return ()
    keys = ", ".join(problem.field.key for problem in card.problems)
    return (Record(OPENED, Event.INCOMPLETE, "maild", case.via, keys),)


def filled_in(ticket: TicketFacts, card: Card) -> tuple[Effect, ...]:
    """What a letter changed on the card."""
    return (SetFields(ticket.number, card.values),) if card.values != ticket.fields else ()


def problems_context(card: Card, *, with_values: bool = True) -> dict[str, object]:
    """What is missing or wrong, for templates. `with_values` repeats what was written: only to people who are known."""
    if not card.problems:
        return {}
    listed = [
        {"key": one.field.key, "fault": one.fault.value, "given": one.given if with_values else ""}
        for one in card.problems
    ]
    return {"problems": listed}


def answer_about_card(
    case: Case, ticket: TicketFacts, card: Card, outcome: Outcome, *, is_confirmed: bool
) -> tuple[Effect, ...]:
    """What the author of a letter to an incomplete ticket is told: what is still missing, or that nothing is.

    Only if he wrote something into the card: a machine that answers everything is not asked again.
    """
    if ticket.status is not Status.INCOMPLETE or not card.fresh:
        return ()
    if outcome.status not in (Status.INCOMPLETE, Status.NEW):
        return ()
    if not may_answer(case.mail, case.envelope, case.trust, case.policy):
        return ()
    if not is_confirmed and not is_within(case.policy.budgets, case.facts.provoked):
        return tuple(dropped(case, ticket.number, ticket.category, "missing fields"))
    is_known = is_confirmed or case.trust is Trust.VERIFIED
    return (
        Send(
            letter=_about_card(outcome, is_known=is_known),
            ticket=ticket.number,
            to=case.addressee(is_known=is_known),
            purpose=Purpose.CUSTOMER,
            language=case.language(ticket),
            has_message=is_known,
            is_provoked=not is_confirmed,
            context={
                "has_token_address": is_confirmed or not case.is_open_trust,
                **problems_context(card, with_values=is_known),
            },
        ),
    )


def _about_card(outcome: Outcome, *, is_known: bool) -> Letter:
    if outcome.status is not Status.NEW:
        return Letter.MISSING_FIELDS
    return Letter.ACKNOWLEDGEMENT if is_known else Letter.MINIMAL
