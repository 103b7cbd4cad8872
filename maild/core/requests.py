"""A customer asks the desk about his tickets by mail: `list`, `show` (SPEC section 2, sentences 2.2 to 2.8).

The one word, on a line of its own, is the whole mail; where the body is empty, the subject counts.
"""

from dataclasses import dataclass
from enum import StrEnum

from maild.core.case import Case
from maild.core.effects import OPENED, Decision, OverBudget, Reason, Send
from maild.core.letter import Letter
from maild.core.match import Match, without_numbers
from maild.core.robots import is_within, may_answer
from maild.core.tokens import Purpose
from maild.core.trust import Trust


class Scope(StrEnum):
    """Which tickets a list holds; the tabs of the portal."""

    MINE = "mine"
    ALL = "all"
    INCOMING = "incoming"
    OUTGOING = "outgoing"


@dataclass(frozen=True, slots=True)
class Request:
    """`scope` of a list; None asks to show the ticket that the mail belongs to."""

    scope: Scope | None


_LIST = frozenset({"list", "список"})
_SHOW = frozenset({"show", "показать", "покажи"})
_SCOPES = {
    "": Scope.MINE,
    "my": Scope.MINE,
    "свои": Scope.MINE,
    "all": Scope.ALL,
    "все": Scope.ALL,
    "всё": Scope.ALL,
    "incoming": Scope.INCOMING,
    "входящие": Scope.INCOMING,
    "outgoing": Scope.OUTGOING,
    "исходящие": Scope.OUTGOING,
}


def read_request(words: str) -> Request | None:
    """What one line asks for, or None: `list`, `list all`, «список входящие», `show`, «показать»."""
    word, _, rest = words.strip(" \t\u00a0#.!").casefold().partition(" ")
    if word in _SHOW and not rest.strip():
        return Request(None)
    scope = _SCOPES.get(rest.strip()) if word in _LIST else None
    return Request(scope) if scope else None


def decide_request(case: Case, match: Match) -> Decision | None:
    """The answer to a request, or None if this mail is none. It opens no ticket and is no message of one.

    A list goes to people who are known, and for mail to the general address only; a stranger who asks for it gets the
    catalogue, which holds nothing about anybody.
    """
    request = _request_in(case)
    if request is None or not may_answer(case.mail, case.envelope, case.trust, case.policy):
        return None
    if request.scope is None:
        return _show(case, match) if case.trust is Trust.VERIFIED or match.is_confirmed else None
    if not case.routes[0].is_general:
        return None
    return _list(case, request.scope) if _is_known(case, match) else _catalogue(case)


def _request_in(case: Case) -> Request | None:
    if case.mail.attachments:
        return None
    words = case.mail.reply.strip() or without_numbers(case.mail.subject, case.policy.subject_tag).strip()
    return read_request(words)


def _is_known(case: Case, match: Match) -> bool:
    """Verified, or holding a token that we sent to this very address."""
    holds_token = any(
        proof.holder == case.author.address and proof.purpose is Purpose.CUSTOMER for proof in case.proofs
    )
    return case.trust is Trust.VERIFIED or match.is_confirmed or holds_token


def _show(case: Case, match: Match) -> Decision | None:
    """The ticket with its thread, for a participant."""
    ticket = match.ticket
    if ticket is None:
        return None
    letter = Send(
        letter=Letter.SHOW,
        ticket=ticket.number,
        to=ticket.participant(case.author.address) or case.author,
        purpose=Purpose.CUSTOMER,
        language=case.language(ticket),
        context={"reopen_until": ticket.reopen_until.isoformat()} if ticket.reopen_until else {},
    )
    return Decision(Reason.SHOWN, (letter,), ticket.number)


def _list(case: Case, scope: Scope) -> Decision:
    return Decision(Reason.LISTED, (_notice(case, Letter.LIST, {"scope": scope.value}),))


def _catalogue(case: Case) -> Decision:
    if not is_within(case.policy.budgets, case.facts.provoked):
        return Decision(Reason.LISTED, (OverBudget(case.routes[0].category),))
    return Decision(Reason.LISTED, (_notice(case, Letter.CATALOGUE, {}, is_provoked=True),))


def _notice(case: Case, letter: Letter, context: dict[str, object], *, is_provoked: bool = False) -> Send:
    """A letter that is about no ticket."""
    return Send(
        letter=letter,
        ticket=OPENED,
        to=case.addressee(is_known=not is_provoked),
        purpose=Purpose.CUSTOMER,
        language=case.language(),
        is_provoked=is_provoked,
        context={"category": case.routes[0].category, "answers": case.mail.message_id, **context},
    )
