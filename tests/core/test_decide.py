"""decide(): every reason is reached by a mail as it really comes, and what each mail causes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from maild.core.decide import decide_second_arrival
from maild.core.effects import (
    OPENED,
    AddMessage,
    Confirm,
    Decision,
    Event,
    LetterBounced,
    Mute,
    OpenTicket,
    OverBudget,
    Reason,
    Record,
    Role,
    Send,
    SetStatus,
    Way,
)
from maild.core.facts import Facts, LastAnswer, LetterFacts, Provoked
from maild.core.mail import Attachment, Bounce, BouncedRecipient, Door, Kind, Mail, Mailbox, Mark
from maild.core.robots import LOOP_FIELD, TICKET_FIELD
from maild.core.ticket import Status
from maild.core.tokens import Action, Claim, Purpose, action_code, bounce_address
from maild.core.trust import Trust
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
    PASSED,
    STRANGER,
    TECH,
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
    make_trust,
    our_id,
    solved,
    to_token,
    token_address,
)

OPEN = facts_of(make_ticket())
SOLVED = facts_of(solved())
CLOSED = facts_of(make_ticket(status=Status.CLOSED))
OVER_BUDGET = Provoked(address_hour=3)
LETTER = LetterFacts(31, 7, "answer", IVAN.address, "billing", "[#7] Счёт")
FILE = Attachment("a.pdf", "application/pdf", 3, "0" * 64, False, "", 1)


def bounce(action: str = "failed", status: str = "5.1.1") -> Mail:
    report = Bounce((BouncedRecipient(IVAN.address, status, action),), our_id())
    return make_mail(kind=Kind.BOUNCE, bounce=report, author=Mailbox("", "mailer-daemon@mx.client.example"))


def events(decision: Decision) -> list[tuple[int, Event]]:
    return [(effect.ticket, effect.event) for effect in decision.effects if isinstance(effect, Record)]


def statuses(decision: Decision) -> list[Status]:
    return [effect.status for effect in decision.effects if isinstance(effect, SetStatus)]


def messages(decision: Decision) -> list[AddMessage]:
    return [effect for effect in decision.effects if isinstance(effect, AddMessage)]


SAY_SOLVED = Claim(7, IVAN.address, Action.SOLVED)
BY_TOKEN = make_envelope(rcpt_tos=(token_address(),))
FROM_NULL = make_envelope(mail_from="")
FILTERED = make_policy(trust=make_trust(spam_field="X-Spam-Flag: YES"))
MARKED = (("X-Spam-Flag", "YES"), *PASSED)

CASES: list[tuple[Reason, dict[str, Any]]] = [
    (Reason.NEW_QUESTION, {"mail": make_mail()}),
    (Reason.JOINED_BY_TOKEN, {"mail": make_mail(), "envelope": BY_TOKEN, "facts": OPEN}),
    (Reason.JOINED_BY_CODE, {"mail": make_mail(subject=f"[#7] {action_code(KEYS, SAY_SOLVED)}"), "facts": OPEN}),
    (Reason.JOINED_BY_OUR_REFERENCE, {"mail": make_mail(in_reply_to=(our_id(),)), "facts": OPEN}),
    (
        Reason.JOINED_BY_REFERENCE,
        {
            "mail": make_mail(references=("q@x.example",)),
            "facts": facts_of(make_ticket(), recorded={"q@x.example": (7,)}),
        },
    ),
    (Reason.JOINED_BY_NUMBER, {"mail": make_mail(subject="Re: [#7]", headers=PASSED), "facts": OPEN}),
    (Reason.JOINED_UNVERIFIED, {"mail": make_mail(subject="Re: [#7]"), "facts": OPEN, "policy": OPEN_TRUST}),
    (Reason.CLAIMS_TICKET, {"mail": make_mail(subject="Re: [#7]"), "facts": OPEN}),
    (Reason.FOLLOW_UP, {"mail": make_mail(), "envelope": BY_TOKEN, "facts": CLOSED}),
    (Reason.AGENT_ANSWERED, {"mail": agent_mail("Держите."), "envelope": to_token(), "facts": OPEN}),
    (Reason.AGENT_NOTED, {"mail": agent_mail("#note спросить"), "envelope": to_token(), "facts": OPEN}),
    (Reason.AGENT_COMMANDED, {"mail": agent_mail("#solved"), "envelope": to_token(), "facts": OPEN}),
    (
        Reason.AGENT_OPENED,
        {"mail": agent_mail("#customer x@client.example\nДобрый день.", in_reply_to=())},
    ),
    (
        Reason.HELD_COLLISION,
        {
            "mail": agent_mail("Держите."),
            "envelope": to_token(),
            "facts": facts_of(make_ticket(), last_answer=LastAnswer(7, 5, NOW, ANNA, frozenset({"x"})), replied_to=4),
        },
    ),
    (
        Reason.BOUNCE_RECORDED,
        {"mail": bounce(), "envelope": FROM_NULL, "facts": facts_of(make_ticket(), bounced=LETTER)},
    ),
    (Reason.ROBOT_RECORDED, {"mail": make_mail(kind=Kind.AUTO_RESPONSE), "envelope": BY_TOKEN, "facts": OPEN}),
    (Reason.ACTION_REFUSED, {"mail": make_mail(reply="#continue"), "envelope": BY_TOKEN, "facts": CLOSED}),
    (Reason.HELD_UNPARSABLE, {"mail": make_mail(error="too deep")}),
    (Reason.HELD_NO_AUTHOR, {"mail": make_mail(author=None)}),
    (Reason.HELD_NO_AUTHOR, {"mail": make_mail(author=STRANGER, is_author_sole=False, is_author_stand_in=True)}),
    (Reason.HELD_NO_AUTHOR, {"mail": make_mail(author=Mailbox("", "a@b@client.example"), is_author_sole=False)}),
    (Reason.HELD_TRUST_FAILED, {"mail": make_mail(headers=dmarc("fail", "client.example"))}),
    (Reason.HELD_AGENT_UNVERIFIED, {"mail": agent_mail("Держите.", headers=()), "envelope": to_token(), "facts": OPEN}),
    (
        Reason.HELD_AGENT_UNPROVEN,
        {"mail": agent_mail("Держите.", in_reply_to=()), "envelope": to_token(), "facts": OPEN},
    ),
    (Reason.HELD_COMMAND_UNCLEAR, {"mail": agent_mail("#sovled"), "envelope": to_token(), "facts": OPEN}),
    (
        Reason.HELD_AGENT_AUTOMATIC,
        {"mail": agent_mail("x", is_auto_generated=True), "envelope": to_token(), "facts": OPEN},
    ),
    (
        Reason.HELD_OTHER_AGENT,
        {"mail": agent_mail("x", cc=(Mailbox("", ANNA),)), "envelope": to_token(), "facts": OPEN},
    ),
    (Reason.HELD_NOTHING_TO_SEND, {"mail": agent_mail(""), "envelope": to_token(), "facts": OPEN}),
    (Reason.HELD_TICKET_CLOSED, {"mail": agent_mail("#solved"), "envelope": to_token(), "facts": CLOSED}),
    (Reason.HELD_LOOP, {"mail": make_mail(headers=((TICKET_FIELD, "7"),)), "facts": Facts(is_own_letter=True)}),
    (Reason.NOTICE_RETURNED, {"mail": make_mail(), "facts": Facts(is_own_letter=True)}),
    (Reason.HELD_NESTED, {"mail": make_mail(subject="[Ticket 78] Re: [#7] [Ticket 77] счёт")}),
    (Reason.HELD_SPAM, {"mail": make_mail(headers=MARKED), "policy": FILTERED}),
    (
        Reason.HELD_JUNK,
        {"mail": make_mail(), "envelope": make_envelope(door=Door.IMAP, peer="support", mark=Mark.JUNK)},
    ),
    (Reason.HELD_CUT, {"mail": make_mail(), "envelope": make_envelope(door=Door.IMAP, peer="support", mark=Mark.CUT)}),
    (
        Reason.BOUNCE_FORGED,
        {"mail": bounce(), "facts": facts_of(make_ticket(), bounced=LETTER)},
    ),
    (Reason.HELD_TOO_MANY_HOPS, {"mail": make_mail(headers=(("Received", "from a by b"),) * 51)}),
    (Reason.HELD_ROBOT, {"mail": make_mail(kind=Kind.AUTO_RESPONSE)}),
    (
        Reason.HELD_KIND_GUESSED,
        {"mail": make_mail(kind=Kind.AUTO_RESPONSE, is_kind_guessed=True), "envelope": BY_TOKEN, "facts": OPEN},
    ),
    (Reason.HELD_BOUNCE_UNKNOWN, {"mail": bounce(), "envelope": FROM_NULL}),
    (Reason.HELD_NO_RECIPIENT, {"mail": make_mail(), "envelope": make_envelope(rcpt_tos=("gone@desk.example",))}),
]

# Reached elsewhere: a second delivery (below), clicks, the job, trouble in the desk.
ELSEWHERE = {
    Reason.SECOND_CATEGORY,
    Reason.ALREADY_KNOWN,
    Reason.CLICKED,
    Reason.LISTED,
    Reason.SHOWN,
    Reason.CUSTOMER_SILENT,
    Reason.DEADLINE_NEAR,
    Reason.DEADLINE_REACHED,
    Reason.HELD_TROUBLE,
    Reason.WOKEN,
    Reason.ANSWERED_OUTSIDE,  # test_sent.py
    Reason.NO_ANSWER,
}


@pytest.mark.parametrize(("reason", "case"), CASES, ids=[reason.name for reason, _ in CASES])
def test_every_reason_is_reached(reason: Reason, case: dict[str, Any]) -> None:
    decision = decided(**case)
    assert decision.reason is reason
    assert decision.is_held is reason.name.startswith("HELD_")
    if decision.is_held:
        assert {event for _, event in events(decision)} <= {Event.HELD, Event.COLLISION}
        told = [effect for effect in decision.effects if isinstance(effect, Send)]
        muted = [effect for effect in decision.effects if isinstance(effect, Mute)]
        assert len(decision.effects) == len(events(decision)) + len(told) + len(muted)
        assert {send.to.address for send in told} <= {BILLING_TEAM}


def test_no_reason_is_forgotten() -> None:
    assert {reason for reason, _ in CASES} | ELSEWHERE == set(Reason)


def test_a_new_question_is_a_ticket_a_letter_to_the_team_and_an_acknowledgement() -> None:
    decision = decided(make_mail(headers=PASSED), make_envelope(rcpt_tos=("billing+refund@desk.example",)))
    opened = decision.effects[0]
    assert opened == OpenTicket("Счёт за ноябрь", "billing", "refund", (IVAN,), "ru")
    assert decision.ticket == OPENED
    [message] = messages(decision)
    assert (message.role, message.trust, message.message_id) == (Role.CUSTOMER, Trust.VERIFIED, "1@client.example")
    assert letters_to(decision) == [("new_ticket", BILLING_TEAM), ("acknowledgement", IVAN.address)]


@pytest.mark.parametrize(
    ("mail", "policy", "letter", "has_token_address"),
    [
        (make_mail(headers=PASSED), make_policy(), "acknowledgement", True),
        (make_mail(), make_policy(), "acknowledgement_minimal", True),
        (make_mail(), OPEN_TRUST, "acknowledgement_minimal", False),
    ],
)
def test_the_acknowledgement_says_as_much_as_the_author_is_trusted(
    mail: Mail, policy: Any, letter: str, has_token_address: bool
) -> None:
    decision = decided(mail, policy=policy)
    [send] = [effect for effect in decision.effects if isinstance(effect, Send) and effect.to.address == IVAN.address]
    assert (send.letter, send.purpose, send.is_provoked) == (letter, Purpose.CUSTOMER, True)
    assert send.to.name == (IVAN.name if send.has_message else ""), "nor is his name"
    assert send.has_message is (letter == "acknowledgement"), "a stranger's words are not sent to whom he names"
    assert send.context["has_token_address"] is has_token_address


def test_over_the_budget_the_acknowledgement_is_dropped_with_an_event() -> None:
    decision = decided(make_mail(), facts=Facts(provoked=OVER_BUDGET))
    assert letters_to(decision) == [("new_ticket", BILLING_TEAM)]
    assert (OPENED, Event.DROPPED) in events(decision)


@pytest.mark.parametrize("change", [{"kind": Kind.LIST}, {"is_auto_generated": True}, {"kind": Kind.CALENDAR}])
def test_questions_of_machines_open_tickets_without_an_answer(change: dict[str, Any]) -> None:
    assert letters_to(decided(make_mail(**change))) == [("new_ticket", BILLING_TEAM)]


def test_a_mail_to_two_categories_is_one_ticket_and_the_second_team_is_told() -> None:
    decision = decided(make_mail(), make_envelope(rcpt_tos=(TECH, BILLING, TECH)))
    assert letters_to(decision)[:2] == [("new_ticket", TECH_TEAM), ("new_ticket", BILLING_TEAM)]
    purposes = [effect.purpose for effect in decision.effects if isinstance(effect, Send)]
    assert purposes[:2] == [Purpose.AGENT, Purpose.NOTE]
    assert sum(isinstance(effect, OpenTicket) for effect in decision.effects) == 1


def test_a_second_delivery_tells_only_teams_that_were_not_told() -> None:
    both = make_envelope(rcpt_tos=(BILLING, TECH, "tech+refund@desk.example"))
    decision = decide_second_arrival(both, {BILLING}, make_ticket(), make_policy())
    assert decision.reason is Reason.SECOND_CATEGORY
    assert letters_to(decision) == [("new_ticket", TECH_TEAM)]
    again = decide_second_arrival(both, {BILLING, TECH}, make_ticket(), make_policy())
    assert again == Decision(Reason.ALREADY_KNOWN, (), 7)


def test_a_claim_tells_the_team_and_nothing_of_the_ticket_to_anybody() -> None:
    decision = decided(make_mail(author=STRANGER, subject="[#7]"), facts=OPEN)
    assert (OPENED, Event.CLAIMS_TICKET) in events(decision)
    assert letters_to(decision) == [("new_ticket", BILLING_TEAM), ("acknowledgement_minimal", STRANGER.address)]
    assert all(getattr(effect, "ticket", OPENED) == OPENED for effect in decision.effects)


def test_a_reply_before_the_deadline_opens_the_ticket_again() -> None:
    just = make_envelope(rcpt_tos=(token_address(),), received_at=NOW + WINDOW - timedelta(microseconds=1))
    decision = decided(make_mail(), just, SOLVED)
    assert statuses(decision) == [Status.OPEN]
    assert (7, Event.REOPENED) in events(decision)
    assert letters_to(decision) == [("reopened", BILLING_TEAM)]


def test_a_reply_at_the_deadline_opens_a_follow_up_linked_both_ways() -> None:
    late = make_envelope(rcpt_tos=(token_address(),), received_at=NOW + WINDOW)
    ticket = solved(participants=(IVAN, OLGA), topic="refund")
    decision = decided(make_mail(), late, facts_of(ticket))
    assert decision.reason is Reason.FOLLOW_UP
    opened = decision.effects[0]
    assert isinstance(opened, OpenTicket)
    assert (opened.follow_up_of, opened.participants, opened.topic) == (7, (IVAN, OLGA), "refund")
    assert [ticket for ticket, event in events(decision) if event is Event.FOLLOW_UP] == [OPENED, 7]
    assert letters_to(decision) == [("follow_up_team", BILLING_TEAM), ("follow_up", IVAN.address)]
    assert statuses(decision) == []


def test_follow_up_letters_to_the_unconfirmed_keep_within_the_budget() -> None:
    mail = make_mail(references=("q@x.example",))
    facts = Facts(tickets=CLOSED.tickets, recorded={"q@x.example": (7,)}, provoked=OVER_BUDGET)
    assert letters_to(decided(mail, facts=facts)) == [("follow_up_team", BILLING_TEAM)]
    confirmed = decided(make_mail(), BY_TOKEN, Facts(tickets=CLOSED.tickets, provoked=OVER_BUDGET))
    assert ("follow_up", IVAN.address) in letters_to(confirmed)


def test_thanks_leave_a_solved_ticket_solved_and_are_recorded_on_a_closed_one() -> None:
    thanks = make_mail(reply="Спасибо!", is_courtesy=True)
    for facts in (SOLVED, CLOSED):
        decision = decided(thanks, BY_TOKEN, facts)
        assert statuses(decision) == []
        assert events(decision) == [(7, Event.COURTESY)]
        assert len(messages(decision)) == 1


@pytest.mark.parametrize(("words", "way"), [("#solved", Way.MAILTO), ("решено", Way.WORD)])
def test_a_customer_can_type_that_it_is_solved(words: str, way: Way) -> None:
    decision = decided(make_mail(reply=words), BY_TOKEN, SOLVED)
    assert Confirm(7, NOW) in decision.effects
    assert Record(7, Event.CONFIRMED, IVAN.address, "smtp", way) in decision.effects
    pending = decided(make_mail(reply=words), BY_TOKEN, facts_of(make_ticket(status=Status.PENDING)))
    assert SetStatus(7, Status.SOLVED, solved_at=NOW, reopen_until=NOW + WINDOW) in pending.effects
    assert ("solved", IVAN.address) in letters_to(pending)


def test_a_refused_action_says_why_and_words_beside_it_open_a_follow_up() -> None:
    assert letters_to(decided(make_mail(reply="#continue"), BY_TOKEN, CLOSED)) == [("closed", IVAN.address)]
    words = decided(make_mail(reply="Опять не работает.\n#continue"), BY_TOKEN, CLOSED)
    assert words.reason is Reason.FOLLOW_UP


@pytest.mark.parametrize("status", [Status.SOLVED, Status.PENDING])
@pytest.mark.parametrize("words", ["#continue", "#Продолжить.", "Проблема не решена, продолжить общение"])
def test_not_solved_without_a_word_why_is_asked_about(status: Status, words: str) -> None:
    ticket = solved() if status is Status.SOLVED else make_ticket(status=status)
    decision = decided(make_mail(reply=words), BY_TOKEN, facts_of(ticket))
    assert ("what_is_wrong", IVAN.address) in letters_to(decision)
    [asking] = [send for send in decision.effects if isinstance(send, Send) and send.letter == "what_is_wrong"]
    assert (asking.is_provoked, asking.has_message, asking.purpose) == (False, False, Purpose.CUSTOMER)


@pytest.mark.parametrize("case", [
    (make_mail(reply="#continue\nСчёт старый."), BY_TOKEN, SOLVED),
    (make_mail(reply="#continue", attachments=(FILE,)), BY_TOKEN, SOLVED),
    (make_mail(reply="#continue"), BY_TOKEN, OPEN),
    (make_mail(reply="#continue", is_auto_generated=True), BY_TOKEN, SOLVED),
    (make_mail(reply="#continue", kind=Kind.LIST), BY_TOKEN, SOLVED),
    (make_mail(reply="#continue"), replace(BY_TOKEN, mail_from=""), SOLVED),
    (make_mail(reply="Не работает."), BY_TOKEN, SOLVED),
])  # fmt: skip
def test_nobody_is_asked_what_is_wrong_who_said_so_or_cannot_be_answered(case: tuple[Any, ...]) -> None:
    assert "what_is_wrong" not in {letter for letter, _ in letters_to(decided(*case))}


def test_who_is_not_confirmed_is_asked_what_is_wrong_within_his_budget() -> None:
    mail = make_mail(reply="#continue", subject="[#7]", headers=PASSED)
    [asking] = [send for send in decided(mail, facts=SOLVED).effects
                if isinstance(send, Send) and send.to.address == IVAN.address]  # fmt: skip
    assert (asking.letter, asking.is_provoked) == ("what_is_wrong", True)
    over = decided(mail, facts=replace(SOLVED, provoked=OVER_BUDGET))
    assert statuses(over) == [Status.OPEN]
    assert OverBudget("billing") in over.effects
    assert {address for _, address in letters_to(over)} == {BILLING_TEAM}


def test_in_open_trust_a_number_adds_words_and_changes_no_status() -> None:
    for facts in (SOLVED, facts_of(make_ticket(status=Status.PENDING))):
        decision = decided(make_mail(subject="[#7]"), facts=facts, policy=OPEN_TRUST)
        assert statuses(decision) == []
        assert letters_to(decision) == [("new_message", BILLING_TEAM)]
        [message] = messages(decision)
        assert message.trust is Trust.UNVERIFIED
    wish = decided(make_mail(subject="[#7]", reply="#solved"), facts=SOLVED, policy=OPEN_TRUST)
    assert not any(isinstance(effect, Confirm) for effect in wish.effects)


@pytest.mark.parametrize("kind", [Kind.AUTO_RESPONSE, Kind.RECEIPT, Kind.FEEDBACK_REPORT])
def test_a_machines_answer_is_an_event_and_never_a_message(kind: Kind) -> None:
    for facts in (SOLVED, OPEN, CLOSED):
        decision = decided(make_mail(kind=kind, reply="Меня нет"), BY_TOKEN, facts)
        assert [event for _, event in events(decision)] in ([Event.AUTO_RESPONSE], [Event.RECEIPT])
        assert len(decision.effects) == 1


def test_an_agents_out_of_office_reaches_no_customer() -> None:
    decision = decided(agent_mail("Меня нет", kind=Kind.AUTO_RESPONSE), to_token(), OPEN)
    assert decision.reason is Reason.ROBOT_RECORDED
    assert letters_to(decision) == []


def test_a_calendar_reply_opens_no_ticket_and_an_invitation_does() -> None:
    reply = make_mail(kind=Kind.CALENDAR, calendar_method="REPLY")
    assert decided(reply).reason is Reason.HELD_ROBOT
    assert decided(make_mail(kind=Kind.CALENDAR, calendar_method="REQUEST")).reason is Reason.NEW_QUESTION


def test_a_bounce_is_recorded_and_the_team_told_once() -> None:
    decision = decided(bounce(), FROM_NULL, facts_of(make_ticket(), bounced=LETTER))
    assert LetterBounced(31, "5.1.1") in decision.effects
    assert events(decision) == [(7, Event.BOUNCE)]
    assert letters_to(decision) == [("delivery_failed", BILLING_TEAM)]


def test_a_bounce_of_the_solved_letter_to_the_customer_opens_the_ticket_again() -> None:
    letter = LetterFacts(31, 7, "solved", IVAN.address, "billing", "")
    decision = decided(bounce(), FROM_NULL, facts_of(solved(), bounced=letter))
    assert statuses(decision) == [Status.OPEN]
    assert (7, Event.REOPENED) in events(decision)
    others = LetterFacts(31, 7, "solved", OLGA.address, "billing", "")
    for facts in (facts_of(solved(participants=(IVAN, OLGA)), bounced=others), facts_of(solved(), bounced=LETTER)):
        assert statuses(decided(bounce(), FROM_NULL, facts)) == []
    closed = facts_of(make_ticket(status=Status.CLOSED), bounced=letter)
    assert statuses(decided(bounce(), FROM_NULL, closed)) == []


def test_the_same_bounce_again_changes_nothing_more() -> None:
    letter = LetterFacts(31, 7, "solved", IVAN.address, "billing", "", is_failed=True)
    decision = decided(bounce(), FROM_NULL, facts_of(solved(), bounced=letter))
    assert events(decision) == [(7, Event.BOUNCE)]
    assert (statuses(decision), letters_to(decision)) == ([], [])


@pytest.mark.parametrize(("letter", "status", "unreachable"), [
    (31, "5.1.1", IVAN.address), (30, "5.1.1", ""), (31, "5.2.2", ""), (31, "5.1.10", ""), (None, "5.1.1", ""),
])  # fmt: skip
def test_only_the_letters_own_sender_proves_that_an_address_does_not_exist(
    letter: int | None, status: str, unreachable: str
) -> None:
    to = bounce_address(KEYS, BILLING, letter) if letter else BILLING
    envelope = make_envelope(mail_from="", rcpt_tos=(to,))
    decision = decided(bounce("failed", status), envelope, facts_of(make_ticket(), bounced=LETTER))
    assert LetterBounced(31, status, unreachable) in decision.effects


def test_support_is_written_to_in_any_case() -> None:
    letter = LetterFacts(31, 7, "new_message", BILLING_TEAM, "billing", "")
    envelope = make_envelope(mail_from="", rcpt_tos=(bounce_address(KEYS, BILLING, 31),))
    decision = decided(bounce(), envelope, facts_of(make_ticket(), bounced=letter))
    assert LetterBounced(31, "5.1.1") in decision.effects


def test_a_delay_notice_is_no_failure() -> None:
    decision = decided(bounce("delayed", "4.4.1"), FROM_NULL, facts_of(make_ticket(), bounced=LETTER))
    assert events(decision) == [(7, Event.RECEIPT)]
    assert letters_to(decision) == []


def test_a_bounce_of_a_notice_about_a_bounce_ends_there() -> None:
    notice = LetterFacts(32, 7, "delivery_failed", BILLING_TEAM, "billing", "")
    assert letters_to(decided(bounce(), FROM_NULL, facts_of(make_ticket(), bounced=notice))) == []


def test_a_forged_bounce_stands_in_the_ledger_and_does_nothing() -> None:
    decision = decided(bounce(), make_envelope(mail_from="x@y.example"), facts_of(make_ticket(), bounced=LETTER))
    assert (decision.reason, decision.effects, decision.ticket) == (Reason.BOUNCE_FORGED, (), None)


def test_a_bounce_that_only_looks_like_one_is_held_with_its_ticket() -> None:
    guess = replace(bounce(), is_kind_guessed=True, bounce=Bounce((), our_id()))
    decision = decided(guess, FROM_NULL, facts_of(make_ticket(), bounced=LETTER))
    assert (decision.reason, decision.ticket) == (Reason.HELD_KIND_GUESSED, 7)


def test_the_status_of_a_bounce_is_that_of_the_recipient_who_failed() -> None:
    both = Bounce(
        (BouncedRecipient("a@x.example", "2.0.0", "relayed"), BouncedRecipient("b@x.example", "5.2.2", "failed")),
        our_id(),
    )
    decision = decided(replace(bounce(), bounce=both), FROM_NULL, facts_of(make_ticket(), bounced=LETTER))
    assert LetterBounced(31, "5.2.2", "") in decision.effects


@pytest.mark.parametrize(
    ("mail", "envelope"),
    [
        (make_mail(headers=dmarc("fail", "client.example")), BY_TOKEN),
        (make_mail(kind=Kind.AUTO_RESPONSE, is_kind_guessed=True), BY_TOKEN),
        (make_mail(headers=(("Received", "from a by b"),) * 51), BY_TOKEN),
        (make_mail(error="too deep"), BY_TOKEN),
        (agent_mail("Держите.", headers=()), to_token()),
        (agent_mail("#sovled"), to_token()),
    ],
)
def test_a_held_mail_keeps_its_ticket_so_that_it_is_not_closed_meanwhile(mail: Mail, envelope: Any) -> None:
    decision = decided(mail, envelope, SOLVED)
    assert decision.is_held
    assert decision.ticket == 7
    assert events(decision) == [(7, Event.HELD)]


def test_a_released_mail_has_a_customers_rights() -> None:
    failed = make_mail(headers=dmarc("fail", "client.example"))
    decision = decided(failed, BY_TOKEN, SOLVED, is_released=True)
    assert statuses(decision) == [Status.OPEN]
    assert letters_to(decision) == [("reopened", BILLING_TEAM)]
    fresh = decided(failed, is_released=True)
    assert letters_to(fresh) == [("new_ticket", BILLING_TEAM)], "a failed author is never answered"
    assert decided(make_mail(author=None), is_released=True).reason is Reason.HELD_NO_AUTHOR


def test_a_letter_with_our_mark_is_a_loop_and_a_notice_is_not_held_again() -> None:
    mark = (LOOP_FIELD, INSTANCE)
    assert decided(make_mail(headers=(mark, (TICKET_FIELD, "7")))).reason is Reason.HELD_LOOP
    notice = decided(make_mail(headers=(mark,)))
    assert (notice.reason, notice.is_held, notice.effects) == (Reason.NOTICE_RETURNED, False, ())


def test_spam_is_held_without_a_letter_and_its_address_is_not_answered_by_itself() -> None:
    decision = decided(make_mail(headers=MARKED), facts=OPEN, policy=FILTERED)
    assert (decision.is_held, decision.effects) == (True, (Mute(IVAN.address),))
    known = decided(make_mail(headers=MARKED), BY_TOKEN, OPEN, FILTERED)
    assert (known.is_held, known.ticket, events(known)) == (True, 7, [(7, Event.HELD)])
    assert not any(isinstance(effect, Mute) for effect in known.effects), "his ticket proves who he is"


def test_who_is_muted_gets_no_letter_and_nobody_is_told_of_a_budget() -> None:
    decision = decided(make_mail(headers=PASSED), facts=Facts(provoked=Provoked(is_muted=True)))
    assert letters_to(decision) == [("new_ticket", BILLING_TEAM)]
    assert (OPENED, Event.DROPPED) in events(decision)
    assert not any(isinstance(effect, OverBudget) for effect in decision.effects)
    late = decided(make_mail(), BY_TOKEN, Facts(tickets=CLOSED.tickets, provoked=Provoked(is_muted=True)))
    assert ("follow_up", IVAN.address) in letters_to(late), "he is confirmed"


def test_a_released_mail_was_no_spam() -> None:
    decision = decided(make_mail(headers=MARKED), policy=FILTERED, is_released=True)
    assert decision.effects[-1] == Mute(IVAN.address, is_spam=False)
    assert letters_to(decision)


def test_what_is_over_the_budget_is_dropped_with_an_event_and_a_note() -> None:
    for mail, facts, ticket in (
        (make_mail(), Facts(), OPENED),
        (make_mail(references=("q@x.example",)), Facts(tickets=CLOSED.tickets, recorded={"q@x.example": (7,)}), OPENED),
        (
            make_mail(references=("q@x.example",), reply="#continue"),
            Facts(tickets=CLOSED.tickets, recorded={"q@x.example": (7,)}),
            7,
        ),
    ):
        decision = decided(mail, facts=replace(facts, provoked=OVER_BUDGET))
        assert (ticket, Event.DROPPED) in events(decision)
        assert OverBudget("billing") in decision.effects
        assert all(to == BILLING_TEAM for _, to in letters_to(decision))


def test_words_go_back_only_to_who_is_sure_to_have_written_them() -> None:
    facts = Facts(tickets=CLOSED.tickets, recorded={"q@x.example": (7,)})
    for headers, is_sure in ((PASSED, True), ((), False)):
        decision = decided(make_mail(references=("q@x.example",), headers=headers), facts=facts)
        [told] = [one for one in decision.effects if isinstance(one, Send) and one.to.address == IVAN.address]
        assert (told.letter.value, told.has_message) == ("follow_up", is_sure)


def test_a_verified_agent_without_a_token_asks_like_anybody() -> None:
    decision = decided(agent_mail("Где мой пропуск?", in_reply_to=()), make_envelope(rcpt_tos=(TECH,)))
    assert decision.reason is Reason.NEW_QUESTION
    assert letters_to(decision) == [("new_ticket", TECH_TEAM)]
    claim = agent_mail("Ответ", in_reply_to=(), subject="[#7]", author=Mailbox("", ANNA))
    assert decided(claim, make_envelope(rcpt_tos=(BILLING,)), OPEN).reason is Reason.HELD_AGENT_UNPROVEN
