"""Values for tests of the rules: a policy, a mail, an envelope, a ticket, complete but for what a test is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from maild.core.decide import decide
from maild.core.effects import Decision, Send
from maild.core.facts import Approval, Facts, TicketFacts
from maild.core.mail import Door, Envelope, Kind, Mail, Mailbox
from maild.core.policy import Agent, Budgets, Category, Policy, Text, Topic, TrustRules
from maild.core.ticket import Status
from maild.core.tokens import Purpose, derive_keys, message_id, reply_address

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WINDOW = timedelta(hours=48)
INSTANCE = "0123456789abcdef"
KEYS = derive_keys([b"a secret text of more than thirty-two bytes"])
NONCE = "a" * 16

BORDER = "mx.desk.example"
BILLING, TECH = "billing@desk.example", "tech@desk.example"
BILLING_TEAM, TECH_TEAM = "billing-team@office.example", "tech-team@office.example"
ANNA = "anna@office.example"  # an agent of billing
IVAN = Mailbox("Иван Петров", "ivan@client.example")
OLGA = Mailbox("", "olga@client.example")
STRANGER = Mailbox("", "mallory@elsewhere.example")


def make_trust(**changes: Any) -> TrustRules:
    """One authserv-id, nothing else."""
    rules = TrustRules(
        authserv_ids=(BORDER,),
        received_by=(),
        position="above",
        verify=False,
        internal_peers=(),
        domains=(),
        spam_field="",
    )
    return replace(rules, **changes)


def make_category(key: str, address: str, team: str) -> Category:
    topic = Topic("refund", Text("Возврат", "Refund"), ())
    return Category(key, Text(key, key), address, (team,), (topic,), "")


def make_policy(**changes: Any) -> Policy:
    """Two categories, one agent; senders are verified by the field of `BORDER`."""
    policy = Policy(
        name="Кактус",
        language="ru",
        timezone="Europe/Moscow",
        public_url="https://desk.example",
        general_address="help@desk.example",
        default_category="billing",
        subject_tag="#",
        subaddress=True,
        verp=True,
        from_name="",
        reopen_window=WINDOW,
        remind_before=timedelta(hours=6),
        auto_solve_after=timedelta(days=7),
        hold_days=timedelta(days=30),
        categories=(make_category("billing", BILLING, BILLING_TEAM), make_category("tech", TECH, TECH_TEAM)),
        agents=(Agent(ANNA, "Анна", "ru", ("billing",), echo=False),),
        collision_window=timedelta(minutes=30),
        form_senders=(),
        trust=make_trust(),
        budgets=Budgets(per_address_hour=3, per_address_day=10, per_domain_hour=100, per_hour=1000),
    )
    return replace(policy, **changes)


OPEN_TRUST = make_policy(trust=make_trust(authserv_ids=()))


def make_mail(**changes: Any) -> Mail:
    """A plain question of Ivan's; `reply` is also the text unless that is given."""
    mail = Mail(
        headers=(),
        author=IVAN,
        is_author_sole=True,
        to=(),
        cc=(),
        subject="Счёт за ноябрь",
        date=NOW,
        message_id="1@client.example",
        in_reply_to=(),
        references=(),
        text="Где мой счёт?",
        reply="Где мой счёт?",
        folds=(),
        html_safe="",
        attachments=(),
        kind=Kind.MAIL,
        is_kind_guessed=False,
        is_auto_generated=False,
        is_courtesy=False,
        bounce=None,
        language="ru",
        is_charset_guessed=False,
        defects=(),
        error=None,
    )
    if "reply" in changes:
        changes.setdefault("text", changes["reply"])
    return replace(mail, **changes)


def make_envelope(**changes: Any) -> Envelope:
    """From Ivan to billing, through the border host."""
    envelope = Envelope(
        mail_from=IVAN.address,
        rcpt_tos=(BILLING,),
        door=Door.SMTP,
        peer="192.0.2.1",
        is_trusted_peer=True,
        user="",
        received_at=NOW,
    )
    return replace(envelope, **changes)


def make_ticket(number: int = 7, **changes: Any) -> TicketFacts:
    """Ivan's ticket in billing, open."""
    ticket = TicketFacts(
        number=number,
        subject="Счёт за ноябрь",
        category="billing",
        topic="",
        status=Status.OPEN,
        language="ru",
        participants=(IVAN,),
    )
    return replace(ticket, **changes)


def solved(number: int = 7, **changes: Any) -> TicketFacts:
    """The same, solved at NOW."""
    return make_ticket(number, **{"status": Status.SOLVED, "reopen_until": NOW + WINDOW, **changes})


def facts_of(*tickets: TicketFacts, **changes: Any) -> Facts:
    return Facts(tickets={ticket.number: ticket for ticket in tickets}, **changes)


def auth(value: str) -> tuple[tuple[str, str], ...]:
    """The header fields of a mail that came through the border host with these results."""
    received = f"from x (y [192.0.2.9]) by {BORDER} with ESMTPS id 1; Mon, 23 Nov 2026 12:00:00 +0000"
    return (("Authentication-Results", f"{BORDER}; {value}"), ("Received", received))


def dmarc(result: str, domain: str) -> tuple[tuple[str, str], ...]:
    return auth(f"dmarc={result} header.from={domain}")


PASSED = dmarc("pass", "client.example")


def token_address(
    number: int = 7, person: str = IVAN.address, purpose: Purpose = Purpose.CUSTOMER, category: str = BILLING
) -> str:
    return reply_address(KEYS, category, number, person, purpose)


def our_id(number: int = 7, person: str = IVAN.address, purpose: Purpose = Purpose.CUSTOMER) -> str:
    return message_id(KEYS, number, person, purpose, NONCE, "desk.example")


def agent_mail(words: str, *, person: str = BILLING_TEAM, purpose: Purpose = Purpose.AGENT, **changes: Any) -> Mail:
    """An answer to a letter that we sent to support, verified."""
    changes.setdefault("author", Mailbox("Служба", person))
    changes.setdefault("headers", dmarc("pass", "office.example"))
    changes.setdefault("in_reply_to", (our_id(7, person, purpose),))
    return make_mail(reply=words, message_id="a1@office.example", **changes)


def to_token(person: str = BILLING_TEAM, purpose: Purpose = Purpose.AGENT, number: int = 7) -> Envelope:
    return make_envelope(rcpt_tos=(token_address(number, person, purpose),), mail_from=person)


def decided(
    mail: Mail,
    envelope: Envelope | None = None,
    facts: Facts | None = None,
    policy: Policy | None = None,
    *,
    is_released: bool = False,
    approval: Approval | None = None,
) -> Decision:
    """decide() with the usual surroundings."""
    return decide(
        mail,
        envelope or make_envelope(),
        facts or Facts(),
        policy or make_policy(),
        KEYS,
        NOW,
        instance=INSTANCE,
        is_released=is_released,
        approval=approval,
    )


def letters_to(decision: Decision) -> list[tuple[str, str]]:
    """Who gets which letter, in order."""
    return [(send.letter.value, send.to.address) for send in decision.effects if isinstance(send, Send)]
