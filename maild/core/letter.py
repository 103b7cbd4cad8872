"""The kinds of letters maild writes. Which words each holds is the business of the templates, not of this file."""

from enum import StrEnum


class Letter(StrEnum):
    """One kind of letter; the value is the name of its template files."""

    ACKNOWLEDGEMENT = "acknowledgement"
    MINIMAL = "acknowledgement_minimal"
    MISSING_FIELDS = "missing_fields"
    NEW_TICKET = "new_ticket"
    NEW_MESSAGE = "new_message"
    COPY = "copy"
    ANSWER = "answer"
    SOLVED = "solved"
    REMINDER = "reminder"
    WHAT_IS_WRONG = "what_is_wrong"
    REOPENED = "reopened"
    CLOSED = "closed"
    FOLLOW_UP = "follow_up"
    SHOW = "show"
    LIST = "list"
    CATALOGUE = "catalogue"
    LOGIN = "login"
    FOLLOW_UP_TEAM = "follow_up_team"
    DELIVERY_FAILED = "delivery_failed"
    LEFT_OUT = "left_out"
    HOLDS = "holds"
    BUDGET = "budget"
    MAILBOX = "mailbox"
    COMMAND_HELP = "command_help"
    COLLISION = "collision"
    CLAIMED = "claimed"
    ECHO = "echo"
    HANDED_OVER = "handed_over"
    WOKEN = "woken"
    HOLDS_OVER = "holds_over"


FOR_TEAM: frozenset[Letter] = frozenset(
    {
        Letter.NEW_TICKET,
        Letter.NEW_MESSAGE,
        Letter.COPY,
        Letter.REOPENED,
        Letter.FOLLOW_UP_TEAM,
        Letter.DELIVERY_FAILED,
        Letter.LEFT_OUT,
        Letter.HOLDS,
        Letter.BUDGET,
        Letter.MAILBOX,
        Letter.COMMAND_HELP,
        Letter.COLLISION,
        Letter.CLAIMED,
        Letter.ECHO,
        Letter.HANDED_OVER,
        Letter.WOKEN,
        Letter.HOLDS_OVER,
    }
)
"""Letters to agents and team mailboxes; all others go to customers."""

WITH_ACTIONS: frozenset[Letter] = frozenset({Letter.ANSWER, Letter.SOLVED, Letter.REMINDER})
"""Letters that carry the two actions of SPEC section 10."""
