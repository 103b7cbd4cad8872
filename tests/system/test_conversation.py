"""One question's whole life with real mail programs: from the first mail to the follow-up after the close."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.servers import Clock, MaildProcess, until
from tests.smtpsink import Letter, SmtpSink
from tests.system.browser import ask, press
from tests.system.people import (
    ANNA,
    BILLING,
    BORDER,
    IVAN,
    TEAM,
    all_of,
    all_sent,
    answer_address,
    events,
    last_to,
    links_in,
    mutt,
    settled,
    swaks,
    text_of,
    ticket,
    token_addresses_in,
    trusting,
    verdict,
)

pytestmark = pytest.mark.system

NOTE = "Клиент ошибся сам, но ему об этом не говорим"
SUBJECT = "Subject: Не приходит счёт"


@dataclass(frozen=True, slots=True)
class Story:
    """A desk, its relay and a directory for the mail programs."""

    desk: MaildProcess
    sink: SmtpSink
    folder: Path

    def customer(self, words: str, answers: Letter | None = None) -> None:
        fields = [f"Authentication-Results: {verdict(IVAN)}"]
        if answers is None:
            swaks(self.desk, words, fields=[*fields, SUBJECT])
            return
        fields += [f"In-Reply-To: {answers.message['Message-ID']}", f"Subject: Re: {answers.message['Subject']}"]
        swaks(self.desk, words, to=answer_address(answers), fields=fields)

    def agent(self, words: str, answers: Letter) -> None:
        mutt(self.desk, words, answers, self.folder)

    def status(self, wanted: str, number: int = 1) -> None:
        until(lambda: ticket(self.desk, number)["status"] == wanted, f"ticket {number} is {wanted}")


def assert_customers_see_no_more_than_they_may(sink: SmtpSink) -> None:
    of_team = {address for letter in sink.to(TEAM) for address in token_addresses_in(letter)}
    assert of_team
    for letter in sink.to(IVAN):
        words = all_of(letter)
        assert letter.rcpt_tos == (IVAN,)
        assert not of_team & token_addresses_in(letter)
        assert token_addresses_in(letter) <= {answer_address(letter)}
        assert NOTE not in words
        assert ANNA not in words
        assert TEAM not in words


def is_asked(story: Story) -> Letter:
    """The customer asks; the notification to the team."""
    story.customer("Здравствуйте! Счёт за ноябрь так и не пришёл.")
    acknowledgement, notification = last_to(story.sink, IVAN, 1), last_to(story.sink, TEAM, 1)
    assert "[#1]" in acknowledgement.message["Subject"]
    assert links_in(acknowledgement) == []
    assert "Счёт за ноябрь так и не пришёл." in text_of(notification)
    assert IVAN in str(notification.message["From"])
    assert str(notification.message["From"]).endswith(f"<{answer_address(notification)}>")
    assert answer_address(notification) != BILLING
    return notification


def is_answered(story: Story, notification: Letter) -> Letter:
    """The agent answers with a file and a note for her colleagues; what the customer gets."""
    attachment = story.folder / "акт.txt"
    attachment.write_text("акт сверки")
    words = f"Добрый день!\n\nПришлите номер договора.\n\n#note {NOTE}"
    mutt(story.desk, words, notification, story.folder, attach=attachment)
    answer = last_to(story.sink, IVAN, 2)
    assert "Пришлите номер договора." in text_of(answer)
    assert "Анна Смирнова" in text_of(answer)
    assert [part.get_filename() for part in answer.message.iter_attachments()] == ["акт.txt"]
    assert str(answer.message["From"]).endswith(f"<{BILLING}>")
    assert answer.message["Auto-Submitted"] is None
    assert len(links_in(answer)) == 2
    story.status("pending")
    notes = [message for message in ticket(story.desk)["messages"] if message["kind"] == "note"]
    assert [(note["author"], note["reply"]) for note in notes] == [(ANNA, NOTE)]
    story.sink.wait(TEAM, 3)  # the copies of answer and note
    return answer


def is_solved(story: Story, notification: Letter, words: str, count: int) -> tuple[str, str]:
    """The agent solves; the two links of the customer's letter, which is his `count`th."""
    before = len(story.sink.to(TEAM))
    story.agent(f"#решено\n{words}", notification)
    solved = last_to(story.sink, IVAN, count)
    assert words in text_of(solved)
    story.sink.wait(TEAM, before + 1)
    story.status("solved")
    assert ticket(story.desk)["reopen_until"] is not None
    yes, no = links_in(solved)
    return yes, no


def test_a_question_lives_from_the_first_mail_to_the_follow_up(
    start_maild: StartMaild, sink: SmtpSink, clock: Clock, folder: Path
) -> None:
    desk = start_maild(clock=clock, **trusting())
    story = Story(desk, sink, folder)
    answer = is_answered(story, is_asked(story))

    story.customer("Договор № 77-ОП.", answer)
    reply = last_to(sink, TEAM, 4)
    assert "Договор № 77-ОП." in text_of(reply)
    story.status("open")

    _, no = is_solved(story, reply, "Готово, счёт отправлен повторно.", 3)
    assert ask("GET", no).status == 200
    story.status("solved")
    assert press(no).status == 200
    reopened = last_to(sink, TEAM, 6)
    assert events(desk)[-1] == ("reopened", "by_link")

    yes, no = is_solved(story, reopened, "Отправили на второй адрес.", 4)
    assert press(yes).status == 200
    assert ticket(desk)["confirmed_at"] is not None
    assert events(desk)[-1] == ("confirmed", "by_link")

    clock.travel("+48h")
    story.status("closed")
    assert last_to(sink, IVAN, 5).message["Auto-Submitted"] == "auto-generated"
    assert ask("GET", no).body.count("<form") == 0

    story.customer("А можно ещё и акт?", sink.to(IVAN)[3])
    follow_up = last_to(sink, IVAN, 6)
    assert "[#2]" in follow_up.message["Subject"]
    assert "№ 1" in text_of(follow_up)
    story.status("new", 2)
    assert ticket(desk, 2)["follow_up_of"] == 1
    assert ticket(desk)["status"] == "closed"
    sink.wait(TEAM, 8)

    assert_the_history_is_told(desk)
    assert_customers_see_no_more_than_they_may(sink)
    assert_threads_hang_together(sink)


def assert_the_history_is_told(desk: MaildProcess) -> None:
    assert [event for event, _ in events(desk)] == (
        "opened agent_answered note_added customer_wrote agent_answered solved reopened agent_answered solved"
        " confirmed closed follow_up"
    ).split()
    assert [(row["number"], row["status"]) for row in desk.json("ticket", "list")] == [(1, "closed"), (2, "new")]
    mails = settled(desk, 6)
    assert [mail["ticket"] for mail in mails] == [1, 1, 1, 1, 1, 2]
    assert {mail["trust"] for mail in mails} == {"verified"}
    assert {mail["state"] for mail in mails} == {"done"}
    assert [mail["from"] for mail in mails] == [IVAN, ANNA, IVAN, ANNA, ANNA, IVAN]
    letters = all_sent(desk, 14)
    assert {letter["to"] for letter in letters} == {IVAN, TEAM}
    assert len({letter["message_id"] for letter in letters}) == len(letters) == 14
    assert all(BORDER not in str(letter["subject"]) for letter in letters)


def assert_threads_hang_together(sink: SmtpSink) -> None:
    """One subject for each ticket; every letter refers to the customer's first mail and to what he was sent before."""
    opening = str(sink.to(IVAN)[0].message["References"]).split()[0]
    for address in (IVAN, TEAM):
        letters = [letter for letter in sink.to(address) if "[#1]" in letter.message["Subject"]]
        assert {str(letter.message["Subject"]) for letter in letters} == {"[#1] Не приходит счёт"}
        assert all(opening in str(letter.message["References"]).split() for letter in letters)
    mine = [letter.message for letter in sink.to(IVAN)][:5]
    for earlier, later in pairwise(mine):
        assert str(earlier["Message-ID"]) in str(later["References"]).split()
