"""Spoofed agents: whatever shape the claim has, no word of it reaches a customer, and no ticket changes (SPEC 5)."""

from typing import Any

import pytest

from maild.core.effects import AddMessage, Confirm, Decision, OpenTicket, Role, Send, SetStatus
from maild.core.facts import Facts
from maild.core.mail import Mail, Mailbox
from maild.core.policy import Policy
from maild.core.tokens import Purpose
from maild.mime.parse import parse
from tests.values import (
    ANNA,
    BILLING,
    BILLING_TEAM,
    BORDER,
    IVAN,
    OPEN_TRUST,
    STRANGER,
    TECH_TEAM,
    agent_mail,
    auth,
    decided,
    dmarc,
    facts_of,
    make_envelope,
    make_policy,
    make_ticket,
    our_id,
    solved,
    to_token,
    token_address,
)

OURS = our_id(7, BILLING_TEAM, Purpose.AGENT)
PASSED = dmarc("pass", "office.example")
RECEIVED = ("Received", f"from x by {BORDER}; Mon, 23 Nov 2026 12:00:00 +0000")
FIELD = ("Authentication-Results", f"{BORDER}; dmarc=pass header.from=office.example")
WORDS = "Переведите деньги на новый счёт."
FORMS = make_policy(form_senders=("form@site.example",))


def said_by(host: str) -> tuple[str, str]:
    return FIELD[0], FIELD[1].replace(BORDER, host)


def altered(message_id: str) -> str:
    """One character of its code is another one."""
    local, at, domain = message_id.partition("@")
    return f"{local[:-1]}{'b' if local[-1] == 'a' else 'a'}{at}{domain}"


def raw_mail(fields: str) -> Mail:
    """As bytes from a border host that lets everything pass."""
    top = f"Authentication-Results: {BORDER}; dmarc=pass header.from=evil.example\r\n{': '.join(RECEIVED)}\r\n"
    return parse(f"{top}{fields}\r\nSubject: Re: [#7]\r\nIn-Reply-To: <{OURS}>\r\n\r\n{WORDS}\r\n".encode())


IMPOSTORS: dict[str, dict[str, Any]] = {
    # nobody vouches for him, or for somebody else
    "no verdict at all": {"headers": ()},
    "a verdict below the border": {"headers": (RECEIVED, FIELD)},
    "a verdict of a foreign host": {"headers": (said_by("mx.evil.example"), RECEIVED)},
    "a verdict of a host named alike": {"headers": (said_by(f"x{BORDER}"), RECEIVED)},
    "a verdict in a comment": {"headers": auth("none (dmarc=pass header.from=office.example)")},
    "a verdict in a quoted string": {"headers": auth('spf=none reason="dmarc=pass header.from=office.example"')},
    "a verdict in a property": {"headers": auth("spf=none smtp.mailfrom=dmarc=pass")},
    "a verdict on another domain": {"headers": dmarc("pass", "evil.example")},
    "a verdict on a subdomain": {"headers": dmarc("pass", "x.office.example")},
    "a verdict without a domain": {"headers": auth("dmarc=pass")},
    "a failure": {"headers": dmarc("fail", "office.example")},
    "a failure under p=none": {"headers": auth("dmarc=fail (p=none) header.from=office.example")},
    "a failure beside a pass": {"headers": (FIELD, *dmarc("fail", "office.example"))},
    "no dmarc, a foreign signature": {"headers": auth("dkim=pass header.d=evil.example")},
    "somebody else logged in": {"headers": auth("auth=pass smtp.auth=mallory@office.example; dmarc=none")},
    "only arc vouches": {"headers": (("ARC-Authentication-Results", f"i=1; {FIELD[1]}"), *auth("arc=pass"))},
    "a peer that is not trusted": {"envelope": {"is_trusted_peer": False}},
    "two authors": {"is_author_sole": False},
    # vouched for, but not as this agent
    "a display name": {"author": Mailbox(f"Анна <{ANNA}>", STRANGER.address),
                       "headers": dmarc("pass", "elsewhere.example")},
    "a cyrillic look-alike": {"author": Mailbox("", "annа@office.example")},
    "a domain that looks alike": {"author": Mailbox("", "anna@offіce.example"),
                                  "headers": dmarc("pass", "offіce.example")},
    "a domain below ours": {"author": Mailbox("", "anna@office.example.evil.example"),
                            "headers": dmarc("pass", "office.example.evil.example")},
    "a plus address of the agent": {"author": Mailbox("", "anna+x@office.example")},
    "a colleague who is no agent": {"author": Mailbox("", "olga@office.example")},
    "an agent of another category": {"author": Mailbox("", TECH_TEAM)},
    "the desk's own address": {"author": Mailbox("", BILLING), "headers": dmarc("pass", "desk.example")},
    # verified, without a letter of ours
    "no reference, a leaked address": {"in_reply_to": ()},
    "an altered reference": {"in_reply_to": (altered(OURS),)},
    "a customer's reference": {"in_reply_to": (our_id(7, IVAN.address),)},
    "a reference of another ticket": {"in_reply_to": (OURS.replace("7.", "8.", 1),)},
    "a number alone": {"in_reply_to": (), "subject": "Re: [#7]", "envelope": {"rcpt_tos": (BILLING,)}},
    "a machine": {"is_auto_generated": True},
    "for another agent": {"cc": (Mailbox("", ANNA),), "author": Mailbox("", BILLING_TEAM)},
    "in the words of a web form": {"author": Mailbox("", "form@site.example"), "reply_to": (Mailbox("", BILLING_TEAM),),
                                   "headers": dmarc("pass", "site.example"), "policy": FORMS},
    "where nobody is verified": {"policy": OPEN_TRUST},
}  # fmt: skip

RAW = {
    "a sender field": f"From: mallory@evil.example\r\nSender: {BILLING_TEAM}",
    "a reply-to": f"From: mallory@evil.example\r\nReply-To: {BILLING_TEAM}",
    "two from fields": f"From: {BILLING_TEAM}\r\nFrom: mallory@evil.example",
    "two from fields, the agent last": f"From: mallory@evil.example\r\nFrom: {BILLING_TEAM}",
    "two mailboxes": f"From: mallory@evil.example, {BILLING_TEAM}",
    "a name that is an address": f'From: "{BILLING_TEAM}" <mallory@evil.example>',
    "a comment": f"From: mallory@evil.example ({BILLING_TEAM})",
    "an encoded name": f"From: =?utf-8?q?{BILLING_TEAM.replace('@', '=40')}?= <mallory@evil.example>",
    "an encoded address": f"From: =?utf-8?q?=3C{BILLING_TEAM.replace('@', '=40')}=3E?= <mallory@evil.example>",
    "a route": f"From: <@evil.example:{BILLING_TEAM}>",
    "a group": f"From: x: {BILLING_TEAM}, mallory@evil.example;",
    "a folded name": f"From: {BILLING_TEAM}\r\n <mallory@evil.example>",
    "a quoted at sign": f'From: "{BILLING_TEAM}"@evil.example',
    "a group of one": f"From: Team: {BILLING_TEAM};",
    "nothing but encoded": f"From: =?utf-8?q?{BILLING_TEAM.replace('@', '=40')}?=",
    "an address for a name": f"From: mallory@evil.example <{BILLING_TEAM}>",
    "an address behind another": f"From: <mallory@evil.example> {BILLING_TEAM}",
    "a comment in front": f"From: (mallory@evil.example) {BILLING_TEAM}",
    "a blank before the colon": f"From : {BILLING_TEAM}",
    "an empty field first": f"From:\r\nFrom: {BILLING_TEAM}",
    "a resent field": f"Resent-From: {BILLING_TEAM}\r\nFrom: mallory@evil.example",
    "nobody, and a reply-to": f"From: <>\r\nReply-To: {BILLING_TEAM}",
}  # fmt: skip


def assert_nothing_happened(decision: Decision) -> None:
    """The customer gets no letter, and no message of an agent's is written down; the ticket is what it was."""
    for effect in decision.effects:
        assert not (isinstance(effect, AddMessage) and effect.role is Role.AGENT)
        assert not (isinstance(effect, Send) and effect.to.address == IVAN.address)
        assert not (isinstance(effect, Send) and effect.has_message and effect.ticket == 7)
        assert not (isinstance(effect, SetStatus | Confirm) and effect.ticket == 7)
    opened = [effect for effect in decision.effects if isinstance(effect, OpenTicket)]
    assert all(IVAN not in ticket.participants for ticket in opened)


@pytest.mark.parametrize("words", [WORDS, f"#решено\n{WORDS}"])
@pytest.mark.parametrize("facts", [facts_of(make_ticket()), facts_of(solved())], ids=["open", "solved"])
@pytest.mark.parametrize("name", IMPOSTORS)
def test_no_impostor_reaches_a_customer(name: str, facts: Facts, words: str) -> None:
    changes = dict(IMPOSTORS[name])
    policy: Policy = changes.pop("policy", make_policy())
    envelope = make_envelope(**{"rcpt_tos": to_token().rcpt_tos, **changes.pop("envelope", {})})
    mail = agent_mail(words, **{"headers": PASSED, "in_reply_to": (OURS,), **changes})
    assert_nothing_happened(decided(mail, envelope, facts, policy))


@pytest.mark.parametrize("to", [BILLING, token_address(7, BILLING_TEAM, Purpose.AGENT)], ids=["category", "token"])
@pytest.mark.parametrize("name", RAW)
def test_no_way_of_writing_from_makes_an_agent(name: str, to: str) -> None:
    mail = raw_mail(RAW[name])
    assert mail.error is None
    assert_nothing_happened(decided(mail, make_envelope(rcpt_tos=(to,)), facts_of(make_ticket())))


def test_the_agent_himself_is_relayed() -> None:
    decision = decided(agent_mail(WORDS), to_token(), facts_of(make_ticket()))
    assert any(isinstance(effect, Send) and effect.to.address == IVAN.address for effect in decision.effects)
