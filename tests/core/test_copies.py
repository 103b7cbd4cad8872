"""People in Cc are proposed to support and never joined by the mail itself (SPEC section 5)."""

import pytest

from maild.core.copies import MAX_PROPOSED
from maild.core.effects import OPENED, Decision, Event, ProposeCc, Record, Send
from maild.core.mail import Kind, Mailbox
from tests.values import (
    ANNA,
    BILLING,
    BILLING_TEAM,
    IVAN,
    OLGA,
    PASSED,
    STRANGER,
    decided,
    dmarc,
    facts_of,
    make_envelope,
    make_mail,
    make_ticket,
    solved,
    token_address,
)

BY_TOKEN = make_envelope(rcpt_tos=(token_address(),))
CROWD = tuple(Mailbox("", f"p{number}@client.example") for number in range(15))


def proposed(decision: Decision) -> list[tuple[int, list[str]]]:
    return [
        (effect.ticket, [person.address for person in effect.people])
        for effect in decision.effects
        if isinstance(effect, ProposeCc)
    ]


@pytest.mark.parametrize("headers", [PASSED, ()])
def test_who_is_in_cc_of_a_question_is_proposed_whatever_the_trust(headers: tuple[tuple[str, str], ...]) -> None:
    decision = decided(make_mail(headers=headers, cc=(Mailbox("Ольга", "OLGA@client.example"), STRANGER)))
    assert proposed(decision) == [(OPENED, [OLGA.address, STRANGER.address])]
    event = Record(OPENED, Event.CC_PROPOSED, IVAN.address, "smtp", f"{OLGA.address}, {STRANGER.address}")
    assert event in decision.effects
    [told] = [effect for effect in decision.effects if isinstance(effect, Send) and effect.to.address == BILLING_TEAM]
    assert told.context["cc"] == [
        {"name": "Ольга", "address": OLGA.address},
        {"name": "", "address": STRANGER.address},
    ]
    written_to = {effect.to.address for effect in decision.effects if isinstance(effect, Send)}
    assert written_to == {BILLING_TEAM, IVAN.address}, "nobody in Cc gets a letter"


def test_a_failed_or_automatic_mail_proposes_nobody() -> None:
    for mail in (make_mail(headers=dmarc("fail", "client.example")), make_mail(kind=Kind.AUTO_RESPONSE)):
        assert proposed(decided(make_mail(headers=mail.headers, kind=mail.kind, cc=(OLGA,)), BY_TOKEN)) == []


@pytest.mark.parametrize(
    "address",
    [
        IVAN.address, "Ivan@CLIENT.example", BILLING, "Billing+t7.x@desk.example", "help@desk.example", ANNA,
        BILLING_TEAM, "no-reply@shop.example", "list-bounces@lists.example", "nobody", "", "a b@client.example",
        "a@client.example\r\nBcc: x@y.example",
    ],
)  # fmt: skip
def test_the_desk_support_robots_and_nonsense_are_not_proposed(address: str) -> None:
    decision = decided(make_mail(cc=(Mailbox("", address),)))
    assert proposed(decision) == []
    assert not any(isinstance(effect, Record) and effect.event is Event.CC_PROPOSED for effect in decision.effects)


def test_at_most_ten_people_are_proposed_in_one_ticket() -> None:
    [(_, first)] = proposed(decided(make_mail(cc=CROWD)))
    assert first == [person.address for person in CROWD[:MAX_PROPOSED]]
    ticket = make_ticket(proposed=CROWD[:8])
    [(number, more)] = proposed(decided(make_mail(cc=CROWD), BY_TOKEN, facts_of(ticket)))
    assert (number, more) == (7, [person.address for person in CROWD[8:10]])
    full = make_ticket(proposed=CROWD[:10])
    assert proposed(decided(make_mail(cc=CROWD), BY_TOKEN, facts_of(full))) == []


def test_participants_are_not_proposed_again_and_a_follow_up_begins_anew() -> None:
    ticket = make_ticket(participants=(IVAN, OLGA))
    assert proposed(decided(make_mail(cc=(OLGA,)), BY_TOKEN, facts_of(ticket))) == []
    late = make_envelope(rcpt_tos=(token_address(),), received_at=solved().reopen_until)
    again = decided(make_mail(cc=(STRANGER,)), late, facts_of(solved(proposed=(STRANGER,))))
    assert proposed(again) == [(OPENED, [STRANGER.address])]
