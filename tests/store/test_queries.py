"""What desks ask about a ticket: the same answers from both databases."""

from dataclasses import replace
from datetime import timedelta

from maild.core.effects import Event, Record, Role, Way
from maild.core.facts import Approval
from maild.core.letter import Letter
from maild.core.mail import Attachment
from maild.core.tokens import HeldAction
from maild.store import answers, approvals, counts, deliveries, lists, nonces, outbox, threads, tickets
from maild.store.db import Store
from tests.store.rows import add_letter, message, new_ticket, put, settle
from tests.values import ANNA, IVAN, NOW, OLGA

TICK = timedelta(microseconds=1)
LOGO = Attachment("logo.png", "image/png", 5, "0" * 64, True, "logo@x", 2)


def say(store: Store, ticket: int, words: str, mail: int | None = None, **changes: object) -> int:
    return store.run_now(tickets.add_message, ticket, message(reply=words, **changes), mail)


def test_words_are_found_again_in_the_ticket_or_its_follow_up_and_only_their_authors(store: Store) -> None:
    number, other = new_ticket(store), new_ticket(store)
    say(store, number, "Где счёт?")
    say(store, other, "Другое")
    assert store.read_now(tickets.said_before, number, IVAN.address, "Где счёт?") == number
    for person, words in ((OLGA.address, "Где счёт?"), (IVAN.address, "Где"), (IVAN.address, "Другое")):
        assert store.read_now(tickets.said_before, number, person, words) == 0
    store.run_now(lambda tx: tx.run("UPDATE tickets SET follow_up_of = ? WHERE number = ?", number, other))
    assert store.read_now(tickets.said_before, number, IVAN.address, "Другое") == other


def test_the_history_knows_what_it_told_and_since_when(store: Store) -> None:
    number = new_ticket(store)
    entry = Record(number, Event.DELIVERY_FAILED, IVAN.address, "smtp", "not tried")
    store.run_now(tickets.record, number, entry, "not tried", NOW)
    assert store.read_now(tickets.is_recorded, number, entry, NOW)
    assert not store.read_now(tickets.is_recorded, number, entry, NOW + TICK)
    for other in (replace(entry, who=OLGA.address), replace(entry, reason=Way.MAIL), replace(entry, event=Event.HELD)):
        assert not store.read_now(tickets.is_recorded, number, other, NOW)
    assert not store.read_now(tickets.is_recorded, number + 1, entry, NOW)


def test_a_card_and_the_pictures_of_a_ticket_come_back(store: Store) -> None:
    number = new_ticket(store)
    store.run_now(tickets.set_fields, number, {"contract": "№ 77-ОП"})
    row = store.read_now(lists.ticket_row, number)
    assert row is not None
    assert row.fields == {"contract": "№ 77-ОП"}
    assert store.read_now(lists.ticket_row, number + 1) is None
    mail, _ = put(store)
    said = say(store, number, "С логотипом", mail, attachments=(LOGO, replace(LOGO, sha256="1" * 64, inline=False)))
    assert store.read_now(tickets.pictures_in, number) == {LOGO.sha256}
    found = store.read_now(threads.file_of, said, LOGO.part)
    assert found is not None
    assert (found.ticket, found.mail, found.attachment.name) == (number, mail, "logo.png")
    assert store.read_now(threads.file_of, said, 9) is None
    assert [one.reply for one in store.read_now(lists.messages_of, number)] == ["С логотипом"]


def test_the_last_answer_goes_by_all_its_names(store: Store) -> None:
    number = new_ticket(store)
    assert store.read_now(answers.last_answer, number) is None
    say(store, number, "Где?")
    answer = say(store, number, "Вот.", author=replace(IVAN, address=ANNA), role=Role.AGENT, message_id="a@office")
    say(store, number, "Не забыть", author=replace(IVAN, address=ANNA), role=Role.AGENT, is_note=True)
    letter = add_letter(store, number, message_id="l@desk")
    store.run_now(lambda tx: tx.run("UPDATE outbox SET message = ? WHERE id = ?", answer, letter))
    found = store.read_now(answers.last_answer, number)
    assert found is not None
    assert (found.message, found.author, found.names) == (answer, ANNA, frozenset({"a@office", "l@desk"}))
    assert store.read_now(answers.replied_to, ["l@desk", "unknown@desk"]) == answer
    assert store.read_now(answers.replied_to, ["unknown@desk"]) == 0
    assert not store.read_now(answers.is_said, "a@office", is_sent=True)


def test_the_newest_answer_to_each_person_is_told(store: Store) -> None:
    number = new_ticket(store)
    add_letter(store, number)
    newest = [add_letter(store, number), add_letter(store, number, to=OLGA.address, letter=Letter.SOLVED)]
    last = add_letter(store, number, letter=Letter.NEW_MESSAGE)
    assert [one.id for one in store.read_now(deliveries.last_answers, number, last)] == newest
    assert [one.id for one in store.read_now(deliveries.last_answers, number, newest[0])] == [1]
    assert store.read_now(outbox.subject_of, last) == ""


def test_small_questions_have_answers(store: Store) -> None:
    assert not store.read_now(nonces.is_used, "n")
    store.run_now(nonces.use, "n", NOW)
    assert store.read_now(nonces.is_used, "n")
    mail, _ = put(store)
    for action in (HeldAction.NOTE, HeldAction.SEND):
        store.run_now(approvals.put, mail, Approval(action, ANNA))
    assert store.read_now(approvals.of_mail, mail) == Approval(HeldAction.SEND, ANNA)
    store.run_now(approvals.remove, mail)
    assert store.read_now(approvals.of_mail, mail) is None
    settle(store, mail)
    add_letter(store, new_ticket(store))
    told = store.read_now(counts.totals)
    assert (told.mails, told.letters, told.tickets) == ({("done", "why"): 1}, {"queued": 1}, {"new": 1})
    assert told.arrivals == {"smtp": 1}
