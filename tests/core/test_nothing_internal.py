"""Whatever an agent types: nothing that is meant to stay inside is ever in a letter to a customer (SPEC section 8)."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.core.effects import AddMessage, Decision, Reason, Send
from maild.core.facts import Approval, Facts, LastAnswer
from maild.core.letter import FOR_TEAM
from maild.core.mail import Attachment, Mailbox
from maild.core.policy import Policy
from maild.core.scrub import without_tokens
from maild.core.tokens import HeldAction, Purpose
from tests.values import (
    ANNA,
    BILLING_TEAM,
    INSTANCE,
    IVAN,
    NOW,
    OLGA,
    OPEN_TRUST,
    agent_mail,
    decided,
    facts_of,
    make_policy,
    make_ticket,
    to_token,
    token_address,
)

SECRET = "между нами"
TOKEN = token_address(7, BILLING_TEAM, Purpose.AGENT)
NOTES = ["#note", "#заметка", "  #NOTE", "\u00a0#note\u00a0", "#Заметка", "#note:", "*#note*", "＃note", "#notes"]
NOTES += ["# note", "# Заметка:", "#nоte", "#зaмeткa", "№заметка", "#тщеу", "Готово. #note"]
LINES = [
    "Держите.", "", "#solved", "#решено", "#вопрос", "#open", "#tag +a", "#assign anna@office.example", "#move tech",
    "#cc olga@client.example", "#merge 8", "#spam", "#macro x", "#snooze 2d", "#bad", "#tag", "# Заголовок", "#1",
    "```", f"Пишите на {TOKEN}", f"https://desk.example/a/{'x' * 20}", "> цитата",
]  # fmt: skip
FILE = Attachment("a.pdf", "application/pdf", 3, "0" * 64, False, "", 1)
FACTS: list[Facts] = [
    facts_of(make_ticket(participants=(IVAN, OLGA)), make_ticket(8)),
    facts_of(make_ticket(), last_answer=LastAnswer(7, 5, NOW, ANNA, frozenset()), replied_to=4),
]

bodies = st.lists(st.sampled_from(LINES), max_size=6).map("\n".join)
approvals = st.sampled_from([None, HeldAction.SEND, HeldAction.NOTE])


def shown_to_customers(decision: Decision) -> list[AddMessage]:
    """The messages that letters to customers carry, as `desk.apply` hands them on."""
    found: list[AddMessage] = []
    last: AddMessage | None = None
    for effect in decision.effects:
        if isinstance(effect, AddMessage):
            last = effect
        elif isinstance(effect, Send) and effect.letter not in FOR_TEAM and effect.has_message:
            assert last is not None
            found.append(last)
    return found


@pytest.mark.slow
@settings(max_examples=700)
@given(
    body=bodies,
    note=st.sampled_from(NOTES),
    purpose=st.sampled_from([Purpose.AGENT, Purpose.NOTE]),
    action=approvals,
    facts=st.sampled_from(FACTS),
    files=st.sampled_from([(), (FILE,)]),
    policy=st.sampled_from([make_policy(), OPEN_TRUST]),
)
def test_what_stands_below_a_note_or_is_a_token_of_ours_reaches_no_customer(
    body: str,
    note: str,
    purpose: Purpose,
    action: HeldAction | None,
    facts: Facts,
    files: tuple[Attachment, ...],
    policy: Policy,
) -> None:
    mail = agent_mail(f"{body}\n{note} {SECRET}\n{SECRET}", purpose=purpose, attachments=files)
    approval = Approval(action, BILLING_TEAM) if action else None
    decision = decided(mail, to_token(purpose=purpose), facts, policy, approval=approval)
    for message in shown_to_customers(decision):
        assert not message.is_note
        assert SECRET not in message.reply + message.text
        assert "+t7." not in without_tokens(message.reply, make_policy())
        assert "/a/" not in without_tokens(message.reply, make_policy())
        assert action or purpose is Purpose.AGENT, "an answer to a copy stays inside"
        assert action is not HeldAction.NOTE
    for message in (effect for effect in decision.effects if isinstance(effect, AddMessage)):
        assert message.is_note or SECRET not in message.reply + message.text
        assert message.author == Mailbox("Служба", BILLING_TEAM)


def test_a_letter_of_ours_that_is_attached_to_an_answer_goes_to_no_customer() -> None:
    ours, foreign = (replace(FILE, name="a.eml", loop_mark=mark) for mark in (INSTANCE, "another desk"))
    mail = agent_mail("Держите.", attachments=(ours, FILE, foreign))
    shown = shown_to_customers(decided(mail, to_token(), FACTS[0]))
    assert {one.attachments for one in shown} == {(FILE, foreign)}
    alone = decided(agent_mail("", attachments=(ours,)), to_token(), FACTS[0])
    assert alone.reason is Reason.HELD_NOTHING_TO_SEND
