"""Tickets in the database: numbers, rounds, facts, and which of them are due."""

from datetime import datetime, timedelta

import pytest

from maild.core.effects import Event, Record, Role, SetStatus, Way
from maild.core.facts import MailKeys, Provoked, TicketFacts
from maild.core.letter import Letter
from maild.core.mail import Mailbox
from maild.core.ticket import Status
from maild.store import deadlines, ledger, lists, outbox, tickets
from maild.store.db import Store
from tests.store.rows import add_letter, message, new_ticket, put, settle
from tests.values import IVAN, NOW, OLGA, WINDOW

UNTIL = NOW + WINDOW
TICK = timedelta(microseconds=1)
ROUND = SetStatus(0, Status.SOLVED, solved_at=NOW, reopen_until=UNTIL)


def ticket_of(store: Store, number: int) -> TicketFacts:
    found = store.read_now(tickets.facts_of_ticket, number)
    assert found is not None
    return found[0]


def solved_ticket(store: Store) -> int:
    number = new_ticket(store)
    store.run_now(tickets.set_status, number, ROUND, NOW)
    return number


def due(store: Store, now: datetime, limit: int = 9) -> list[int]:
    return store.read_now(deadlines.due_to_close, now, limit)


def test_a_ticket_comes_back_as_it_was_opened(store: Store) -> None:
    number = new_ticket(store, IVAN, OLGA, IVAN)
    assert ticket_of(store, number) == TicketFacts(number, "Счёт", "billing", "refund", Status.NEW, "ru", (IVAN, OLGA))
    assert store.read_now(tickets.facts_of_ticket, number + 1) is None


def test_numbers_are_never_used_again(store: Store) -> None:
    first, second = new_ticket(store), new_ticket(store)
    store.run_now(lambda tx: tx.run("DELETE FROM tickets WHERE number = ?", second))
    assert (first, new_ticket(store)) == (1, 3)


def test_a_round_is_set_to_the_microsecond_and_forgets_the_confirmation(store: Store) -> None:
    number = new_ticket(store)
    store.run_now(tickets.confirm, number, NOW)
    store.run_now(tickets.confirm, number, NOW + TICK)
    assert ticket_of(store, number).confirmed_at == NOW, "the first time counts"
    until = UNTIL + TICK
    store.run_now(
        tickets.set_status, number, SetStatus(0, Status.SOLVED, solved_at=NOW + TICK, reopen_until=until), NOW
    )
    ticket = ticket_of(store, number)
    assert (ticket.status, ticket.reopen_until, ticket.confirmed_at) == (Status.SOLVED, until, None)
    store.run_now(tickets.set_status, number, SetStatus(0, Status.CLOSED), NOW)
    assert ticket_of(store, number).reopen_until == until
    store.run_now(tickets.set_status, number, SetStatus(0, Status.OPEN), NOW)
    assert ticket_of(store, number).reopen_until is None, "a ticket that opens again has left its round behind"


def test_a_merged_ticket_brings_its_target(store: Store) -> None:
    source, middle, target = (new_ticket(store) for _ in range(3))
    for merged, into in ((source, middle), (middle, target)):
        store.run_now(
            lambda tx, pair: tx.run("UPDATE tickets SET merged_into = ? WHERE number = ?", *pair), (into, merged)
        )
    assert ticket_of(store, source).number == target
    facts = store.read_now(tickets.facts_for, MailKeys(IVAN.address, "", numbers=(source,)), NOW)
    assert set(facts.tickets) == {source, middle, target}


def test_the_facts_answer_what_the_keys_ask(store: Store) -> None:
    number = new_ticket(store)
    store.run_now(tickets.add_message, number, message(message_id="q@client.example"), None)
    letter = add_letter(store, number, message_id="ours@desk.example")
    store.run_now(lambda tx: tx.run("INSERT INTO people (address, language) VALUES (?, 'en')", IVAN.address))
    keys = MailKeys(
        IVAN.address, "ours@desk.example", references=("q@client.example", "x"), numbers=(99,), letter=letter
    )
    facts = store.read_now(tickets.facts_for, keys, NOW)
    assert facts.recorded == {"q@client.example": [number]}
    assert facts.languages == {IVAN.address: "en"}
    assert facts.is_own_letter
    assert facts.bounced is not None
    assert (facts.bounced.id, facts.bounced.ticket, facts.bounced.category) == (letter, number, "billing")
    assert facts.ticket(number) is not None
    assert facts.ticket(99) is None


def test_all_who_bear_a_message_id_are_found_the_first_before_the_others(store: Store) -> None:
    victim, copycat = new_ticket(store), new_ticket(store, OLGA)
    for number in (victim, copycat):
        store.run_now(tickets.add_message, number, message(message_id="q@client.example"), None)
    keys = MailKeys(IVAN.address, "", references=("q@client.example",))
    assert store.read_now(tickets.facts_for, keys, NOW).recorded == {"q@client.example": [victim, copycat]}


def test_a_bounce_is_about_the_letter_it_was_addressed_to(store: Store) -> None:
    other = add_letter(store, new_ticket(store), message_id="other@desk.example")
    addressed = add_letter(store, new_ticket(store), message_id="mine@desk.example")
    assert other < addressed
    keys = MailKeys("", "", letter=addressed, returned_id="other@desk.example")
    facts = store.read_now(tickets.facts_for, keys, NOW)
    assert facts.bounced is not None
    assert facts.bounced.id == addressed
    only_id = store.read_now(tickets.facts_for, MailKeys("", "", returned_id="other@desk.example"), NOW)
    assert only_id.bounced is not None
    assert only_id.bounced.id == other
    assert store.read_now(tickets.facts_for, MailKeys("", ""), NOW).bounced is None


def test_provoked_letters_are_counted_by_address_domain_and_time(store: Store) -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    for to, age, is_provoked in (
        (IVAN.address, timedelta(0), True),
        (IVAN.address, hour, True),
        (IVAN.address, day, True),
        ("petr@client.example", timedelta(0), True),
        (OLGA.address.replace("client", "other"), timedelta(0), True),
        (IVAN.address, timedelta(0), False),
    ):
        add_letter(store, to=to, now=NOW - age, is_provoked=is_provoked)
    facts = store.read_now(tickets.facts_for, MailKeys(IVAN.address, ""), NOW)
    assert facts.provoked == Provoked(address_hour=1, address_day=2, domain_hour=2, hour=3)


def test_a_message_comes_back_with_its_files_and_mail(store: Store) -> None:
    number, (mail, _) = new_ticket(store), put(store)
    first = store.run_now(tickets.add_message, number, message(role=Role.AGENT, is_note=True), mail)
    store.run_now(tickets.add_message, number, message(), mail)
    assert store.read_now(tickets.message_of_mail, mail) == first
    assert store.read_now(tickets.message_of_mail, 99) is None


def test_history_is_kept_in_order(store: Store) -> None:
    number = new_ticket(store)
    for event, reason in ((Event.OPENED, "why"), (Event.SOLVED, Way.COMMAND)):
        store.run_now(tickets.record, number, Record(number, event, "anna", "smtp", reason), reason, NOW)
    found = store.read_now(lists.events_of, number)
    assert [(row.event, row.who, row.via, row.reason) for row in found] == [
        ("opened", "anna", "smtp", "why"),
        ("solved", "anna", "smtp", "by_command"),
    ]


def test_a_ticket_is_due_exactly_at_its_deadline_oldest_first(store: Store) -> None:
    later, sooner = solved_ticket(store), solved_ticket(store)
    store.run_now(tickets.set_status, later, SetStatus(0, Status.SOLVED, solved_at=NOW, reopen_until=UNTIL + TICK), NOW)
    assert due(store, UNTIL - TICK) == []
    assert due(store, UNTIL) == [sooner]
    assert due(store, UNTIL + TICK) == [sooner, later]
    assert due(store, UNTIL + TICK, limit=1) == [sooner]
    store.run_now(tickets.set_status, sooner, SetStatus(0, Status.CLOSED), NOW)
    store.run_now(tickets.set_status, later, SetStatus(0, Status.OPEN), NOW)
    assert due(store, UNTIL + WINDOW) == []


def test_no_ticket_is_due_while_a_mail_from_before_its_deadline_waits(store: Store) -> None:
    number = solved_ticket(store)
    mail, _ = put(store, received_at=UNTIL - TICK)
    assert due(store, UNTIL + WINDOW) == []
    settle(store, mail)
    assert due(store, UNTIL + WINDOW) == [number]
    put(store, b"Subject: b\n\nlate", received_at=UNTIL)
    assert due(store, UNTIL + WINDOW) == [number], "what came at the deadline is too late anyway"


def test_a_ticket_is_not_due_while_a_mail_for_it_from_before_its_deadline_is_held(store: Store) -> None:
    number, other = solved_ticket(store), solved_ticket(store)
    mail, _ = put(store, received_at=UNTIL - TICK)
    settle(store, mail, held=True, ticket=number)
    assert due(store, UNTIL) == [other]
    store.run_now(ledger.drop, mail, "no", NOW)
    assert due(store, UNTIL) == [number, other]


@pytest.mark.parametrize("outcome", ["sent", "failed"])
def test_a_ticket_is_not_due_while_its_solved_letter_is_unsent(store: Store, outcome: str) -> None:
    number, other = solved_ticket(store), solved_ticket(store)
    letter = add_letter(store, number, letter=Letter.SOLVED)
    add_letter(store, other, letter=Letter.ANSWER)
    assert due(store, UNTIL) == [other]
    if outcome == "sent":
        store.run_now(outbox.sent, letter, "250", NOW)
    else:
        store.run_now(outbox.failed, letter, "550")
    assert due(store, UNTIL) == [number, other]


def test_one_statement_takes_any_number_of_references(store: Store) -> None:
    many = tuple(f"{number}@client.example" for number in range(600))
    keys = MailKeys(IVAN.address, "", references=many, numbers=tuple(range(1, 600)))
    assert store.read_now(tickets.facts_for, keys, NOW).tickets == {}
    crowd = [Mailbox("", f"p{number}@client.example") for number in range(600)]
    assert len(ticket_of(store, new_ticket(store, *crowd)).participants) == 600
