"""Whom maild does not answer, what goes in circles, and how much strangers can make it write (SPEC section 6)."""

from typing import Any

import pytest

from maild.core.facts import Provoked
from maild.core.mail import Kind, Mailbox
from maild.core.policy import Budgets
from maild.core.robots import (
    LOOP_FIELD,
    MAX_HOPS,
    budget_domain,
    has_too_many_hops,
    is_nested,
    is_report,
    is_returned,
    is_within,
    may_answer,
)
from maild.core.trust import Trust
from tests.values import ANNA, BILLING, BILLING_TEAM, INSTANCE, make_envelope, make_mail, make_policy


@pytest.mark.parametrize(
    ("change", "is_one"),
    [
        ({"kind": Kind.AUTO_RESPONSE}, True),
        ({"kind": Kind.BOUNCE}, True),
        ({"kind": Kind.FEEDBACK_REPORT}, True),
        ({"kind": Kind.RECEIPT}, True),
        ({"kind": Kind.CALENDAR, "calendar_method": "REPLY"}, True),
        ({"kind": Kind.CALENDAR, "calendar_method": "REQUEST"}, False),
        ({"kind": Kind.LIST}, False),
        ({"kind": Kind.MAIL, "is_auto_generated": True}, False),
        ({}, False),
    ],
)
def test_reports_open_no_ticket_and_questions_of_machines_do(change: dict[str, Any], is_one: bool) -> None:
    assert is_report(make_mail(**change)) is is_one


def test_more_than_fifty_hops_are_a_circle() -> None:
    hop = ("received", "from a by b")
    assert not has_too_many_hops(make_mail(headers=(hop,) * MAX_HOPS))
    assert has_too_many_hops(make_mail(headers=(hop,) * (MAX_HOPS + 1)))


def test_our_own_letter_is_known_by_its_message_id_or_mark_and_never_by_from() -> None:
    assert is_returned(make_mail(), INSTANCE, is_own_letter=True)
    assert is_returned(make_mail(headers=((LOOP_FIELD.lower(), f" {INSTANCE} "),)), INSTANCE, is_own_letter=False)
    assert not is_returned(make_mail(headers=((LOOP_FIELD, "another desk"),)), INSTANCE, is_own_letter=False)
    assert not is_returned(make_mail(author=Mailbox("", BILLING)), INSTANCE, is_own_letter=False)


@pytest.mark.parametrize(
    ("mail", "envelope"),
    [
        ({"author": None}, {}),
        ({"is_author_sole": False}, {}),
        ({"author": Mailbox("", "")}, {}),
        ({"author": Mailbox("", "ivan")}, {}),
        ({"author": Mailbox("", '"a  b"@client.example')}, {}),
        ({"author": Mailbox("", "ivan@[192.0.2.1]")}, {}),
        ({"author": Mailbox("", "ivan@client.example\r\nBcc: x@y.example")}, {}),
        ({"author": Mailbox("", "a" * 65 + "@client.example")}, {}),
        ({"author": Mailbox("", BILLING)}, {}),
        ({"author": Mailbox("", "Billing+t1.x@desk.example")}, {}),
        ({"author": Mailbox("", "help@desk.example")}, {}),
        ({"author": Mailbox("", BILLING_TEAM)}, {}),
        ({"author": Mailbox("", "shop-noreply@client.example")}, {}),
        ({"author": Mailbox("", "autoreply@client.example")}, {}),
        ({"headers": (("x-auto-response-suppress", "All"),)}, {}),
        ({"headers": (("X-Auto-Response-Suppress", "DR, RN, OOF, AutoReply"),)}, {}),
        ({}, {"mail_from": ""}),
        ({"kind": Kind.LIST}, {}),
        ({"kind": Kind.AUTO_RESPONSE}, {}),
        ({"kind": Kind.CALENDAR}, {}),
        ({"is_auto_generated": True}, {}),
    ],
)
def test_who_is_never_answered_automatically(mail: dict[str, Any], envelope: dict[str, Any]) -> None:
    assert not may_answer(make_mail(**mail), make_envelope(**envelope), Trust.VERIFIED, make_policy())


def test_a_person_of_support_who_asks_another_category_is_answered_like_any_customer() -> None:
    assert may_answer(make_mail(author=Mailbox("", ANNA)), make_envelope(), Trust.VERIFIED, make_policy())


def test_whoever_wants_no_absence_notes_gets_his_acknowledgement() -> None:
    mail = make_mail(headers=(("X-Auto-Response-Suppress", "OOF, DR"),), author=Mailbox("", "snoreply@client.example"))
    assert may_answer(mail, make_envelope(), Trust.VERIFIED, make_policy())


@pytest.mark.parametrize(("trust", "expected"), [("verified", True), ("unverified", True), ("failed", False)])
def test_a_person_is_answered_unless_he_failed(trust: str, expected: bool) -> None:
    assert may_answer(make_mail(), make_envelope(), Trust(trust), make_policy()) is expected


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        (Provoked(), True),
        (Provoked(2, 9, 99, 999), True),
        (Provoked(address_hour=3), False),
        (Provoked(address_day=10), False),
        (Provoked(domain_hour=100), False),
        (Provoked(hour=1000), False),
        (Provoked(is_muted=True), False),
    ],
)
def test_every_budget_is_a_limit(spent: Provoked, expected: bool) -> None:
    budgets = Budgets(per_address_hour=3, per_address_day=10, per_domain_hour=100, per_hour=1000)
    assert is_within(budgets, spent) is expected


def test_a_domain_is_counted_in_ascii() -> None:
    assert budget_domain("иван@Пример.рф") == "xn--e1afmkfd.xn--p1ai"


@pytest.mark.parametrize(
    "subject",
    [
        "[#12] [Ticket 77] [#12] Re: счёт",
        "[Ticket 78] Re: [#13] [Ticket 77] Re: счёт",
        "RE: [#14] (Case 00124) Re: [#13] счёт",
        "[JIRA-8] Created: [#7] [JIRA-7] Created: счёт",
        "Re: [Заявка №120] Re: [#7] [Заявка №119] счёт",
        "##311## [#7] ##310## счёт",
        "[#12] Re: [#501] Re: [#11] Re: [#500] счёт",
        "[#ABC-2] [#7] [#ABC-1] счёт",
        "Ticket#2026112310000017 [#7] Ticket#2026112310000016 счёт",
    ],
)
def test_numbers_that_grow_are_two_desks_answering_each_other(subject: str) -> None:
    assert is_nested(subject, "#")


@pytest.mark.parametrize(
    "subject",
    [
        "Счёт за ноябрь",
        "Re: [#12] Счёт за 2026-11",
        "Re: [#12] Re: [#12] Счёт",
        "[#12] [#13] один и тот же вопрос",
        "[Ticket 77] счёт",
        "Fwd: [Ticket 77] Re: [Ticket 77] [Ticket 78] принтер",
        "Re: [#12] [Ticket 77] счёт",
        "Re: [#12] [Ticket 77] Re: [Ticket 77] счёт",
        "[#12] [refund] счёт 15 и 16",
        "",
    ],
)
def test_what_people_write_does_not_grow(subject: str) -> None:
    assert not is_nested(subject, "#")


def test_our_own_tag_is_that_of_the_desk() -> None:
    assert is_nested("[Кактус #12] [Ticket 77] [Кактус #11]", "Кактус #")
    assert not is_nested("[#12] [Ticket 77] [#11]", "Кактус #")
