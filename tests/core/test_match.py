"""Which ticket a mail belongs to: the five rules of SPEC section 5, in their order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.effects import Reason
from maild.core.facts import Facts
from maild.core.mail import Mail
from maild.core.match import (
    Match,
    action_codes,
    keys_of,
    match_customer,
    numbers_in,
    proofs_in,
    references_of,
    reply_tokens,
    without_numbers,
)
from maild.core.tokens import Action, Claim, Purpose, action_code, bounce_address
from maild.core.trust import Trust
from tests.values import (
    BILLING,
    BILLING_TEAM,
    IVAN,
    KEYS,
    OLGA,
    STRANGER,
    facts_of,
    make_envelope,
    make_mail,
    make_policy,
    make_ticket,
    our_id,
    token_address,
)

POLICY = make_policy()
TICKET = make_ticket(7)
OLGAS = make_ticket(8, participants=(OLGA,))


def match(
    mail: Mail,
    facts: Facts,
    *rcpt_tos: str,
    trust: Trust = Trust.UNVERIFIED,
    is_open_trust: bool = False,
) -> Match:
    envelope = make_envelope(rcpt_tos=rcpt_tos or (BILLING,))
    proofs = proofs_in(mail, envelope, facts, POLICY, KEYS)
    return match_customer(mail, trust, proofs, facts, POLICY, is_open_trust=is_open_trust)


def joined(found: Match) -> tuple[int | None, Reason, bool]:
    return (found.ticket.number if found.ticket else None, found.reason, found.is_confirmed)


def test_rule_1_a_reply_token_of_the_author_joins_and_confirms() -> None:
    assert joined(match(make_mail(), facts_of(TICKET), token_address())) == (7, Reason.JOINED_BY_TOKEN, True)


def test_rule_1_a_signed_message_id_joins_and_confirms() -> None:
    for mail in (make_mail(in_reply_to=(our_id(),)), make_mail(references=("x@y.example", our_id()))):
        assert joined(match(mail, facts_of(TICKET))) == (7, Reason.JOINED_BY_OUR_REFERENCE, True)


def test_rule_1_a_token_sent_to_another_participant_joins_but_confirms_nobody() -> None:
    ticket = make_ticket(7, participants=(IVAN, OLGA))
    found = match(make_mail(author=OLGA), facts_of(ticket), token_address(7, IVAN.address))
    assert joined(found) == (7, Reason.JOINED_BY_TOKEN, False)


@pytest.mark.parametrize("change", [{"author": STRANGER}, {"author": None}])
def test_a_leaked_token_lets_no_stranger_in(change: dict[str, Any]) -> None:
    mail = make_mail(in_reply_to=(our_id(),), **change)
    found = match(mail, facts_of(TICKET), token_address(), trust=Trust.VERIFIED)
    assert found.ticket is None
    assert found.reason is Reason.CLAIMS_TICKET
    assert found.claimed == TICKET


def test_a_token_that_we_did_not_sign_names_no_ticket() -> None:
    altered = token_address().replace("t7.", "t8.")
    found = match(make_mail(author=OLGA), facts_of(TICKET, OLGAS), altered)
    assert joined(found) == (None, Reason.NEW_QUESTION, False)


def test_a_token_of_another_persons_ticket_is_passed_over_for_ones_own() -> None:
    mail = make_mail(author=OLGA, references=(our_id(8, OLGA.address),))
    found = match(mail, facts_of(TICKET, OLGAS), token_address(7, IVAN.address))
    assert joined(found) == (8, Reason.JOINED_BY_OUR_REFERENCE, True)


def test_rule_2_a_recorded_message_id_joins_a_participant() -> None:
    facts = facts_of(TICKET, recorded={"q1@client.example": (7,)})
    mail = make_mail(in_reply_to=("q1@client.example",))
    assert joined(match(mail, facts)) == (7, Reason.JOINED_BY_REFERENCE, False)


def test_rule_2_a_recorded_message_id_lets_no_stranger_in() -> None:
    facts = facts_of(TICKET, recorded={"q1@client.example": (7,)})
    found = match(make_mail(author=STRANGER, in_reply_to=("q1@client.example",)), facts, trust=Trust.VERIFIED)
    assert found.ticket is None
    assert found.claimed == TICKET


def test_rule_2_of_several_tickets_with_one_message_id_the_one_where_he_is_counts() -> None:
    copied = make_ticket(9, participants=(STRANGER,))
    facts = facts_of(copied, TICKET, recorded={"q1@client.example": (9, 7)})
    mail = make_mail(in_reply_to=("q1@client.example",))
    assert joined(match(mail, facts)) == (7, Reason.JOINED_BY_REFERENCE, False)


@pytest.mark.parametrize("subject", ["[Кактус #7]", "Re: [Кактус  #7] Счёт", "[Кактус\u00a0#7]", "[Кактус\t#7]"])
def test_blanks_in_the_tag_may_have_been_changed(subject: str) -> None:
    assert numbers_in(subject, "Кактус #") == (7,)
    assert "7" not in without_numbers(subject, "Кактус #")


def test_rule_3_a_number_joins_a_verified_participant_only() -> None:
    mail = make_mail(subject="Re: [#7] Счёт")
    assert joined(match(mail, facts_of(TICKET), trust=Trust.VERIFIED)) == (7, Reason.JOINED_BY_NUMBER, False)
    assert joined(match(mail, facts_of(TICKET))) == (None, Reason.CLAIMS_TICKET, False)
    stranger = make_mail(subject="Re: [#7] Счёт", author=STRANGER)
    assert match(stranger, facts_of(TICKET), trust=Trust.VERIFIED).claimed == TICKET


def test_rule_3_of_several_numbers_the_one_where_he_is_counts() -> None:
    mail = make_mail(subject="[#8] [#7] [#999]")
    assert joined(match(mail, facts_of(TICKET, OLGAS), trust=Trust.VERIFIED)) == (7, Reason.JOINED_BY_NUMBER, False)


def test_rule_4_in_open_trust_a_number_joins_unverified() -> None:
    mail = make_mail(subject="[#7]")
    found = match(mail, facts_of(TICKET), is_open_trust=True)
    assert joined(found) == (7, Reason.JOINED_UNVERIFIED, False)
    several = make_mail(subject="[#7]", is_author_sole=False)
    assert match(several, facts_of(TICKET), is_open_trust=True).ticket is None


def test_rule_5_what_names_no_ticket_is_a_new_question() -> None:
    assert joined(match(make_mail(subject="[#99]"), Facts(), trust=Trust.VERIFIED)) == (
        None,
        Reason.NEW_QUESTION,
        False,
    )


def test_the_rules_come_in_their_order() -> None:
    tickets = [make_ticket(number) for number in (1, 2, 3)]
    facts = facts_of(*tickets, recorded={"q2@client.example": (2,)})
    mail = make_mail(subject="[#3]", in_reply_to=("q2@client.example",), references=(our_id(1),))
    assert joined(match(mail, facts, trust=Trust.VERIFIED))[:2] == (1, Reason.JOINED_BY_OUR_REFERENCE)
    mail = make_mail(subject="[#3]", in_reply_to=("q2@client.example",))
    assert joined(match(mail, facts, trust=Trust.VERIFIED))[:2] == (2, Reason.JOINED_BY_REFERENCE)


def test_the_newest_reference_decides() -> None:
    facts = facts_of(make_ticket(1), make_ticket(2))
    mail = make_mail(references=(our_id(1), our_id(2)))
    assert joined(match(mail, facts))[0] == 2


def test_mail_for_a_merged_ticket_follows_it() -> None:
    merged = make_ticket(7, merged_into=9)
    target = make_ticket(9, participants=(IVAN, OLGA))
    for mail, rcpt in (
        (make_mail(), token_address()),
        (make_mail(in_reply_to=(our_id(),)), BILLING),
        (make_mail(subject="[#7]"), BILLING),
    ):
        assert joined(match(mail, facts_of(merged, target), rcpt, trust=Trust.VERIFIED))[0] == 9


def test_a_circle_of_merges_ends() -> None:
    facts = facts_of(make_ticket(1, merged_into=2), make_ticket(2, merged_into=1))
    assert facts.ticket(1) is not None
    assert facts_of(make_ticket(1, merged_into=5)).ticket(1) is None


def test_proofs_name_the_holder_and_the_purpose() -> None:
    mail = make_mail(in_reply_to=(our_id(7, BILLING_TEAM, Purpose.NOTE),))
    envelope = make_envelope(rcpt_tos=(token_address(7, BILLING_TEAM, Purpose.AGENT),))
    proofs = proofs_in(mail, envelope, facts_of(TICKET), POLICY, KEYS)
    assert [(proof.holder, proof.purpose, proof.is_reference) for proof in proofs] == [
        (BILLING_TEAM, Purpose.AGENT, False),
        (BILLING_TEAM, Purpose.NOTE, True),
    ]


@pytest.mark.parametrize(
    ("subject", "numbers"),
    [
        ("Re: [#1042] Счёт", (1042,)),
        ("[#7][#8] and [#7]", (7, 8)),
        ("[#0] [#01] [# 7] [#7 ] #7 [7] (#7)", ()),
        ("[#١٢]", ()),  # digits, but not ASCII ones
        ("[#999999999999999999] [#1000000000000000000]", (999_999_999_999_999_999,)),
        ("[Кактус #7]", ()),
    ],
)
def test_numbers_stand_inside_the_tag_only(subject: str, numbers: tuple[int, ...]) -> None:
    assert numbers_in(subject, "#") == numbers


def test_the_tag_is_the_admins() -> None:
    assert numbers_in("[Кактус #7] [#8]", "Кактус #") == (7,)
    assert numbers_in("[a.c7] [abc7]", "a.c") == (7,)


def test_numbers_in_the_body_count_for_nothing() -> None:
    mail = make_mail(reply="[#7]", subject="Счёт")
    assert match(mail, facts_of(TICKET), trust=Trust.VERIFIED).reason is Reason.NEW_QUESTION


def test_the_keys_name_all_that_has_to_be_looked_up() -> None:
    mail = make_mail(
        subject="[#5]", in_reply_to=(our_id(6), "q@client.example"), author=IVAN.__class__("", "IVAN@client.example")
    )
    envelope = make_envelope(rcpt_tos=(token_address(7), bounce_address(KEYS, BILLING, 31)))
    keys = keys_of(mail, envelope, POLICY, KEYS)
    assert keys.author == IVAN.address
    assert keys.numbers == (7, 6, 5)
    assert keys.references == (our_id(6), "q@client.example")
    assert keys.letter == 31


def test_only_the_newest_references_are_looked_at() -> None:
    mail = make_mail(references=tuple(f"{number}@client.example" for number in range(500)))
    looked_at = references_of(mail)
    assert len(looked_at) == 50
    assert looked_at[0] == "499@client.example"


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_nothing_in_a_mail_makes_matching_fail(text: str, others: list[str]) -> None:
    mail = make_mail(subject=text, references=tuple(others), message_id=text)
    envelope = make_envelope(rcpt_tos=(text, f"billing+{text}@desk.example"))
    assert keys_of(mail, envelope, POLICY, KEYS).author == IVAN.address
    assert proofs_in(mail, envelope, facts_of(TICKET), POLICY, KEYS) == []
    assert reply_tokens(envelope) == ()


@pytest.mark.parametrize("tag", ["#", "Кактус #"])
def test_a_code_stands_behind_the_number_and_nowhere_else(tag: str) -> None:
    code = action_code(KEYS, Claim(7, IVAN.address, Action.CONTINUE))
    [found] = action_codes(f"Re: [{tag}7] {code.upper()} fwd", tag)
    assert (found.number, found.action, found.purpose) == (7, Action.CONTINUE, Purpose.CUSTOMER)
    for subject in (code, f"{code} [{tag}7]", f"[{tag}7] x {code}", f"[{tag}7] {code}a", f"[{tag}07] {code}"):
        assert action_codes(subject, tag) == (), subject
    assert without_numbers(f"Счёт [{tag}7] {code} за ноябрь", tag) == "Счёт за ноябрь"
