"""People who are not who they say they are, and mail that is set aside for a person."""

from typing import Any

import pytest

from tests.conftest import StartMaild
from tests.servers import MaildProcess, until
from tests.smtpsink import Letter, SmtpSink
from tests.system.people import (
    AGENT,
    ANNA,
    BILLING,
    BORDER,
    CATEGORIES,
    IVAN,
    TEAM,
    all_of,
    all_sent,
    answer_address,
    events,
    settled,
    submit,
    text_of,
    ticket,
    trusting,
    verdict,
    write,
)

pytestmark = pytest.mark.system

SECRET_WORDS = "Слова, которых клиент видеть не должен"


def question(desk: MaildProcess, sink: SmtpSink) -> Letter:
    """A ticket of Ivan's; the notification to the team."""
    write(desk, "Счёт не пришёл.")
    sink.wait(IVAN)
    return sink.wait(TEAM)[0]


def assert_held_and_silent(desk: MaildProcess, sink: SmtpSink, count: int, reason: str) -> dict[str, Any]:
    """The last mail is held for that reason, and nobody outside got anything because of it; the mail."""
    held = settled(desk, count)[-1]
    assert (held["state"], held["reason"]) == ("held", reason)
    assert [row["id"] for row in desk.json("hold", "list")] == [held["id"]]
    assert desk.json("hold", "list")[0]["hold_reason"] == reason
    assert len(ticket(desk)["messages"]) == 1
    assert ticket(desk)["status"] == "new"
    assert len(sink.to(IVAN)) == 1
    return held


@pytest.mark.parametrize("result", ["", "none"])
def test_an_agent_that_nobody_vouches_for_is_held(start_maild: StartMaild, sink: SmtpSink, result: str) -> None:
    desk = start_maild(**trusting())
    notification = question(desk, sink)
    write(desk, SECRET_WORDS, sender=ANNA, answers=notification, result=result)
    held = assert_held_and_silent(desk, sink, 2, "claims to be an agent, not verified")
    assert (held["trust"], held["from"]) == ("unverified", ANNA)
    assert not any(SECRET_WORDS in all_of(letter) for letter in sink.to(IVAN))


def test_a_verdict_below_the_border_hosts_received_field_is_forged(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    notification = question(desk, sink)
    message_id = notification.message["Message-ID"]
    raw = (
        f"Received: from evil.example (evil.example [192.0.2.1]) by {BORDER} with ESMTP id 1\r\n"
        f"Authentication-Results: {verdict(ANNA)}\r\nReceived: from a by b\r\n"
        f"From: {ANNA}\r\nTo: {answer_address(notification)}\r\nSubject: Re\r\nIn-Reply-To: {message_id}\r\n"
        f"Message-ID: <forged@evil.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{SECRET_WORDS}\r\n"
    )
    submit(desk, raw.encode(), "evil@evil.example", answer_address(notification))
    held = assert_held_and_silent(desk, sink, 2, "claims to be an agent, not verified")
    assert held["trust"] == "unverified"


def test_no_claim_to_be_an_agent_gets_through_the_door(start_maild: StartMaild, sink: SmtpSink) -> None:
    """Some of the forms of tests/core/test_impostors.py as real mail, at once; then the agent herself."""
    desk = start_maild(**trusting())
    notification = question(desk, sink)
    evil, message_id = "mallory@evil.example", notification.message["Message-ID"]
    claims = [
        f"From: {ANNA}",
        f"Authentication-Results: {BORDER}; none (dmarc=pass header.from=office.example)\r\nFrom: {ANNA}",
        f"Authentication-Results: evil.{BORDER}; dmarc=pass header.from=office.example\r\nFrom: {ANNA}",
        f"Authentication-Results: {BORDER}; spf=pass smtp.mailfrom==?us-ascii?q?x=3B_dmarc=3Dpass_header.from=3D"
        f"office.example=3B?=@evil.example\r\nFrom: {ANNA}",
        f"Authentication-Results: {verdict(evil)}\r\nFrom: {ANNA} <{evil}>",
        f"Authentication-Results: {verdict(evil)}\r\nFrom: {evil}\r\nFrom: {ANNA}",
        f"Authentication-Results: {verdict(evil)}\r\nFrom: {evil}\r\nSender: {ANNA}\r\nReply-To: {ANNA}",
    ]
    for number, claim in enumerate(claims):
        raw = (
            f"{claim}\r\nTo: {answer_address(notification)}\r\nSubject: Re: [#1]\r\nIn-Reply-To: {message_id}\r\n"
            f"Message-ID: <{number}@evil.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{SECRET_WORDS}\r\n"
        )
        submit(desk, raw.encode(), evil, answer_address(notification))
    settled(desk, len(claims) + 1)
    assert len(ticket(desk)["messages"]) == 1
    assert ticket(desk)["status"] == "new"
    write(desk, "Вот счёт.", sender=ANNA, answers=notification)
    answer = sink.wait(IVAN, 2)[-1]
    assert "Вот счёт." in text_of(answer)
    assert not any(SECRET_WORDS in all_of(letter) for letter in sink.to(IVAN))


def test_a_verdict_from_a_peer_that_is_not_trusted_means_nothing(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(rest=f'[trust]\nauthserv_id = "{BORDER}"\n{AGENT}{CATEGORIES}')
    notification = question(desk, sink)
    assert settled(desk, 1)[0]["trust"] == "unverified"
    write(desk, SECRET_WORDS, sender=ANNA, answers=notification)
    assert_held_and_silent(desk, sink, 2, "claims to be an agent, not verified")


def test_a_sender_that_failed_is_held_without_any_letter(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    question(desk, sink)
    write(desk, "Я не я", subject="Re: [#1] Не приходит счёт", result="fail")
    held = assert_held_and_silent(desk, sink, 2, "sender failed authentication")
    assert held["trust"] == "failed"


def test_a_stranger_with_the_number_gets_a_ticket_of_his_own(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    notification = question(desk, sink)
    mallory = "mallory@elsewhere.example"
    write(desk, "Покажите переписку", sender=mallory, subject="Re: [#1] Не приходит счёт")
    write(desk, "И ещё раз, по чужой ссылке", sender=mallory, answers=notification)
    assert [mail["ticket"] for mail in settled(desk, 3)] == [1, 2, 3]
    assert ("claims_ticket", "#1") in events(desk, 2)
    assert ("claims_ticket", "#1") in events(desk, 3)
    letters = sink.wait(mallory, 2)
    assert not any("Счёт не пришёл." in all_of(letter) or IVAN in all_of(letter) for letter in letters)
    assert len(sink.to(IVAN)) == 1
    assert len(ticket(desk)["messages"]) == 1


def test_held_mail_is_released_with_a_customers_rights_only(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    notification = question(desk, sink)
    write(desk, "Это правда я", result="fail", subject="Ещё один вопрос")
    write(desk, SECRET_WORDS, sender=ANNA, answers=notification, result="")
    write(desk, "Купите слона", sender="spam@elsewhere.example", result="fail", subject="Слон")
    failed, agent, spam = (mail["id"] for mail in settled(desk, 4)[1:])

    released = desk.cli("hold", "release", str(failed))
    assert released.returncode == 0, released.stderr
    until(lambda: len(desk.json("ticket", "list")) == 2, "the released mail opened a ticket")
    opened = ticket(desk, 2)
    assert (opened["customer"], opened["subject"]) == (IVAN, "Ещё один вопрос")
    sink.wait(TEAM, 2)

    refused = desk.cli("hold", "release", str(agent))
    assert refused.returncode == 77, refused.stdout + refused.stderr
    assert desk.cli("hold", "drop", str(agent)).returncode == 0
    assert desk.cli("hold", "drop", str(spam)).returncode == 0
    assert desk.cli("hold", "drop", str(spam)).returncode == 77
    assert desk.cli("hold", "release", "4711").returncode not in (0, 70)
    assert desk.json("hold", "list") == []
    dropped = {mail["id"]: mail for mail in desk.json("mail", "list")}[spam]
    assert dropped["state"] == "done"
    assert "dropped by cli:" in dropped["reason"]
    assert len(desk.json("ticket", "list")) == 2
    assert desk.cli("mail", "raw", str(spam)).stdout.count("elsewhere.example") > 0  # nothing is thrown away
    assert not any(SECRET_WORDS in all_of(letter) for letter in sink.to(IVAN))


def test_what_an_agent_mistyped_is_not_relayed(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    notification = question(desk, sink)
    write(desk, f"#решенно\n{SECRET_WORDS}", sender=ANNA, answers=notification)
    assert_held_and_silent(desk, sink, 2, "command not understood")


def test_open_trust_says_so_and_gives_strangers_few_words(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(rest=CATEGORIES)
    write(desk, "Продам гараж. http://spam.example/", subject="Гараж http://spam.example/")
    acknowledgement, notification = sink.wait(IVAN)[0], sink.wait(TEAM)[0]
    assert "spam.example" not in all_of(acknowledgement)
    assert answer_address(acknowledgement) == BILLING
    assert "не проверя" in text_of(notification).splitlines()[0]
    for _ in range(4):
        write(desk, "И ещё", subject="Гараж")
    settled(desk, 5)
    all_sent(desk, 9)
    assert len(sink.to(TEAM)) == 6, "five notifications and one note that answers are limited"
    assert len(sink.to(IVAN)) == 3  # as many as an unconfirmed author can call forth in an hour
    assert ("dropped", "acknowledgement: over the budget") in events(desk, 5)
