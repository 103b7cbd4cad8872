"""The outbox and a relay with moods: every letter arrives once its time has come, and nobody waits for another."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from maild.core.letter import Letter
from maild.mailout.relay import transport_for
from maild.mailout.sender import RelayState, run_sender
from maild.store import outbox
from maild.store.db import Tx
from tests.factory import make_desk
from tests.mailout.rig import Rig, sending
from tests.servers import until
from tests.smtpsink import HANG_UP, SmtpSink

IVAN = "ivan@customer.example"
TEAM = "billing-team@office.example"
MINUTE = timedelta(seconds=61)


def play(folder: Path, story: Callable[[Rig], Coroutine[Any, Any, None]]) -> None:
    """Tell a story about a fresh desk."""
    with make_desk(folder) as desk:
        asyncio.run(story(Rig(desk)))


@asynccontextmanager
async def at_work(rig: Rig, sink: SmtpSink, workers: int = 4) -> AsyncIterator[asyncio.Task[None]]:
    """A sender whose relay is the sink."""
    async with sending(rig, transport_for(sink.url, hostname="desk.example"), workers) as task:
        yield task


def customers(count: int) -> list[str]:
    return [f"customer{number}@customer.example" for number in range(count)]


def test_a_letter_goes_out_with_a_bounce_address_and_its_reply_is_kept(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        await rig.queue(IVAN)
        async with at_work(rig, sink):
            await rig.until_state("sent")
        row = (await rig.rows())[IVAN]
        (letter,) = sink.to(IVAN)
        assert (row.attempts, row.last_reply) == (1, "250 2.0.0 taken")
        assert letter.mail_from.startswith(f"billing+b{row.id}.")
        assert letter.message["Message-ID"] == f"<{row.message_id}>"
        assert letter.message["To"] == IVAN

    play(tmp_path, story)


def test_fifty_letters_need_no_more_connections_than_workers(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        async with at_work(rig, sink):
            for address in customers(50):
                await rig.queue(address)
            await rig.until_state("sent")

    play(tmp_path, story)
    assert len(sink.letters) == 50
    assert {letter.rcpt_tos for letter in sink.letters} == {(address,) for address in customers(50)}
    assert 1 <= sink.connections <= 4


def test_a_4yz_at_rcpt_is_tried_again_after_a_minute(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        sink.answer("rcpt", "450 4.2.0 greylisted", times=1)
        await rig.queue(IVAN)
        async with at_work(rig, sink):
            await rig.until(lambda rows: rows[IVAN].attempts == 1)
            row = (await rig.rows())[IVAN]
            assert (row.state, row.last_reply) == ("queued", "450 4.2.0 greylisted")
            assert row.next_attempt_at is not None
            wait = row.next_attempt_at - rig.desk.now()
            assert timedelta(seconds=45) < wait <= timedelta(seconds=60)
            assert sink.letters == []
            rig.later(MINUTE)
            await rig.until_state("sent")
        assert (await rig.rows())[IVAN].attempts == 2

    play(tmp_path, story)


def test_a_5yz_at_rcpt_is_given_up_and_the_team_is_told(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        sink.answer("rcpt", "550 5.1.1 no such mailbox", to=IVAN)
        await rig.queue(IVAN)
        async with at_work(rig, sink):
            await rig.until(lambda rows: TEAM in rows and rows[TEAM].state == "sent")
        row = (await rig.rows())[IVAN]
        assert (row.state, row.attempts, row.last_reply) == ("failed", 1, "550 5.1.1 no such mailbox")
        events = await rig.desk.store.read(lambda tx: tx.all("SELECT event, reason FROM events"))
        assert ("delivery_failed", "550 5.1.1 no such mailbox") in events

    play(tmp_path, story)
    (notice,) = sink.to(TEAM)
    body = notice.message.get_body(("plain",))
    assert body is not None
    assert "550 5.1.1 no such mailbox" in body.get_content()


def test_after_five_days_of_4yz_a_letter_is_given_up(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        sink.answer("rcpt", "450 4.2.2 mailbox full", to=IVAN)
        await rig.queue(IVAN)
        async with at_work(rig, sink):
            await rig.until(lambda rows: rows[IVAN].attempts == 1)
            rig.later(timedelta(days=4, hours=23))
            await rig.until(lambda rows: rows[IVAN].attempts == 2)
            assert (await rig.rows())[IVAN].state == "queued"
            rig.later(timedelta(hours=2))
            await rig.until(lambda rows: rows[IVAN].state == "failed")
            await rig.until(lambda rows: TEAM in rows and rows[TEAM].state == "sent")

    play(tmp_path, story)


def test_a_letter_whose_reply_got_lost_comes_again_with_the_same_bytes(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        sink.answer("dot", HANG_UP, times=1)
        await rig.queue(IVAN)
        async with at_work(rig, sink):
            await rig.until(lambda rows: rows[IVAN].attempts == 1)
            assert (await rig.rows())[IVAN].state == "queued"
            rig.later(MINUTE)
            await rig.until_state("sent")

    play(tmp_path, story)
    first, second = sink.to(IVAN)
    assert first == second
    assert first.message["Message-ID"]


def test_a_421_in_the_middle_costs_one_letter_a_minute_and_no_other_anything(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        sink.answer("rcpt", "421 4.3.2 shutting down", to=IVAN, times=1)
        await rig.queue(*customers(3), IVAN, "last@customer.example")
        async with at_work(rig, sink, workers=1):
            await rig.until(lambda rows: sum(row.state == "sent" for row in rows.values()) == 4)
            row = (await rig.rows())[IVAN]
            assert (row.state, row.last_reply) == ("queued", "421 4.3.2 shutting down")
            rig.later(MINUTE)
            await rig.until_state("sent")

    play(tmp_path, story)
    assert len(sink.letters) == 5


def test_slow_recipients_hold_nobody_but_their_own_worker(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        slow = ["slow1@customer.example", "slow2@customer.example", "slow3@customer.example"]
        for address in slow:
            sink.answer("rcpt", "250 2.1.5 at last", to=address, seconds=600)
        await rig.queue(*slow, *customers(10))
        async with at_work(rig, sink):
            await rig.until(lambda rows: all(rows[address].state == "sent" for address in customers(10)))
            assert {(await rig.rows())[address].state for address in slow} == {"queued"}
            sink.hurry()
            await rig.until_state("sent")

    play(tmp_path, story)


def test_a_tarpit_holds_up_none_but_those_who_fell_into_it(
    tmp_path: Path, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(rig: Rig) -> None:
        stuck = [f"stuck{number}@customer.example" for number in range(6)]
        for address in stuck:
            sink.answer("rcpt", "250 2.1.5 at last", to=address, seconds=600)
        await rig.queue(*stuck, *customers(10))
        async with at_work(rig, sink, workers=2):
            await rig.until(lambda rows: all(rows[address].state == "sent" for address in customers(10)))
            assert {(await rig.rows())[address].state for address in stuck} == {"queued"}
            sink.hurry()
            await rig.until_state("sent")

    monkeypatch.setattr("maild.mailout.sender._SLOW", 1.0)
    play(tmp_path, story)
    assert sink.connections <= 8 + 4, "eight at once; a worker without a letter may have hung up in between"


def test_a_relay_that_is_slow_with_everything_gets_no_endless_number_of_connections(
    tmp_path: Path, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(rig: Rig) -> None:
        sink.slow("rcpt", 0.8)
        await rig.queue(*customers(12))
        async with at_work(rig, sink, workers=2):
            await rig.until_state("sent")

    monkeypatch.setattr("maild.mailout.sender._SLOW", 0.1)
    monkeypatch.setattr("maild.mailout.sender._POLL", 0.1)
    monkeypatch.setattr("maild.mailout.sender._MAX_SLOW", 3)
    play(tmp_path, story)
    assert 3 <= sink.connections <= 5 * 3, "five at once; a worker without a letter may have hung up in between"


def test_a_letter_with_a_deadline_that_nobody_saw_in_time_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maild.mailout.breaker._SHORTEST", 0.2)

    async def story(rig: Rig) -> None:
        sink = SmtpSink()
        sink.start()
        sink.stop()
        await rig.queue_round(IVAN)
        async with at_work(rig, sink):
            await rig.until(lambda rows: rows[IVAN].attempts > 0)
            first = (await rig.rows())[IVAN].message_id
            rig.later(timedelta(hours=49))
            await asyncio.to_thread(sink.start)
            await rig.until_state("sent")
        (letter,) = sink.to(IVAN)
        assert letter.message["Message-ID"] == f"<{first}>"
        body = letter.message.get_body(("plain",))
        assert body is not None
        assert "срок уже прошёл" in body.get_content()
        sink.stop()

    play(tmp_path, story)


def test_a_reminder_of_a_deadline_that_has_passed_is_not_sent(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        await rig.queue_round(IVAN, Letter.REMINDER)
        rig.later(timedelta(hours=49))
        async with at_work(rig, sink):
            await rig.until_state("failed")
        assert (await rig.rows())[IVAN].last_reply == "not sent: the deadline it reminds of has passed"

    play(tmp_path, story)
    assert sink.letters == []


def test_a_letter_with_a_deadline_that_the_relay_has_seen_stays_as_it_is(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        sink.answer("dot", HANG_UP, times=1)
        await rig.queue_round(IVAN)
        async with at_work(rig, sink):
            await rig.until(lambda rows: rows[IVAN].attempts == 1)
            rig.later(timedelta(hours=49))
            await rig.until_state("sent")

    play(tmp_path, story)
    first, second = sink.to(IVAN)
    assert first == second


def test_a_letter_too_large_for_the_relay_is_written_anew_when_a_person_tries_it_again(
    tmp_path: Path, sink: SmtpSink
) -> None:
    async def story(rig: Rig) -> None:
        sink.answer("ehlo", "250-sink.example\r\n250 SIZE 10", times=1)
        await rig.queue(IVAN)
        async with at_work(rig, sink, workers=1):
            await rig.until(lambda rows: rows[IVAN].state == "failed")
            row = (await rig.rows())[IVAN]
            assert "set outbound.max_size" in str(row.last_reply)
            kept = await rig.desk.store.read(lambda tx: tx.one("SELECT frozen FROM outbox WHERE id = ?", row.id))
            assert kept == (None,)

    play(tmp_path, story)


def test_the_state_of_the_relay_can_be_watched(tmp_path: Path, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maild.mailout.breaker._SHORTEST", 0.2)

    async def story(rig: Rig) -> None:
        state, stop = RelayState(), asyncio.Event()
        sink.answer("ehlo", "421 4.3.2 not now")
        await rig.queue(IVAN)
        sender = asyncio.create_task(run_sender(rig.desk, transport_for(sink.url), stop=stop, state=state))
        await asyncio.to_thread(until, lambda: state.trouble == "421 4.3.2 not now", "trouble")
        sink.forget()
        await rig.until_state("sent")
        await asyncio.to_thread(until, lambda: state.trouble == "", "no trouble any more")
        stop.set()
        await sender

    play(tmp_path, story)


def test_a_relay_that_is_down_burns_few_attempts_and_gets_everything_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(rig: Rig) -> None:
        sink = SmtpSink()
        sink.start()
        sink.stop()
        await rig.queue(*customers(20))
        async with at_work(rig, sink):
            await rig.until(lambda rows: any(row.attempts for row in rows.values()))
            await asyncio.to_thread(sink.start)
            await rig.until_state("sent")
        assert sum(row.attempts for row in (await rig.rows()).values()) <= 24, "at most what the workers had in hand"
        assert len(sink.letters) == 20
        sink.stop()

    with caplog.at_level(logging.INFO, "maild.mailout"):
        play(tmp_path, story)
    told = [record.message for record in caplog.records if record.message.startswith("the relay")]
    assert len(told) == 2
    assert told[0].startswith("the relay is asked again in 5 s: ")
    assert told[1] == "the relay answers again"


def test_a_letter_that_cannot_be_written_stops_no_other(
    tmp_path: Path, sink: SmtpSink, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(tx: Tx) -> None:
        tx.run("UPDATE outbox SET letter = 'no such letter' WHERE to_address = ?", IVAN)

    async def story(rig: Rig) -> None:
        await rig.queue(IVAN, *customers(10), rings=False)
        await rig.desk.store.run(spoil)
        async with at_work(rig, sink, workers=1):
            await rig.until(lambda rows: sum(row.state == "sent" for row in rows.values()) == 10)
        row = (await rig.rows())[IVAN]
        assert (row.state, row.attempts, row.last_reply) == ("queued", 1, "internal error")
        assert row.next_attempt_at is not None
        assert row.next_attempt_at > rig.desk.now() + timedelta(seconds=30)

    play(tmp_path, story)
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.exc_info is not None


def test_a_new_letter_is_sent_at_once(tmp_path: Path, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bell calls, not the next look round."""
    monkeypatch.setattr("maild.mailout.sender._POLL", 600.0)

    async def story(rig: Rig) -> None:
        async with at_work(rig, sink):
            for number in range(1, 8):
                await rig.queue(f"customer{number}@customer.example")
                await rig.until_state("sent")
        assert len(sink.letters) == 7

    play(tmp_path, story)


def test_letters_of_another_process_are_found_without_a_bell(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        async with at_work(rig, sink):
            await rig.queue(IVAN)
            await rig.until_state("sent")
            await rig.queue("other@customer.example", rings=False)
            await rig.until_state("sent")

    play(tmp_path, story)


def test_a_letter_in_hand_is_finished_before_the_end(tmp_path: Path, sink: SmtpSink) -> None:
    async def story(rig: Rig) -> None:
        sink.slow("dot", 1)
        await rig.queue(IVAN)
        async with at_work(rig, sink):
            await asyncio.to_thread(until, lambda: sink.connections, "a connection")
        assert (await rig.rows())[IVAN].state == "sent"

    play(tmp_path, story)


def test_the_end_does_not_wait_for_a_stuck_relay_and_the_next_start_sends_the_letter(
    tmp_path: Path, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maild.mailout.sender._STOP", 0.5)

    async def story(rig: Rig) -> None:
        sink.slow("rcpt", 600, times=1)
        await rig.queue(IVAN)
        async with at_work(rig, sink):
            await asyncio.to_thread(until, lambda: sink.connections, "a connection")
            stopped = time.monotonic()
        assert time.monotonic() - stopped < 60
        row = (await rig.rows())[IVAN]
        assert (row.state, row.attempts) == ("queued", 0)
        await rig.desk.store.run(outbox.release_leases)
        async with at_work(rig, sink):
            await rig.until_state("sent")

    play(tmp_path, story)
    assert len(sink.letters) == 1


def test_a_database_that_is_busy_is_waited_for(
    tmp_path: Path, sink: SmtpSink, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(rig: Rig) -> None:
        await rig.queue(IVAN, rings=False)
        hog = sqlite3.connect(tmp_path / "maild.db", isolation_level=None)
        hog.execute("BEGIN IMMEDIATE")
        async with at_work(rig, sink):
            await asyncio.to_thread(until, lambda: "letters cannot be claimed" in caplog.text, "a busy database")
            hog.execute("ROLLBACK")
            hog.close()
            await rig.until_state("sent")

    play(tmp_path, story)


def test_each_attempt_is_one_line_without_addresses_or_subjects(
    tmp_path: Path, sink: SmtpSink, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(rig: Rig) -> None:
        sink.answer("rcpt", f"550 5.1.1 <{IVAN}> unknown", to=IVAN)
        sink.answer("rcpt", "450 4.2.0 later", to="full@customer.example")
        await rig.queue(IVAN, "full@customer.example", "fine@customer.example")
        async with at_work(rig, sink):
            await rig.until(lambda rows: TEAM in rows and rows[TEAM].state == "sent")

    with caplog.at_level(logging.INFO, "maild.mailout"):
        play(tmp_path, story)
    lines = sorted(record.message for record in caplog.records if record.name.startswith("maild.mailout"))
    assert lines == [
        "letter 1: given up 550",
        "letter 2: postponed 450",
        "letter 3: delivered 250",
        "letter 4: delivered 250",
    ]


def test_a_desk_on_trial_sends_into_a_maildir(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.queue(IVAN)
        async with sending(rig, transport_for(f"maildir:{tmp_path}/out")):
            await rig.until_state("sent")
        (file,) = (tmp_path / "out/new").iterdir()
        letter = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert letter["Delivered-To"] == IVAN
        assert letter["Message-ID"] == f"<{(await rig.rows())[IVAN].message_id}>"

    play(tmp_path, story)
