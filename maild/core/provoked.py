"""Letters that strangers call forth, and that are not written (SPEC section 6)."""

from maild.core.case import Case
from maild.core.effects import Effect, Event, OverBudget, Record
from maild.core.robots import has_number


def dropped(case: Case, ticket: int, category: str, letter: str) -> list[Effect]:
    """What stands for a letter that is not written: strangers have made us write enough, or this one has sent spam.

    `letter` is its name in the ticket's history. The team of that category is told of a budget that is used up.
    """
    if case.facts.provoked.is_muted:
        return [Record(ticket, Event.DROPPED, "maild", case.via, f"{letter}: spam came from this address")]
    return [Record(ticket, Event.DROPPED, "maild", case.via, f"{letter}: over the budget"), OverBudget(category)]


def warned(case: Case, category: str) -> list[Effect]:
    """Beside the last letter that an author may call forth within the hour, if a ticket desk seems to write: a note.

    Of two desks that answer each other one uses up its budget first; the other would only see its mail come to an end.
    """
    is_last = case.facts.provoked.address_hour + 1 == case.policy.budgets.per_address_hour
    return [OverBudget(category)] if is_last and has_number(case.mail.subject) else []
