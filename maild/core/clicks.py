"""An action link is opened or pressed (SPEC section 10). What it may do is judged from the ticket, not from its age."""

from dataclasses import dataclass
from datetime import datetime

from maild.core.effects import Decision, Effect, Reason, Way
from maild.core.facts import Facts, TicketFacts
from maild.core.letter import Letter
from maild.core.policy import Policy
from maild.core.rounds import opening_effects, round_context, status_effects
from maild.core.sends import to_participants, to_team
from maild.core.ticket import Happening, Outcome, Status, Verdict, advance
from maild.core.tokens import Action, Claim

_HAPPENINGS = {Action.SOLVED: Happening.CUSTOMER_CONFIRMS, Action.CONTINUE: Happening.CUSTOMER_CONTINUES}


@dataclass(frozen=True, slots=True)
class Possible:
    """What a link can do now. Neither `is_past` nor `may_act`: it is done already."""

    is_past: bool
    may_act: bool
    may_other: bool


def possible(claim: Claim, ticket: TicketFacts, now: datetime) -> Possible:
    """What pressing the button, or the other one, would change now."""
    outcome = _outcome(claim.action, ticket, now)
    if outcome.verdict is not Verdict.DONE:
        return Possible(is_past=True, may_act=False, may_other=False)
    return Possible(
        is_past=False,
        may_act=_changes(outcome, ticket),
        may_other=_changes(_outcome(other(claim.action), ticket, now), ticket),
    )


def other(action: Action) -> Action:
    """The other of the two."""
    return Action.CONTINUE if action is Action.SOLVED else Action.SOLVED


def _outcome(action: Action, ticket: TicketFacts, now: datetime) -> Outcome:
    # A click waits in no queue: once the ticket is written down as closed, another node's faster clock was right.
    until = None if ticket.status is Status.CLOSED else ticket.reopen_until
    return advance(ticket.status, until, _HAPPENINGS[action], now)


def _changes(outcome: Outcome, ticket: TicketFacts) -> bool:
    if outcome.starts_round or outcome.status is not ticket.status:
        return True
    return outcome.confirms and ticket.confirmed_at is None


def decide_click(
    claim: Claim,
    ticket: TicketFacts,
    facts: Facts,
    policy: Policy,
    now: datetime,
    *,
    via: str = "http",
    way: Way = Way.LINK,
) -> Decision:
    """The button was pressed by a participant. No effects if it changes nothing (any more)."""
    outcome = _outcome(claim.action, ticket, now)
    if outcome.verdict is not Verdict.DONE:
        return Decision(Reason.ACTION_REFUSED, (), ticket.number)
    if not _changes(outcome, ticket):
        return Decision(Reason.ALREADY_KNOWN, (), ticket.number)
    change = opening_effects if claim.action is Action.CONTINUE else status_effects
    effects: list[Effect] = list(
        change(ticket.number, ticket.status, outcome, policy, now, who=claim.person, via=via, way=way)
    )
    if claim.action is Action.CONTINUE:
        effects += to_team(
            policy, ticket.category, Letter.REOPENED, ticket.number, has_message=False, also=ticket.assignee
        )
    if outcome.starts_round:
        effects += to_participants(
            policy,
            facts,
            ticket.participants,
            Letter.SOLVED,
            ticket.number,
            language=ticket.language,
            has_message=False,
            context=round_context(policy, now),
        )
    return Decision(Reason.CLICKED, tuple(effects), ticket.number)
