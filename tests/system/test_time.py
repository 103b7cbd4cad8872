"""The 48 hours to the second, in the real program under libfaketime: reopening, closing, follow-ups, downtime."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import StartMaild
from tests.servers import Clock, MaildProcess, until
from tests.smtpsink import Letter, SmtpSink
from tests.system.browser import ask, press
from tests.system.load import Senders, all_work_done
from tests.system.people import (
    BORDER,
    IVAN,
    TEAM,
    all_sent,
    events,
    links_in,
    settled,
    text_of,
    ticket,
    trusting,
    write,
)

pytestmark = pytest.mark.system

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
WINDOW = timedelta(hours=48)
LIMIT = START + WINDOW
MOMENT = "%Y-%m-%d %H:%M:%S"


@pytest.fixture
def still(folder: Path) -> Clock:
    """A clock that shows START and stands still between travels: only so "exactly at the limit" can be tested."""
    stopped = Clock(folder)
    stopped.environment["TZ"] = "UTC"
    stopped.travel(START.strftime(MOMENT))
    return stopped


def go(clock: Clock, moment: datetime) -> None:
    clock.travel(moment.strftime(MOMENT))


def rfc3339(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def closing_ran(desk: MaildProcess, moment: datetime) -> bool:
    """Has the job that closes tickets run at that moment or later?"""
    health = json.loads(ask("GET", f"http://{desk.doors['ops']}/health").body)
    last_run = health["jobs"]["close"]["last_run"]
    return last_run is not None and datetime.fromisoformat(last_run.replace("Z", "+00:00")) >= moment


def travel_and_close(desk: MaildProcess, clock: Clock, moment: datetime) -> None:
    """Travel, and wait until the job has been at work there."""
    go(clock, moment)
    until(lambda: closing_ran(desk, moment), f"the job has run at {moment}")


def solve(desk: MaildProcess, *numbers: int) -> None:
    for number in numbers:
        ran = desk.cli("ticket", "solve", str(number))
        assert ran.returncode == 0, ran.stderr


def ask_questions(desk: MaildProcess, sink: SmtpSink, count: int) -> None:
    for number in range(1, count + 1):
        write(desk, "Помогите, пожалуйста.", subject=f"Вопрос {number}")
        sink.wait(IVAN, number)


def solved_letter(sink: SmtpSink, number: int) -> Letter:
    """The last letter with links about that ticket."""

    def look() -> list[Letter]:
        tag = f"[#{number}]"
        return [each for each in sink.to(IVAN) if tag in each.message["Subject"] and links_in(each)]

    return until(look, f"ticket {number} has its solved letter")[-1]


def statuses(desk: MaildProcess) -> dict[int, str]:
    return {row["number"]: row["status"] for row in desk.json("ticket", "list")}


def count(desk: MaildProcess, number: int, event: str) -> int:
    return sum(name == event for name, _ in events(desk, number))


def test_a_reply_reopens_until_the_second_before_the_limit_and_never_at_it(
    start_maild: StartMaild, sink: SmtpSink, still: Clock
) -> None:
    desk = start_maild(clock=still, **trusting())
    ask_questions(desk, sink, 4)
    solve(desk, 1, 2, 3, 4)
    letters = {number: solved_letter(sink, number) for number in (1, 2, 3, 4)}
    rows = desk.json("ticket", "list")
    assert {row["reopen_until"] for row in rows} == {rfc3339(LIMIT)}
    assert {row["status"] for row in rows} == {"solved"}

    go(still, START + timedelta(hours=1))
    assert press(links_in(letters[1])[0]).status == 200
    confirmed = ticket(desk)
    assert confirmed["confirmed_at"] == rfc3339(START + timedelta(hours=1))
    assert confirmed["reopen_until"] == rfc3339(LIMIT)

    travel_and_close(desk, still, LIMIT - timedelta(seconds=10))
    write(desk, "Снова не работает!", answers=letters[1])
    settled(desk, 5)
    assert events(desk, 1)[-1] == ("reopened", "by_mail")

    # From here on the job is not due: the deadline is judged at the event, not by what the job has written.
    go(still, LIMIT)
    write(desk, "Ровно в срок.", answers=letters[2])
    go(still, LIMIT + timedelta(seconds=10))
    write(desk, "Десять секунд спустя.", answers=letters[3])
    queued = f"from x by {BORDER} with ESMTP; {LIMIT - timedelta(seconds=5):%a, %d %b %Y %H:%M:%S} +0000"
    write(desk, "Ждало в очереди.", answers=letters[4], fields={"Received": queued})
    mails = settled(desk, 8)
    assert [mail["ticket"] for mail in mails[4:]] == [1, 5, 6, 4]
    assert [ticket(desk, number)["follow_up_of"] for number in (5, 6)] == [2, 3]
    assert events(desk, 4)[-1] == ("reopened", "by_mail")

    travel_and_close(desk, still, LIMIT + timedelta(seconds=80))
    assert statuses(desk) == {1: "open", 2: "closed", 3: "closed", 4: "open", 5: "new", 6: "new"}


@pytest.mark.soak  # tests/core has the rule
def test_solving_after_a_reopening_starts_a_round_of_its_own(
    start_maild: StartMaild, sink: SmtpSink, still: Clock
) -> None:
    desk = start_maild(clock=still, **trusting())
    ask_questions(desk, sink, 1)
    solve(desk, 1)
    assert press(links_in(solved_letter(sink, 1))[1]).status == 200
    go(still, START + timedelta(hours=30))
    solve(desk, 1)
    second = START + timedelta(hours=78)
    row = ticket(desk)
    assert (row["solved_at"], row["reopen_until"]) == (rfc3339(START + timedelta(hours=30)), rfc3339(second))
    assert row["confirmed_at"] is None
    sink.wait(IVAN, 3)
    travel_and_close(desk, still, LIMIT + timedelta(minutes=2))
    assert statuses(desk) == {1: "solved"}
    travel_and_close(desk, still, second - timedelta(seconds=1))
    assert statuses(desk) == {1: "solved"}
    travel_and_close(desk, still, second + timedelta(minutes=2))
    assert statuses(desk) == {1: "closed"}
    assert count(desk, 1, "closed") == 1


def test_what_fell_due_during_three_days_of_downtime_is_closed_once(
    start_maild: StartMaild, sink: SmtpSink, still: Clock
) -> None:
    desk = start_maild(clock=still, **trusting())
    ask_questions(desk, sink, 2)
    solve(desk, 1)
    solved_letter(sink, 1)
    go(still, START + timedelta(hours=1))
    solve(desk, 2)
    solved_letter(sink, 2)
    until(lambda: not any(row["state"] == "queued" for row in desk.json("outbox", "list")), "all letters are sent")
    assert desk.stop() == 0
    go(still, LIMIT + timedelta(days=3))
    desk.start()
    sink.wait(IVAN, 6)
    assert statuses(desk) == {1: "closed", 2: "closed"}
    travel_and_close(desk, still, LIMIT + timedelta(days=3, minutes=5))
    assert desk.stop() == 0
    desk.start()
    until(lambda: closing_ran(desk, LIMIT), "the job has run")
    assert [count(desk, number, "closed") for number in (1, 2)] == [1, 1]
    closing = [event for number in (1, 2) for event in ticket(desk, number)["events"] if event["event"] == "closed"]
    assert {(event["who"], event["reason"]) for event in closing} == {("maild", "by_job")}
    assert len(sink.to(IVAN)) == 6


def test_a_clock_that_was_set_back_closes_nothing_and_loses_nothing(
    start_maild: StartMaild, sink: SmtpSink, still: Clock
) -> None:
    desk = start_maild(clock=still, **trusting())
    ask_questions(desk, sink, 1)
    solve(desk, 1)
    letter = solved_letter(sink, 1)
    back = START - timedelta(hours=10)
    go(still, back)
    write(desk, "Ещё вопрос.", subject="Вопрос 2")
    sink.wait(IVAN, 3)
    write(desk, "Не помогло!", answers=letter)
    settled(desk, 3)
    assert statuses(desk) == {1: "open", 2: "new"}
    all_sent(desk, 6)
    go(still, START + timedelta(minutes=5))
    solve(desk, 1)
    assert ticket(desk)["reopen_until"] == rfc3339(LIMIT + timedelta(minutes=5))
    assert count(desk, 1, "closed") == 0


def test_a_ticket_is_left_alone_until_its_customer_has_been_told(
    start_maild: StartMaild, sink: SmtpSink, still: Clock
) -> None:
    desk = start_maild(clock=still, **trusting())
    ask_questions(desk, sink, 1)
    all_sent(desk, 2)
    sink.stop()
    solve(desk, 1)
    travel_and_close(desk, still, LIMIT + timedelta(minutes=2))
    assert statuses(desk) == {1: "solved"}
    sink.start()
    go(still, LIMIT + timedelta(minutes=4))  # a clock that stands still would put the next attempt off for ever
    solved_letter(sink, 1)
    until(lambda: not desk.json("outbox", "list", "--state", "queued"), "the solved letter is sent")
    travel_and_close(desk, still, LIMIT + timedelta(minutes=6))
    assert statuses(desk) == {1: "closed"}


def test_time_alone_reminds_wakes_solves_and_closes(start_maild: StartMaild, sink: SmtpSink, still: Clock) -> None:
    desk = start_maild(clock=still, **trusting())
    ask_questions(desk, sink, 3)
    solve(desk, 1)
    for order in (("reply", "2", "--text", "Вот ваш счёт."), ("snooze", "3", "2d")):
        ran = desk.cli("ticket", *order)
        assert ran.returncode == 0, ran.stderr
    solved_letter(sink, 1)
    sink.wait(IVAN, 5)

    travel_and_close(desk, still, LIMIT - timedelta(hours=6, minutes=2))
    assert count(desk, 1, "reminded") == 0
    travel_and_close(desk, still, LIMIT - timedelta(hours=6))
    reminder = sink.wait(IVAN, 6)[-1]
    assert "до среды, 25 ноября 2026 г., 15:00" in text_of(reminder).replace("\N{NO-BREAK SPACE}", " ")
    assert len(links_in(reminder)) == 2
    assert events(desk, 1)[-1][0] == "reminded"

    travel_and_close(desk, still, LIMIT)
    until(lambda: statuses(desk)[1] == "closed", "ticket 1 is closed")
    until(lambda: [each for each in sink.to(TEAM) if "снова ждёт вас" in text_of(each)], "support is woken")
    assert statuses(desk)[2] == "pending"

    week = START + timedelta(days=7)
    travel_and_close(desk, still, week)
    until(lambda: statuses(desk)[2] == "solved", "silence solves")
    until(lambda: "новых вопросов с тех пор не было" in text_of(solved_letter(sink, 2)), "the customer is told")
    assert ticket(desk, 2)["reopen_until"] == rfc3339(week + WINDOW)
    until(lambda: not desk.json("outbox", "list", "--state", "queued"), "all letters are sent")
    travel_and_close(desk, still, week + WINDOW)
    until(lambda: statuses(desk)[2] == "closed", "ticket 2 is closed")
    assert count(desk, 2, "closed") == count(desk, 1, "reminded") == 1


@pytest.mark.parametrize(
    "offsets", [("+5h", "+0"), pytest.param(("+5h", "-7h", "+9h", "-3h", "+11h", "+0"), marks=pytest.mark.soak)]
)
def test_a_clock_that_jumps_for_hours_under_load_closes_nothing_early_and_stalls_nothing(
    start_maild: StartMaild, sink: SmtpSink, clock: Clock, offsets: tuple[str, ...]
) -> None:
    desk = start_maild(clock=clock, **trusting())
    ask_questions(desk, sink, 1)
    solve(desk, 1)
    solved_letter(sink, 1)
    all_sent(desk, 3)
    with Senders(desk, clients=2) as senders:
        for offset in offsets:
            sink.answer("rcpt", "450 4.2.1 later", times=3)
            sink.slow("dot", 0.3, times=2)  # letters are under way while the clock jumps
            senders.wait(4)
            clock.travel(offset)
        senders.wait(4)
    sink.forget()
    clock.travel("+0")
    until(lambda: all_jobs_ran_lately(desk), "no job waits for the time it was before")
    assert statuses(desk)[1] == "solved"
    # Whatever has failed once or twice is due within two minutes: not in the hours by which the clock was ahead.
    for minutes in (3, 6, 10):
        clock.travel(f"+{minutes}m")
        until(lambda: nothing_due(desk), "what is due has been sent")
    all_work_done(desk)
    letters = desk.json("outbox", "list")
    assert {letter["state"] for letter in letters} == {"sent"}
    assert max(letter["attempts"] for letter in letters) <= 8, "no storm"
    sent = Counter(letter.message["Message-ID"] for letter in sink.letters)
    assert set(sent.values()) == {1}
    mails = desk.json("mail", "list")
    assert senders.taken.keys() <= {mail["message_id"] for mail in mails}
    assert len({mail["ticket"] for mail in mails}) == len(mails) == len(desk.json("ticket", "list"))


def all_jobs_ran_lately(desk: MaildProcess) -> bool:
    health = json.loads(ask("GET", f"http://{desk.doors['ops']}/health").body)
    runs = [datetime.fromisoformat(job["last_run"].replace("Z", "+00:00")) for job in health["jobs"].values()]
    return all(abs(datetime.now(UTC) - run) < timedelta(minutes=2) for run in runs)


def nothing_due(desk: MaildProcess) -> bool:
    """Is no letter queued but those whose next attempt lies ahead of the desk's own clock (10 min at most)?"""
    soon = datetime.now(UTC) + timedelta(minutes=2)
    queued = desk.json("outbox", "list", "--state", "queued")
    return not any(datetime.fromisoformat(each["next_attempt_at"].replace("Z", "+00:00")) <= soon for each in queued)
