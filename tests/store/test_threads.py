"""What a letter is written from: each reader gets the thread and the references that he may see."""

import pytest

from maild.core.effects import AddMessage, Role, SetStatus
from maild.core.mail import Mailbox
from maild.core.ticket import Status
from maild.store import outbox, tickets
from maild.store.db import Store
from maild.store.threads import Material, material_for
from tests.store.rows import add_letter, message, new_ticket
from tests.values import BILLING_TEAM, IVAN, NOW, OLGA

ANNA = Mailbox("Анна", "anna@office.example")


def say(store: Store, number: int, entry: AddMessage) -> int:
    return store.run_now(tickets.add_message, number, entry, None)


def talk(store: Store) -> int:
    """A ticket with a question, an answer and a note between them."""
    number = new_ticket(store)
    say(store, number, message(reply="вопрос", message_id="q@client.example"))
    say(
        store,
        number,
        message(reply="заметка", author=ANNA, role=Role.AGENT, is_note=True, message_id="n@office.example"),
    )
    say(store, number, message(reply="ответ", author=ANNA, role=Role.AGENT, message_id="a@office.example"))
    return number


def material(store: Store, letter: int, *, with_notes: bool) -> Material:
    [row] = [row for row in store.run_now(outbox.claim, NOW, 99) if row.id == letter]
    return store.read_now(material_for, row, with_notes=with_notes)


def test_a_customer_sees_no_note_and_no_message_id_of_an_agents_mail(store: Store) -> None:
    letter = add_letter(store, talk(store))
    found = material(store, letter, with_notes=False)
    assert [entry.reply for entry in found.earlier] == ["ответ", "вопрос"]
    assert found.references == ("q@client.example",)
    assert found.others == ()


def test_support_sees_everything(store: Store) -> None:
    letter = add_letter(store, talk(store), to=BILLING_TEAM)
    found = material(store, letter, with_notes=True)
    assert [entry.reply for entry in found.earlier] == ["ответ", "заметка", "вопрос"]
    assert found.references == ("q@client.example", "n@office.example", "a@office.example")
    assert found.customer == IVAN


def test_the_references_name_only_letters_to_the_same_person(store: Store) -> None:
    number = talk(store)
    add_letter(store, number, to=BILLING_TEAM, message_id="team@desk.example")
    add_letter(store, number, to=OLGA.address, message_id="olga@desk.example")
    add_letter(store, number, message_id="ivan@desk.example")
    letter = add_letter(store, number, message_id="last@desk.example")
    found = material(store, letter, with_notes=False)
    assert set(found.references) == {"q@client.example", "ivan@desk.example"}


def test_long_threads_keep_their_first_reference_and_the_newest(store: Store) -> None:
    number = new_ticket(store)
    for count in range(40):
        say(store, number, message(message_id=f"{count}@client.example"))
    found = material(store, add_letter(store, number), with_notes=False)
    assert len(found.references) == 20
    assert (found.references[0], found.references[-1]) == ("0@client.example", "39@client.example")
    assert len(found.earlier) == 10


def test_a_reminder_stands_in_the_references_where_it_was_written_and_never_first(store: Store) -> None:
    number = new_ticket(store)
    asked = say(store, number, message(reply="вопрос", message_id="q@client.example"))
    add_letter(store, number, about=asked, message_id="ack@desk.example")
    answered = say(store, number, message(reply="ответ", author=ANNA, role=Role.AGENT, message_id="a@office.example"))
    add_letter(store, number, about=answered, message_id="answer@desk.example")
    add_letter(store, number, message_id="reminder@desk.example")
    found = material(store, add_letter(store, number, message_id="closed@desk.example"), with_notes=False)
    assert found.references == ("q@client.example", "ack@desk.example", "answer@desk.example", "reminder@desk.example")


def test_support_sees_the_customers_other_questions_and_not_those_of_others(store: Store) -> None:
    number, other, closed = new_ticket(store), new_ticket(store), new_ticket(store)
    new_ticket(store, OLGA, IVAN)
    store.run_now(tickets.set_status, closed, SetStatus(0, Status.CLOSED), NOW)
    found = material(store, add_letter(store, number, to=BILLING_TEAM), with_notes=True)
    assert [(one.number, one.status) for one in found.others] == [(other, "new")]


def test_a_letter_about_no_ticket_has_no_material(store: Store) -> None:
    with pytest.raises(LookupError, match="about no ticket"):
        material(store, add_letter(store, 99), with_notes=False)
