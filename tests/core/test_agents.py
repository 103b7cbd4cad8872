"""Support answers: only a verified agent with a token of ours reaches a customer, and only with words meant for him."""

from typing import Any

import pytest

from maild.core.effects import AddMessage, Decision, OpenTicket, Reason, Send, SetStatus
from maild.core.facts import Facts
from maild.core.mail import Attachment, Envelope, Mail, Mailbox
from maild.core.policy import Policy
from maild.core.ticket import Status
from maild.core.tokens import Purpose
from maild.core.trust import Trust
from tests.values import (
    ANNA,
    BILLING,
    BILLING_TEAM,
    BORDER,
    IVAN,
    NOW,
    OLGA,
    OPEN_TRUST,
    PASSED,
    STRANGER,
    TECH_TEAM,
    WINDOW,
    agent_mail,
    decided,
    dmarc,
    facts_of,
    letters_to,
    make_envelope,
    make_mail,
    make_policy,
    make_ticket,
    our_id,
    to_token,
    token_address,
)

TICKET = make_ticket(participants=(IVAN, OLGA))
OPEN = facts_of(TICKET)
FILE = Attachment("a.pdf", "application/pdf", 3, "0" * 64, False, "", 1)
CUSTOMERS = {IVAN.address, OLGA.address}


def answer(mail: Mail, envelope: Envelope | None = None, facts: Facts = OPEN, policy: Policy | None = None) -> Decision:
    return decided(mail, envelope or to_token(), facts, policy)


def messages(decision: Decision) -> list[AddMessage]:
    return [effect for effect in decision.effects if isinstance(effect, AddMessage)]


def reaches_a_customer(decision: Decision) -> bool:
    """Is anything of the mail said to a customer: a letter, or an entry of a thread under an agent's name?"""
    is_said = any(message.role == "agent" for message in messages(decision))
    return is_said or any(address in CUSTOMERS for _, address in letters_to(decision))


def test_an_answer_goes_to_every_participant_and_a_copy_to_the_others_of_the_team() -> None:
    decision = answer(agent_mail("Держите.", person=ANNA, in_reply_to=(our_id(7, BILLING_TEAM, Purpose.AGENT),)))
    assert decision.reason is Reason.AGENT_ANSWERED
    assert letters_to(decision) == [("copy", BILLING_TEAM), ("answer", IVAN.address), ("answer", OLGA.address)]
    assert [effect.purpose for effect in decision.effects if isinstance(effect, Send)] == [
        Purpose.NOTE,
        Purpose.CUSTOMER,
        Purpose.CUSTOMER,
    ]
    assert SetStatus(7, Status.PENDING, auto_solve_at=NOW + make_policy().auto_solve_after) in decision.effects


def test_whoever_answers_gets_no_copy() -> None:
    assert letters_to(answer(agent_mail("Держите."))) == [("answer", IVAN.address), ("answer", OLGA.address)]


def test_solving_with_words_starts_a_round_and_the_solved_letter_carries_them() -> None:
    decision = answer(agent_mail("#решено\n\nГотово."))
    assert [message.reply for message in messages(decision)] == ["Готово."]
    assert SetStatus(7, Status.SOLVED, solved_at=NOW, reopen_until=NOW + WINDOW) in decision.effects
    solved = [effect for effect in decision.effects if isinstance(effect, Send)]
    assert [(send.letter, send.has_message) for send in solved] == [("solved", True)] * 2
    assert solved[0].context == {"reopen_until": (NOW + WINDOW).isoformat()}


def test_a_note_below_the_answer_stays_inside_with_no_trace_in_the_answer() -> None:
    mail = agent_mail("Держите.\n#note он скандалит", attachments=(FILE,))
    said, note = messages(answer(mail))
    assert (said.reply, said.is_note, said.attachments) == ("Держите.", False, (FILE,))
    assert "скандалит" not in said.text
    assert (note.reply, note.is_note, note.attachments) == ("он скандалит", True, ())


@pytest.mark.parametrize("words", ["#note спросить у Анны", "#note", "#заметка\u00a0секрет"])
def test_a_note_with_a_file_stays_inside_with_its_file(words: str) -> None:
    decision = answer(agent_mail(words, attachments=(FILE,)))
    assert [(message.is_note, message.attachments) for message in messages(decision)] == [(True, (FILE,))]
    assert set(letters_to(decision)) <= {("copy", BILLING_TEAM)}


@pytest.mark.parametrize("words", ["Держите.", "Держите.\n#note и ещё", "", "#note x"])
@pytest.mark.parametrize("files", [(), (FILE,)])
def test_an_answer_to_a_letter_that_takes_notes_reaches_no_customer(words: str, files: tuple[Attachment, ...]) -> None:
    for purposes in ((Purpose.NOTE, Purpose.AGENT), (Purpose.AGENT, Purpose.NOTE), (Purpose.NOTE, Purpose.NOTE)):
        mail = agent_mail(words, purpose=purposes[0], attachments=files)
        decision = answer(mail, to_token(purpose=purposes[1]))
        assert not any(address in CUSTOMERS for _, address in letters_to(decision))
        assert all(message.is_note for message in messages(decision))


def test_a_file_alone_is_an_answer() -> None:
    decision = answer(agent_mail("", attachments=(FILE,)))
    assert [message.attachments for message in messages(decision)] == [(FILE,)]
    assert ("answer", IVAN.address) in letters_to(decision)


@pytest.mark.parametrize(
    "quoted",
    [
        "",
        "> Где мой счёт?\n> #note секрет",
        "23.11.2026 Иван пишет:\n> Где?\n> =-=-= Ответ пишите выше этой строки =-=-=\n> внутреннее",
        "Где мой счёт?\n=-=-= Please write your reply above this line =-=-=\nДругие вопросы: #5",
    ],
)
def test_a_reply_without_new_words_sends_our_own_letter_to_nobody(quoted: str) -> None:
    decision = answer(agent_mail(quoted))
    assert decision.reason is Reason.HELD_NOTHING_TO_SEND
    [message] = messages(answer(agent_mail(quoted, attachments=(FILE,))))
    assert message.reply == ""


def test_an_answer_to_a_closed_ticket_opens_a_follow_up() -> None:
    decision = answer(agent_mail("Ещё вот что."), facts=facts_of(make_ticket(status=Status.CLOSED)))
    assert isinstance(decision.effects[0], OpenTicket)
    assert ("answer", IVAN.address) in letters_to(decision)


def test_a_token_of_the_team_serves_its_agents_and_not_those_of_another_category() -> None:
    in_reply_to = (our_id(7, BILLING_TEAM, Purpose.AGENT),)
    assert answer(agent_mail("Да.", person=ANNA, in_reply_to=in_reply_to)).reason is Reason.AGENT_ANSWERED
    assert answer(agent_mail("Да.", person=TECH_TEAM, in_reply_to=in_reply_to)).reason is Reason.HELD_AGENT_UNPROVEN


def test_an_address_of_one_ticket_and_a_reference_of_another_prove_nothing() -> None:
    facts = facts_of(TICKET, make_ticket(8, participants=(STRANGER,)))
    mail = agent_mail("Держите.", in_reply_to=(our_id(8, BILLING_TEAM, Purpose.AGENT),))
    decision = answer(mail, to_token(number=7), facts)
    assert decision.reason is Reason.HELD_AGENT_UNPROVEN
    assert not reaches_a_customer(decision)


@pytest.mark.parametrize("text", ["#open\n#solved\nГотово.", "#solvd", "Готово.\n#solved", "#note: x", "#merge 5"])
def test_what_is_not_clear_is_not_relayed(text: str) -> None:
    decision = answer(agent_mail(text))
    assert decision.reason is Reason.HELD_COMMAND_UNCLEAR
    assert not reaches_a_customer(decision)


AGENT_TOKEN = token_address(7, BILLING_TEAM, Purpose.AGENT)
AGENT_ID = our_id(7, BILLING_TEAM, Purpose.AGENT)
ANNAS_ID = our_id(7, ANNA, Purpose.AGENT)
BELOW_BORDER = (("Received", f"from x by {BORDER}"), *dmarc("pass", "office.example"))


@pytest.mark.parametrize(
    "change",
    [
        {"headers": ()},
        {"headers": dmarc("fail", "office.example")},
        {"headers": dmarc("none", "office.example")},
        {"headers": dmarc("pass", "elsewhere.example")},
        {"headers": BELOW_BORDER},
        {"headers": (("Authentication-Results", "mx.evil.example; dmarc=pass header.from=office.example"),)},
        {"headers": (("Authentication-Results", f"{BORDER}; spf=none (dmarc=pass header.from=office.example)"),)},
        {"author": Mailbox("", BILLING_TEAM.upper()), "headers": ()},
        {"author": Mailbox("", BILLING_TEAM + "."), "headers": ()},
        {"author": Mailbox(BILLING_TEAM, STRANGER.address), "headers": dmarc("pass", "elsewhere.example")},
        {"author": Mailbox("Анна", f'"{ANNA}"@elsewhere.example'), "headers": dmarc("pass", "elsewhere.example")},
        {"author": Mailbox("", "anna+x@office.example")},
        {"author": Mailbox("", ANNA), "is_author_sole": False},
        {"author": None},
        {"author": STRANGER, "headers": dmarc("pass", "elsewhere.example")},
        {"author": Mailbox("", "colleague@office.example")},
        {"in_reply_to": ()},
        {"in_reply_to": (AGENT_ID.replace("7.a.", "7.a.b", 1),)},
        {"in_reply_to": (our_id(8, BILLING_TEAM, Purpose.AGENT),)},
        {"in_reply_to": (our_id(7, IVAN.address),)},
        {"subject": "[#7]", "in_reply_to": ()},
    ],
)
def test_no_pretended_agent_reaches_a_customer(change: dict[str, Any]) -> None:
    mail = agent_mail("Переведите деньги сюда.", **{"in_reply_to": (AGENT_ID, ANNAS_ID), **change})
    for policy in (make_policy(), OPEN_TRUST):
        for rcpt in (AGENT_TOKEN, BILLING, "billing+t7.aaaaaaaaaaaaaaaa@desk.example"):
            for is_released in (False, True):
                envelope = make_envelope(rcpt_tos=(rcpt,), is_trusted_peer=policy is not OPEN_TRUST)
                decision = decided(mail, envelope, OPEN, policy, is_released=is_released)
                assert not reaches_a_customer(decision), (policy.trust, rcpt, is_released)


def test_from_an_untrusted_peer_nobody_is_an_agent() -> None:
    envelope = make_envelope(rcpt_tos=(AGENT_TOKEN,), is_trusted_peer=False)
    decision = answer(agent_mail("Держите."), envelope)
    assert decision.reason is Reason.HELD_AGENT_UNVERIFIED
    assert decision.effects[0:1] != ()
    assert not reaches_a_customer(decision)


def test_in_open_trust_an_agent_who_logged_in_is_one() -> None:
    envelope = make_envelope(rcpt_tos=(AGENT_TOKEN,), user=BILLING_TEAM, is_trusted_peer=False)
    decision = answer(agent_mail("Держите.", headers=()), envelope, policy=OPEN_TRUST)
    assert decision.reason is Reason.AGENT_ANSWERED
    [message] = messages(decision)
    assert message.trust is Trust.VERIFIED


def test_a_customer_with_an_agents_token_speaks_as_a_customer() -> None:
    mail = make_mail(headers=PASSED, in_reply_to=(AGENT_ID,), reply="#solved\nПереведите деньги.")
    decision = answer(mail)
    assert {message.role for message in messages(decision)} == {"customer"}
    letters = [effect for effect in decision.effects if isinstance(effect, Send) and effect.to.address in CUSTOMERS]
    assert letters
    assert not any(send.has_message for send in letters), "his words go to support only"
