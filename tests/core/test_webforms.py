"""A web form speaks for its visitor; nobody else's Reply-To is ever used (SPEC section 4)."""

from typing import Any

import pytest

from maild.core.effects import AddMessage, Decision, OpenTicket, Reason, Send
from maild.core.mail import Kind, Mail, Mailbox
from maild.core.trust import Trust
from tests.values import (
    ANNA,
    BILLING,
    BILLING_TEAM,
    IVAN,
    OLGA,
    decided,
    dmarc,
    facts_of,
    letters_to,
    make_mail,
    make_policy,
    make_ticket,
)

FORM = "forms@site.example"
DESK = make_policy(form_senders=(FORM,))


def form_mail(**changes: Any) -> Mail:
    changes = {"headers": dmarc("pass", "site.example"), "reply_to": (OLGA,), **changes}
    return make_mail(author=Mailbox("Сайт", FORM), **changes)


def customer(decision: Decision) -> str:
    [opened] = [effect for effect in decision.effects if isinstance(effect, OpenTicket)]
    return opened.participants[0].address


def test_the_visitor_is_the_customer_unverified_and_never_answered_by_itself() -> None:
    decision = decided(form_mail(), policy=DESK)
    assert decision.reason is Reason.NEW_QUESTION
    assert decision.trust is Trust.VERIFIED, "the form's mail itself was verified"
    assert customer(decision) == OLGA.address
    [message] = [effect for effect in decision.effects if isinstance(effect, AddMessage)]
    assert (message.author.address, message.trust) == (OLGA.address, Trust.UNVERIFIED)
    assert letters_to(decision) == [("new_ticket", BILLING_TEAM)]
    [told] = [effect for effect in decision.effects if isinstance(effect, Send)]
    assert told.context["verdict"] == "unverified"


@pytest.mark.parametrize(
    "change",
    [
        {"headers": ()},
        {"headers": dmarc("none", "site.example")},
        {"reply_to": ()},
        {"reply_to": (OLGA, IVAN)},
        {"reply_to": (Mailbox("", BILLING),)},
        {"reply_to": (Mailbox("", "olga"),)},
        {"is_author_sole": False},
    ],
)
def test_in_doubt_the_form_itself_asks_and_gets_no_answer(change: dict[str, Any]) -> None:
    decision = decided(form_mail(**change), policy=DESK)
    assert customer(decision) == FORM
    assert letters_to(decision) == [("new_ticket", BILLING_TEAM)]


def test_nobody_elses_reply_to_is_used() -> None:
    decision = decided(form_mail(), policy=make_policy(form_senders=("other@site.example",)))
    assert customer(decision) == FORM
    plain = decided(make_mail(reply_to=(OLGA,), headers=dmarc("pass", "client.example")), policy=DESK)
    assert customer(plain) == IVAN.address
    assert ("acknowledgement", IVAN.address) in letters_to(plain)


def test_a_visitor_who_types_an_agents_address_or_a_foreign_number_is_nobody() -> None:
    for claimed in (ANNA, BILLING_TEAM):
        decision = decided(form_mail(reply_to=(Mailbox("", claimed),)), policy=DESK)
        assert decision.reason is Reason.HELD_AGENT_UNVERIFIED
    numbered = decided(form_mail(reply_to=(IVAN,), subject="[#7]"), facts=facts_of(make_ticket()), policy=DESK)
    assert numbered.reason is Reason.CLAIMS_TICKET


def test_a_form_that_says_it_is_automatic_still_asks_and_its_bounce_does_not() -> None:
    assert customer(decided(form_mail(is_auto_generated=True), policy=DESK)) == OLGA.address
    assert decided(form_mail(kind=Kind.AUTO_RESPONSE), policy=DESK).reason is Reason.HELD_ROBOT
