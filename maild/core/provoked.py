"""Letters that strangers call forth, and that are not written (SPEC section 6)."""

from maild.core.case import Case
from maild.core.effects import Effect, Event, OverBudget, Record


def dropped(case: Case, ticket: int, category: str, letter: str) -> list[Effect]:
    """What stands for a letter that is not written: strangers have made us write enough, or this one has sent spam.

    `letter` is its name in the ticket's history. The team of that category is told of a budget that is used up.
    """
    if case.facts.provoked.is_muted:
        return [Record(ticket, Event.DROPPED, "maild", case.via, f"{letter}: spam came from this address")]
    return [Record(ticket, Event.DROPPED, "maild", case.via, f"{letter}: over the budget"), OverBudget(category)]
