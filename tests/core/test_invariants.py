"""What holds for every mail there could be: hypothesis puts mails, envelopes and facts together at random."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.core.decide import decide
from maild.core.effects import OPENED, AddMessage, Confirm, Decision, Mute, OpenTicket, Record, Role, Send, SetStatus
from maild.core.facts import Facts, LetterFacts, Provoked
from maild.core.letter import FOR_TEAM, Letter
from maild.core.mail import Attachment, Bounce, BouncedRecipient, Envelope, Kind, Mail, Mailbox
from maild.core.policy import Policy
from maild.core.robots import LOOP_FIELD
from maild.core.ticket import Status
from maild.core.tokens import Purpose
from maild.core.trust import Trust, trust_in
from tests.values import (
    ANNA,
    BILLING,
    BILLING_TEAM,
    INSTANCE,
    IVAN,
    KEYS,
    NOW,
    OLGA,
    OPEN_TRUST,
    STRANGER,
    TECH,
    TECH_TEAM,
    WINDOW,
    dmarc,
    make_envelope,
    make_mail,
    make_policy,
    make_ticket,
    our_id,
    token_address,
)

POLICIES = (make_policy(), OPEN_TRUST, make_policy(subaddress=False, verp=False))
SUPPORT = {ANNA, BILLING_TEAM, TECH_TEAM}
DESK = Mailbox("Кактус", BILLING)
NOBODY = Mailbox("", "")
PEOPLE = [
    IVAN,
    OLGA,
    STRANGER,
    DESK,
    NOBODY,
    Mailbox("", ANNA),
    Mailbox("", BILLING_TEAM),
    Mailbox("", TECH_TEAM),
    Mailbox("", "not an address"),
]
NAMES = [person.address for person in PEOPLE if person.address]
WORDS = ["Где счёт?", "", "#solved", "#continue", "решено", "#note x", "Да.\n#note y", "#bad", "> q", "Спасибо!"]
FILE = Attachment("a.pdf", "application/pdf", 3, "0" * 64, False, "", 1)
NUMBERS = (5, 7, 9)

ids = st.sampled_from(
    [our_id(number, person, purpose) for number in NUMBERS for person in NAMES for purpose in Purpose]
    + ["q@client.example", "unknown@x.example"]
)
recipients = st.sampled_from(
    [token_address(number, person, purpose) for number in NUMBERS for person in NAMES for purpose in Purpose]
    + [
        BILLING,
        TECH,
        "help@desk.example",
        "tech+refund@desk.example",
        "gone@desk.example",
        "",
        "billing+x@desk.example",
    ]
)
moments = st.sampled_from([timedelta(0), WINDOW - timedelta(microseconds=1), WINDOW, 2 * WINDOW]).map(NOW.__add__)
headers = st.lists(
    st.sampled_from(
        [
            dmarc(result, domain)
            for result in ("pass", "fail", "none")
            for domain in ("client.example", "office.example", "desk.example")
        ]
        + [((LOOP_FIELD, INSTANCE),), (("Received", "from a by b"),) * 51]
    ),
    max_size=2,
).map(lambda found: tuple(field for group in found for field in group))

mails = st.builds(
    make_mail,
    headers=headers,
    author=st.sampled_from([*PEOPLE, None]),
    is_author_sole=st.booleans(),
    subject=st.sampled_from(["Счёт", "Re: [#7]", "[#5] [#9] [#99]", ""]),
    in_reply_to=st.lists(ids, max_size=1).map(tuple),
    references=st.lists(ids, max_size=2).map(tuple),
    reply=st.sampled_from(WORDS),
    attachments=st.sampled_from([(), (FILE,)]),
    kind=st.sampled_from([Kind.MAIL, Kind.MAIL, Kind.MAIL, *Kind]),
    is_kind_guessed=st.booleans(),
    is_auto_generated=st.booleans(),
    is_courtesy=st.booleans(),
    bounce=st.sampled_from([None, Bounce((BouncedRecipient(IVAN.address, "5.1.1", "failed"),), our_id())]),
    error=st.sampled_from([None, None, None, "too deep"]),
    calendar_method=st.sampled_from(["", "REPLY"]),
)
envelopes = st.builds(
    make_envelope,
    mail_from=st.sampled_from(["", *NAMES]),
    rcpt_tos=st.lists(recipients, min_size=1, max_size=3).map(tuple),
    is_trusted_peer=st.booleans(),
    user=st.sampled_from(["", "", *NAMES]),
    received_at=moments,
)
tickets = st.builds(
    make_ticket,
    number=st.sampled_from(NUMBERS),
    category=st.sampled_from(["billing", "tech", "gone"]),
    status=st.sampled_from(Status),
    participants=st.lists(st.sampled_from(PEOPLE[:4]), min_size=1, max_size=3, unique=True).map(tuple),
    reopen_until=st.just(NOW + WINDOW),
    confirmed_at=st.sampled_from([None, NOW]),
    merged_into=st.sampled_from([None, None, None, 9, 99]),
)
bounced_letters = st.builds(
    LetterFacts,
    id=st.just(31),
    ticket=st.sampled_from(NUMBERS),
    letter=st.sampled_from([letter.value for letter in Letter]),
    to=st.sampled_from(NAMES),
    category=st.sampled_from(["billing", "tech", ""]),
    subject=st.just(""),
)


@st.composite
def all_facts(draw: st.DrawFn) -> Facts:
    """Facts as the store makes them: what they refer to is among the tickets."""
    found = {ticket.number: ticket for ticket in draw(st.lists(tickets, max_size=3))}
    bounced = draw(st.none() | bounced_letters)
    return Facts(
        tickets=found,
        recorded=dict.fromkeys(["q@client.example"], sorted(found)) if found else {},
        languages=draw(st.sampled_from([{}, {IVAN.address: "en"}])),
        is_own_letter=draw(st.sampled_from([False, False, False, True])),
        bounced=bounced if bounced and bounced.ticket in found else None,
        provoked=draw(st.sampled_from([Provoked(), Provoked(address_hour=3)])),
    )


def decision_on(mail: Mail, envelope: Envelope, facts: Facts, policy: Policy, is_released: bool) -> Decision:
    return decide(mail, envelope, facts, policy, KEYS, NOW, instance=INSTANCE, is_released=is_released)


def sends_of(decision: Decision) -> list[Send]:
    return [effect for effect in decision.effects if isinstance(effect, Send)]


def check_letters(decision: Decision, mail: Mail, envelope: Envelope, policy: Policy, trust: Trust) -> None:
    for send in sends_of(decision):
        assert not policy.is_desk_address(send.to.address)
        assert (send.to.address in SUPPORT) >= (send.letter in FOR_TEAM)
        assert send.purpose is Purpose.CUSTOMER or send.to.address in SUPPORT
        if send.is_provoked:
            assert mail.author is not None
            assert send.to.address == mail.author.address
            assert envelope.mail_from
            assert mail.is_author_sole
            assert mail.kind is Kind.MAIL
            assert trust is not Trust.FAILED


def check_agent_words(decision: Decision, mail: Mail, policy: Policy, trust: Trust, is_released: bool) -> None:
    for effect in decision.effects:
        if isinstance(effect, AddMessage) and effect.role is Role.AGENT:
            assert mail.author is not None
            assert policy.is_support(mail.author.address)
            assert trust is Trust.VERIFIED
            assert not is_released


def check_tickets(decision: Decision, facts: Facts) -> None:
    opens = any(isinstance(effect, OpenTicket) for effect in decision.effects)
    known = {*facts.tickets, *([OPENED] if opens else [])}
    for effect in decision.effects:
        if isinstance(effect, AddMessage | SetStatus | Confirm | Record | Send):
            is_notice = isinstance(effect, Send) and effect.ticket == OPENED and decision.is_held
            assert effect.ticket in known or is_notice
            assert (effect.ticket == OPENED) <= opens or is_notice
    assert decision.ticket in {*known, None}
    if opens:
        assert isinstance(decision.effects[0], OpenTicket)
        assert decision.effects[0].participants


def assert_promises_hold(mail: Mail, envelope: Envelope, facts: Facts, policy: Policy, is_released: bool) -> None:
    trust = trust_in(mail, envelope, policy)
    decision = decision_on(mail, envelope, facts, policy, is_released)
    check_letters(decision, mail, envelope, policy, trust)
    check_agent_words(decision, mail, policy, trust, is_released)
    check_tickets(decision, facts)
    assert decision.is_held is decision.reason.name.startswith("HELD_")
    if decision.is_held:
        assert all(isinstance(effect, Record | Send | Mute) for effect in decision.effects)
        assert all(send.to.address in SUPPORT and send.purpose is Purpose.NOTE for send in sends_of(decision))
    if trust is Trust.FAILED and not is_released and not decision.is_held:
        assert all(isinstance(effect, Record) or not is_message(effect) for effect in decision.effects)


def is_message(effect: Any) -> bool:
    return isinstance(effect, AddMessage | OpenTicket)


@pytest.mark.slow
@settings(max_examples=500)
@given(mails, envelopes, all_facts(), st.sampled_from(POLICIES), st.booleans())
def test_whatever_comes_the_promises_hold(
    mail: Mail, envelope: Envelope, facts: Facts, policy: Policy, is_released: bool
) -> None:
    assert_promises_hold(mail, envelope, facts, policy, is_released)


@pytest.mark.soak
@settings(max_examples=20_000)
@given(mails, envelopes, all_facts(), st.sampled_from(POLICIES), st.booleans())
def test_however_long_it_comes_the_promises_hold(
    mail: Mail, envelope: Envelope, facts: Facts, policy: Policy, is_released: bool
) -> None:
    assert_promises_hold(mail, envelope, facts, policy, is_released)


@pytest.mark.slow
@settings(max_examples=500)
@given(mails, envelopes, all_facts(), st.sampled_from(POLICIES))
def test_a_closed_ticket_is_never_changed(mail: Mail, envelope: Envelope, facts: Facts, policy: Policy) -> None:
    decision = decision_on(mail, envelope, facts, policy, is_released=False)
    for effect in decision.effects:
        if isinstance(effect, SetStatus | Confirm) and effect.ticket != OPENED:
            ticket = facts.tickets[effect.ticket]
            is_past = ticket.reopen_until is not None and envelope.received_at >= ticket.reopen_until
            is_written_down = isinstance(effect, SetStatus) and effect.status is Status.CLOSED
            assert not (ticket.status in (Status.SOLVED, Status.CLOSED) and is_past) or is_written_down
