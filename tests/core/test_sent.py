"""Answers found in Sent: whose they are, to which ticket they belong, and that nobody gets them twice."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from maild.core.effects import AddMessage, Decision, Event, Reason, Record, Role, Send, SetStatus
from maild.core.facts import Facts
from maild.core.letter import Letter
from maild.core.mail import Door, Mail, Mailbox
from maild.core.robots import LOOP_FIELD
from maild.core.ticket import Status
from maild.core.tokens import Purpose
from tests.core.test_folders import POLICY
from tests.values import (
    ANNA,
    BILLING,
    BILLING_TEAM,
    INSTANCE,
    IVAN,
    NOW,
    STRANGER,
    TECH,
    TECH_TEAM,
    decided,
    facts_of,
    make_envelope,
    make_mail,
    make_ticket,
    make_trust,
    our_id,
    solved,
    token_address,
)

OPEN = replace(POLICY, trust=make_trust(authserv_ids=()))
OTHER = Mailbox("", BILLING_TEAM)
ASKED = {"1@client.example": [7]}


def answer(**changes: Any) -> Mail:
    """An answer to Ivan's own mail, as a mail program keeps it."""
    changes.setdefault("author", Mailbox("Поддержка", BILLING_TEAM))
    changes.setdefault("in_reply_to", ("1@client.example",))
    return make_mail(**{"reply": "Счёт в приложении.", "message_id": "out@office.example", "to": (IVAN,), **changes})


def found(mail: Mail, facts: Facts, to: tuple[str, ...] = (IVAN.address,), policy: Any = OPEN) -> Decision:
    envelope = make_envelope(
        mail_from=BILLING_TEAM, rcpt_tos=to, door=Door.IMAP, is_trusted_peer=False, user=BILLING_TEAM
    )
    return decided(mail, envelope, facts, policy)


def spoken(decision: Decision) -> list[AddMessage]:
    return [effect for effect in decision.effects if isinstance(effect, AddMessage)]


def letters(decision: Decision) -> list[tuple[Letter, str]]:
    return [(effect.letter, effect.to.address) for effect in decision.effects if isinstance(effect, Send)]


@pytest.mark.parametrize(
    ("mail", "facts"),
    [
        (answer(), facts_of(make_ticket(), recorded=ASKED)),
        (answer(in_reply_to=(our_id(7, BILLING_TEAM, Purpose.AGENT),)), facts_of(make_ticket())),
        (answer(in_reply_to=(), subject="Re: [#7] Счёт"), facts_of(make_ticket())),
        (answer(author=Mailbox("Анна", ANNA)), facts_of(make_ticket(), recorded=ASKED)),
        (answer(author=Mailbox("Кактус", BILLING)), facts_of(make_ticket(), recorded=ASKED)),
        (answer(author=Mailbox("", STRANGER.address)), facts_of(make_ticket(), recorded=ASKED)),
    ],
)
def test_an_answer_to_a_customer_is_written_down_and_goes_to_nobody(mail: Mail, facts: Facts) -> None:
    decision = found(mail, facts)
    assert (decision.reason, decision.ticket) == (Reason.ANSWERED_OUTSIDE, 7)
    (message,) = spoken(decision)
    assert (message.role, message.is_note, message.message_id) == (Role.AGENT, False, "out@office.example")
    assert message.author.address in (BILLING_TEAM, ANNA)
    assert letters(decision) == []
    assert SetStatus(7, Status.PENDING) in decision.effects, "nobody told the customer that silence solves"
    assert [one.event for one in decision.effects if isinstance(one, Record)] == [Event.AGENT_ANSWERED]


def test_of_a_new_round_everybody_is_told_without_the_words_again() -> None:
    decision = found(answer(), facts_of(solved(), recorded=ASKED))
    assert letters(decision) == [(Letter.SOLVED, IVAN.address)]
    assert not any(effect.has_message for effect in decision.effects if isinstance(effect, Send))


def test_after_the_close_it_stands_in_a_follow_up() -> None:
    decision = found(answer(), facts_of(make_ticket(status=Status.CLOSED), recorded=ASKED))
    assert decision.ticket == 0
    assert letters(decision) == []


@pytest.mark.parametrize(
    ("mail", "to"),
    [
        (answer(to=(STRANGER,)), (STRANGER.address,)),  # passed on to somebody
        (answer(in_reply_to=()), (IVAN.address,)),  # a mail of its own
        (answer(headers=((LOOP_FIELD, INSTANCE),)), (IVAN.address,)),
        (answer(headers=(("Auto-Submitted", "auto-replied"),), is_auto_generated=True), (IVAN.address,)),
        (answer(), ()),
    ],
)
def test_anything_else_in_sent_is_none_of_our_business(mail: Mail, to: tuple[str, ...]) -> None:
    mail = replace(mail, to=tuple(Mailbox("", address) for address in to))
    decision = found(mail, facts_of(make_ticket(), recorded=ASKED), to)
    assert (decision.reason, decision.effects, decision.is_held) == (Reason.NO_ANSWER, (), False)


def test_what_looks_like_a_command_has_been_read_by_the_customer_already() -> None:
    decision = found(answer(reply="#solved\nГотово."), facts_of(make_ticket(), recorded=ASKED))
    assert spoken(decision)[0].reply == "#solved\nГотово."
    assert SetStatus(7, Status.PENDING) in decision.effects


def test_the_copy_of_an_answer_to_the_desk_is_that_answer() -> None:
    """Also in open trust: only who has the mailbox can lay anything into its Sent folder."""
    mail = answer(in_reply_to=(our_id(7, BILLING_TEAM, Purpose.AGENT),), to=())
    address = token_address(7, BILLING_TEAM, Purpose.AGENT)
    decision = found(mail, facts_of(make_ticket()), (address,))
    assert decision.reason is Reason.AGENT_ANSWERED
    assert letters(decision) == [(Letter.ANSWER, IVAN.address)]
    again = found(mail, facts_of(make_ticket(), is_said=True), (address,))
    assert (again.reason, again.effects) == (Reason.ALREADY_KNOWN, ())


def test_a_reply_to_all_that_never_came_by_the_desk_is_an_answer() -> None:
    """The customer is among its readers, and no letter of ours is answered: the desk in Cc relays nothing."""
    decision = found(
        answer(cc=(Mailbox("", BILLING),)), facts_of(make_ticket(), recorded=ASKED), (IVAN.address, BILLING)
    )
    assert decision.reason is Reason.ANSWERED_OUTSIDE
    assert letters(decision) == []


def test_the_moment_in_sent_decides_about_the_deadline() -> None:
    late = solved(reopen_until=NOW - timedelta(seconds=1))
    assert found(answer(), facts_of(late, recorded=ASKED)).ticket == 0


@pytest.mark.parametrize(
    ("first", "last", "status"),
    [
        (-60, 60, None),  # found late: the customer has written since
        (-60, -30, Status.PENDING),
        (-60, 0, Status.PENDING),
        (60, 120, Status.PENDING),  # a date from before the question
    ],
)
def test_an_answer_that_is_overtaken_changes_nothing(first: int, last: int, status: Status | None) -> None:
    spoke = {7: (NOW + timedelta(seconds=first), NOW + timedelta(seconds=last))}
    decision = found(answer(), facts_of(make_ticket(), recorded=ASKED, spoke=spoke))
    assert len(spoken(decision)) == 1
    assert next((each.status for each in decision.effects if isinstance(each, SetStatus)), None) is status


def test_the_copy_of_a_question_to_another_department_is_that_question() -> None:
    """Found before the mail itself has come: recipients that are known already would not be looked at again."""
    mail = answer(to=(Mailbox("", "help@desk.example"),), in_reply_to=(), reply="Сервер не отвечает.", author=OTHER)
    policy = replace(OPEN, categories=(OPEN.categories[0], replace(OPEN.categories[1], team=(TECH_TEAM,))))
    decision = found(mail, Facts(), (TECH,), policy)
    assert (decision.reason, decision.ticket) == (Reason.NEW_QUESTION, 0)
    assert (Letter.NEW_TICKET, TECH_TEAM) in letters(decision)
