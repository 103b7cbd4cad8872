"""Which folder a ticket's letters lie in, and what a move of one of them asks for (SPEC section 8)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maild.core.effects import Decision, Event, Record, Send, SetStatus
from maild.core.facts import TicketFacts
from maild.core.folders import (
    Dragged,
    Wanted,
    decide_move,
    folder_of,
    folders_of,
    is_keyword_of_ours,
    keywords_of,
    on_server,
    wanted_by,
)
from maild.core.letter import Letter
from maild.core.orders import Move, Spam
from maild.core.policy import Policy, Queue
from maild.core.ticket import Happening, Status
from maild.core.tokens import Purpose
from tests.values import BILLING_TEAM, NOW, TECH_TEAM, WINDOW, facts_of, make_policy, make_ticket, solved

QUEUE = Queue(
    name="queue",
    address=BILLING_TEAM,
    new="Tickets/New",
    pending="Tickets/Pending",
    solved="Tickets/Solved",
    closed="Tickets/Closed",
    spam="Tickets/Spam",
    sent="Sent",
    move_delay=timedelta(seconds=10),
)
TECH_FOLDER = "Tickets/Tech"


def policy() -> Policy:
    """Both categories have one team, and technical questions a folder of their own."""
    plain = make_policy()
    billing, tech = plain.categories
    return replace(
        plain, categories=(billing, replace(tech, folder=TECH_FOLDER, team=(BILLING_TEAM, TECH_TEAM))), queues=(QUEUE,)
    )


POLICY = policy()


def moved(ticket: TicketFacts, folder: str, **changes: object) -> Decision | None:
    dragged = Dragged(folder, BILLING_TEAM, Purpose.AGENT, NOW, NOW)
    return decide_move(replace(dragged, **changes), ticket, facts_of(ticket), QUEUE, POLICY)  # type: ignore[arg-type]


def status_after(decision: Decision | None) -> Status | None:
    assert decision is not None
    return next((effect.status for effect in decision.effects if isinstance(effect, SetStatus)), None)


def events(decision: Decision | None) -> list[tuple[Event, str, str]]:
    assert decision is not None
    return [(each.event, each.via, each.reason) for each in decision.effects if isinstance(each, Record)]


@pytest.mark.parametrize(
    ("status", "category", "is_spam", "folder"),
    [
        (Status.INCOMPLETE, "billing", False, "Tickets/New"),
        (Status.NEW, "billing", False, "Tickets/New"),
        (Status.OPEN, "billing", False, "Tickets/New"),
        (Status.OPEN, "tech", False, TECH_FOLDER),
        (Status.PENDING, "tech", False, "Tickets/Pending"),
        (Status.SOLVED, "billing", False, "Tickets/Solved"),
        (Status.CLOSED, "billing", False, "Tickets/Closed"),
        (Status.CLOSED, "tech", True, "Tickets/Spam"),
    ],
)
def test_the_folder_says_the_status(status: Status, category: str, is_spam: bool, folder: str) -> None:
    assert folder_of(status, category, QUEUE, POLICY, is_spam=is_spam) == folder
    assert folder in folders_of(QUEUE, POLICY)


@pytest.mark.parametrize(
    ("status", "category", "folder", "wanted"),
    [
        (Status.NEW, "billing", "Tickets/New", Wanted()),
        (Status.NEW, "billing", "Tickets/Solved", Wanted(happening=Happening.AGENT_SOLVES)),
        (Status.NEW, "billing", "Tickets/Pending", Wanted(happening=Happening.AGENT_WAITS)),
        (Status.NEW, "billing", "Tickets/Spam", Wanted(orders=(Spam(),))),
        (Status.NEW, "billing", "Tickets/Closed", Wanted(is_refused=True)),
        (Status.NEW, "billing", TECH_FOLDER, Wanted(orders=(Move("tech", ""),))),
        (Status.PENDING, "billing", TECH_FOLDER, Wanted((Move("tech", ""),), Happening.AGENT_OPENS)),
        (Status.PENDING, "tech", TECH_FOLDER, Wanted(happening=Happening.AGENT_OPENS)),
        (Status.SOLVED, "billing", "Tickets/New", Wanted(happening=Happening.AGENT_OPENS)),
        (Status.CLOSED, "billing", "Tickets/Closed", Wanted()),
        (Status.OPEN, "billing", "Archive", Wanted(is_refused=True)),
    ],
)
def test_a_move_is_a_command(status: Status, category: str, folder: str, wanted: Wanted) -> None:
    assert wanted_by(folder, make_ticket(status=status, category=category), QUEUE, POLICY) == wanted


@pytest.mark.parametrize("status", [Status.INCOMPLETE, Status.NEW, Status.OPEN, Status.PENDING])
def test_into_solved_it_is_solved_and_the_customer_hears_of_it(status: Status) -> None:
    decision = moved(make_ticket(status=status), "Tickets/Solved")
    assert status_after(decision) is Status.SOLVED
    assert events(decision) == [(Event.SOLVED, "imap", "by_move")]
    assert decision is not None
    assert [each.letter for each in decision.effects if isinstance(each, Send)] == [Letter.SOLVED]


def test_into_new_it_opens_and_into_pending_it_waits() -> None:
    opened = moved(solved(), "Tickets/New")
    assert (status_after(opened), events(opened)) == (Status.OPEN, [(Event.REOPENED, "imap", "by_move")])
    waits = moved(make_ticket(), "Tickets/Pending")
    assert (status_after(waits), events(waits)) == (Status.PENDING, [(Event.AGENT_ANSWERED, "imap", "by_move")])
    again = moved(solved(), "Tickets/Pending")
    assert (status_after(again), events(again)) == (Status.PENDING, [(Event.REOPENED, "imap", "by_move")])
    assert waits is not None
    assert not [each for each in waits.effects if isinstance(each, Send)]


def test_into_spam_is_the_command_and_no_letter() -> None:
    decision = moved(make_ticket(), "Tickets/Spam")
    assert events(decision) == [(Event.SPAM, "imap", "by_move"), (Event.CLOSED, "imap", "by_move")]
    assert decision is not None
    assert not [each for each in decision.effects if isinstance(each, Send)]


def test_into_a_categorys_folder_moves_the_ticket_and_tells_its_team() -> None:
    decision = moved(make_ticket(status=Status.NEW), TECH_FOLDER)
    assert events(decision) == [(Event.MOVED, "imap", "tech")]
    assert decision is not None
    assert [each.to.address for each in decision.effects if isinstance(each, Send)] == [TECH_TEAM]


@pytest.mark.parametrize(
    "ticket",
    [
        make_ticket(status=Status.CLOSED),
        solved(reopen_until=NOW),  # the job has not come by yet
    ],
)
@pytest.mark.parametrize(
    "folder", ["Tickets/New", "Tickets/Pending", "Tickets/Solved", "Tickets/Spam", TECH_FOLDER, "Archive"]
)
def test_closed_is_final_for_whoever_moves_letters(ticket: TicketFacts, folder: str) -> None:
    lies_there = folder == folder_of(ticket.status, ticket.category, QUEUE, POLICY)
    decision = moved(ticket, folder)
    assert decision is None if not lies_there else decision is not None and decision.effects == ()


def test_nobody_closes_by_hand() -> None:
    assert moved(make_ticket(), "Tickets/Closed") is None


def test_the_moment_of_the_move_judges_the_deadline() -> None:
    late = {"now": NOW + WINDOW + timedelta(seconds=5)}
    assert status_after(moved(solved(), "Tickets/New", seen_at=NOW + WINDOW - timedelta(seconds=1), **late))
    assert moved(solved(), "Tickets/New", seen_at=NOW + WINDOW, **late) is None


@pytest.mark.parametrize("folder", ["Tickets/Solved", "Tickets/Pending"])
def test_a_move_is_overtaken_by_what_the_customer_wrote_since(folder: str) -> None:
    ticket = make_ticket()
    earlier, later = NOW - timedelta(minutes=1), NOW + timedelta(seconds=5)
    facts = {last: facts_of(ticket, spoke={ticket.number: (earlier, last)}) for last in (earlier, later)}
    dragged = Dragged(folder, BILLING_TEAM, Purpose.AGENT, NOW, NOW + timedelta(seconds=10))
    assert decide_move(dragged, ticket, facts[earlier], QUEUE, POLICY)
    assert decide_move(dragged, ticket, facts[later], QUEUE, POLICY) is None
    assert decide_move(replace(dragged, folder="Tickets/Spam"), ticket, facts[later], QUEUE, POLICY)


def test_who_is_no_support_of_the_category_moves_nothing() -> None:
    for ticket, who in ((make_ticket(), TECH_TEAM), (make_ticket(), "mallory@elsewhere.example")):
        assert moved(ticket, "Tickets/Solved", who=who) is None


def test_keywords_are_atoms() -> None:
    assert keywords_of("", "normal") == frozenset()
    found = keywords_of("анна{}@office.example", "high")
    assert found == {"assigned-______@office.example", "priority-high"}
    assert all(map(is_keyword_of_ours, found))
    assert not is_keyword_of_ours("\\Seen")


def test_folders_on_the_server_have_its_delimiter() -> None:
    assert on_server("Tickets/New", ".") == "Tickets.New"
    assert on_server("Tickets/New", "/") == "Tickets/New"
    assert on_server("Tickets/New", ".", "INBOX.") == "INBOX.Tickets.New"
    assert on_server("inbox", ".", "INBOX.") == "INBOX"
    assert on_server("Tickets/New", "") == "Tickets/New"
