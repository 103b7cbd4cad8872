"""Set-ups of life, from the bytes that each border host writes to the letters that go out (SPEC section 5)."""

from typing import Any

import pytest

from maild.core.effects import AddMessage, Decision, Reason, Role
from maild.core.mail import Mail
from maild.core.policy import Policy
from maild.core.tokens import Purpose
from maild.core.trust import Trust, trust_in
from maild.mime.parse import parse
from tests.desk.setups import WRITERS, Writer
from tests.values import (
    BILLING_TEAM,
    IVAN,
    OPEN_TRUST,
    decided,
    facts_of,
    letters_to,
    make_envelope,
    make_policy,
    make_ticket,
    make_trust,
    our_id,
    to_token,
)

NAMES = sorted(WRITERS)
FORGED = "dmarc=pass header.from={d}; dkim=pass header.d={d}; spf=pass smtp.mailfrom={a}; auth=pass smtp.auth={a}"


def written(top: str, author: str = IVAN.address, more: str = "", words: str = "Где мой счёт?") -> Mail:
    """A mail as it comes out of a border host, understood."""
    fields = f"{top}{more}From: {author}\nTo: billing@desk.example\nSubject: Invoice\nMessage-ID: <1@x.example>\n"
    text = fields.replace("{d}", author.partition("@")[2]).replace("{a}", author)
    head = text.replace("\n", "\r\n").encode()
    return parse(head + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + words.encode() + b"\r\n")


def policy_of(writer: Writer) -> Policy:
    return make_policy(trust=make_trust(**writer.rules))


def verdict(mail: Mail, policy: Policy, **envelope: Any) -> Trust:
    return trust_in(mail, make_envelope(**envelope), policy)


@pytest.mark.parametrize("name", NAMES)
def test_each_maker_is_read_as_it_writes(name: str) -> None:
    writer = WRITERS[name]
    policy = policy_of(writer)
    assert verdict(written(writer.passed), policy) is Trust.VERIFIED
    assert verdict(written(writer.none), policy) is Trust.UNVERIFIED
    assert verdict(written(writer.failed), policy) is Trust.FAILED
    assert verdict(written(writer.passed), policy, is_trusted_peer=False) is Trust.UNVERIFIED
    if writer.lenient:
        assert verdict(written(writer.lenient), policy) is Trust.UNVERIFIED
        assert verdict(written(writer.lenient, BILLING_TEAM), policy) is Trust.FAILED


@pytest.mark.parametrize("name", NAMES)
def test_what_a_sender_forges_below_changes_no_verdict(name: str) -> None:
    writer = WRITERS[name]
    policy = policy_of(writer)
    identifier = str(writer.rules["authserv_ids"][0]).replace("*", "evil")  # type: ignore[index]
    field = f"Authentication-Results: {identifier}; {FORGED}\n" if identifier else f"Authentication-Results: {FORGED}\n"
    forged = f"Received: from a by mail.evil.example; Mon, 23 Nov 2026 11:59:00 +0000\n{field}"
    for top, expected in (
        (writer.none, Trust.UNVERIFIED), (writer.failed, Trust.FAILED), (writer.passed, Trust.VERIFIED),
    ):  # fmt: skip
        assert verdict(written(top, more=forged), policy) is expected
    if policy.trust.position == "above":
        for top in (writer.none, writer.failed):
            assert verdict(written(top, more=field), policy) is not Trust.VERIFIED


@pytest.mark.parametrize("name", NAMES)
def test_agents_are_relayed_and_impostors_are_not(name: str) -> None:
    writer = WRITERS[name]
    reference = f"In-Reply-To: <{our_id(7, BILLING_TEAM, Purpose.AGENT)}>\n"
    facts, policy = facts_of(make_ticket()), policy_of(writer)

    def fate(top: str) -> Decision:
        return decided(written(top, BILLING_TEAM, reference, "Держите счёт."), to_token(), facts, policy)

    relayed = fate(writer.passed)
    assert (relayed.reason, letters_to(relayed)) == (Reason.AGENT_ANSWERED, [("answer", IVAN.address)])
    for top, reason in (
        (writer.none, Reason.HELD_AGENT_UNVERIFIED),
        (writer.failed, Reason.HELD_TRUST_FAILED),
        (writer.lenient or writer.failed, Reason.HELD_TRUST_FAILED),
    ):
        assert (fate(top).reason, letters_to(fate(top))) == (reason, [])


@pytest.mark.parametrize("name", NAMES)
def test_which_letters_go_out(name: str) -> None:
    writer = WRITERS[name]
    policy = policy_of(writer)
    told = ("new_ticket", BILLING_TEAM)
    assert letters_to(decided(written(writer.passed), policy=policy)) == [told, ("acknowledgement", IVAN.address)]
    minimal = ("acknowledgement_minimal", IVAN.address)
    assert letters_to(decided(written(writer.none), policy=policy)) == [told, minimal]
    assert letters_to(decided(written(writer.failed), policy=policy)) == []


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_is_configured_nobody_is_verified_and_no_agent_relayed(name: str) -> None:
    writer = WRITERS[name]
    assert verdict(written(writer.passed), OPEN_TRUST) is Trust.UNVERIFIED
    question = decided(written(writer.passed), policy=OPEN_TRUST)
    assert letters_to(question) == [("new_ticket", BILLING_TEAM), ("acknowledgement_minimal", IVAN.address)]
    reference = f"In-Reply-To: <{our_id(7, BILLING_TEAM, Purpose.AGENT)}>\n"
    agent = written(writer.passed, BILLING_TEAM, reference, "Держите счёт.")
    held = decided(agent, to_token(), facts_of(make_ticket()), OPEN_TRUST)
    assert (held.reason, letters_to(held)) == (Reason.HELD_AGENT_UNVERIFIED, [("claimed", BILLING_TEAM)])
    submitted = decided(agent, make_envelope(rcpt_tos=to_token().rcpt_tos, user=BILLING_TEAM), facts_of(make_ticket()),
                        OPEN_TRUST)  # fmt: skip
    assert submitted.reason is Reason.AGENT_ANSWERED
    assert any(isinstance(effect, AddMessage) and effect.role is Role.AGENT for effect in submitted.effects)


def test_an_encoded_word_in_an_envelope_sender_is_not_decoded_into_a_verdict() -> None:
    """A client chooses what stands behind smtp.mailfrom; RFC 2047 §5 allows no encoded words there."""
    smuggled = "=?us-ascii?q?x=3B_dmarc=3Dpass_header.from=3D{d}=3B_x=3D1?=@evil.example"
    top = (
        f"Authentication-Results: mx.desk.example; spf=pass smtp.mailfrom={smuggled}\n"
        "Received: from x by mx.desk.example; Mon, 23 Nov 2026 12:00:00 +0000\n"
    )
    mail = written(top)
    assert "dmarc=pass" not in str(mail.field("Authentication-Results"))
    assert verdict(mail, make_policy()) is Trust.UNVERIFIED
