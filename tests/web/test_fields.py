"""The web form of an incomplete ticket: GET changes nothing, faults are beside their field, what is right counts."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from maild.core.mail import Mailbox
from maild.core.policy import Field, Policy, Text, Topic
from maild.core.tokens import Action, Claim, FieldsClaim, action_token, derive_keys, fields_token
from maild.desk.accept import accept
from maild.desk.act import speak
from maild.desk.desk import Desk
from maild.desk.receive import receive_waiting
from maild.store import lists
from maild.web.security import PUBLIC_POLICY
from tests.factory import make_desk
from tests.values import make_envelope
from tests.web.clock import StillClock, dump
from tests.web.conftest import NONCE, Pages, wait_for
from tests.web.test_actions import Form
from tests.web.test_words import letters, nonce_of, said

IVAN = Mailbox("Иван", "ivan@firma.example")
NOTHING = Text("", "")
FIELDS = (
    Field("contract", Text("Номер договора", "Contract"), "text", True, (), "[0-9]{6}", Text("шесть цифр", "")),
    Field("paid", Text("Дата оплаты", "Paid on"), "date", True, (), "", NOTHING),
    Field("sum", Text("Сумма", "Sum"), "number", False, (), "", NOTHING),
    Field("to", Text("Куда <вернуть>", "To"), "choice", True, ("карта", "счёт"), "", NOTHING),
    Field("mail", Text("Почта", "Mail"), "email", False, (), "", NOTHING),
)
RIGHT = {"f-contract": " 120417 ", "f-paid": "03.11.2026", "f-sum": "12 000,50", "f-to": "карта", "f-mail": ""}


def with_fields(policy: Policy) -> Policy:
    first = replace(policy.categories[0], topics=(Topic("refund", Text("Возврат", "Refund"), FIELDS),))
    return replace(policy, categories=(first, *policy.categories[1:]), public_url="https://desk.example")


@pytest.fixture
def desk(tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with make_desk(tmp_path, now=clock) as made:
        made.policy = with_fields(made.policy)
        yield made


@pytest.fixture
def number(pages: Pages) -> int:
    """A ticket of which one field is known already."""
    raw = (
        f"From: {IVAN.address}\r\nTo: billing+refund@desk.example\r\nSubject: Возврат <за> ноябрь\r\n"
        "Message-ID: <1@firma.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        "Сумма: 100\r\nВерните деньги.\r\n"
    ).encode()
    envelope = make_envelope(
        mail_from=IVAN.address, rcpt_tos=("billing+refund@desk.example",), received_at=pages.clock()
    )
    wait_for(accept(pages.desk, raw, envelope))
    wait_for(receive_waiting(pages.desk))
    assert pages.status(1) == "incomplete"
    return 1


def link(pages: Pages, number: int, person: str = IVAN.address) -> str:
    return f"/fields/{fields_token(pages.desk.keys, FieldsClaim(number, person))}"


def fields(pages: Pages, number: int) -> dict[str, str]:
    row = pages.desk.store.read_now(lists.ticket_row, number)
    assert row is not None
    return dict(row.fields)


def test_looking_shows_the_fields_and_changes_nothing(pages: Pages, number: int) -> None:
    before = dump(pages.desk.store)
    answer = pages.client.get(link(pages, number))
    form = Form(answer.text)
    assert answer.status == 200
    assert form.all("form") == [{"method": "post", "novalidate": None}]
    assert [one["type"] for one in form.all("input")] == ["hidden", "text", "date", "text", "email"]
    assert [one["name"] for one in form.all("select")] == ["f-to"]
    named = {one["for"] for one in form.all("label")}
    assert named == {one["id"] for one in (*form.all("input")[1:], *form.all("select"))}
    assert answer.text.count("обязательно") == 3
    assert 'value="100"' in answer.text
    assert "шесть цифр" in answer.text
    assert "Куда &lt;вернуть&gt;" in answer.text
    assert "Возврат &lt;за&gt; ноябрь" in answer.text
    assert "aria-invalid" not in answer.text
    assert answer.fields["Content-Security-Policy"] == PUBLIC_POLICY
    assert answer.fields["Referrer-Policy"] == "no-referrer"
    assert answer.fields["Cache-Control"] == "no-store"
    assert answer.fields["Set-Cookie"] is None
    assert pages.client.ask("HEAD", link(pages, number)).body == b""
    assert dump(pages.desk.store) == before


def test_what_is_right_completes_the_ticket_once(pages: Pages, number: int) -> None:
    where, before = link(pages, number), len(letters(pages))
    nonce = pages.nonce(where)
    done = pages.client.post(where, nonce=nonce, **RIGHT)
    assert (done.status, "<form" in done.text) == (200, False)
    assert "все данные получены" in done.text
    assert pages.status(number) == "new"
    assert fields(pages, number) == {"contract": "120417", "paid": "2026-11-03", "sum": "12000.50", "to": "карта"}
    assert [(one[0], one[1], one[2], one[3]) for one in pages.events(number)][-2:] == [
        ("customer_wrote", IVAN.address, "http", "by_link"),
        ("completed", IVAN.address, "http", "by_link"),
    ]
    assert said(pages, number)[-1] == (
        IVAN.address,
        "customer",
        "Номер договора: 120417\nДата оплаты: 2026-11-03\nСумма: 12000.50\nКуда <вернуть>: карта",
    )
    assert letters(pages)[before:] == [
        ("new_message", "billing-team@office.example", True),
        ("acknowledgement", IVAN.address, True),
    ]
    state = dump(pages.desk.store)
    assert pages.client.post(where, nonce=nonce, **RIGHT).body == done.body
    assert pages.client.get(where).body == done.body
    assert dump(pages.desk.store) == state


def test_what_is_wrong_is_shown_beside_its_field_and_nothing_typed_is_lost(pages: Pages, number: int) -> None:
    where = link(pages, number)
    state = dump(pages.desk.store)
    typed = {"f-contract": '12"><script>', "f-paid": "позавчера", "f-sum": "много", "f-to": "наличные", "f-mail": "я"}
    answer = pages.client.post(where, nonce=pages.nonce(where), **typed)
    assert answer.status == 422
    form = Form(answer.text)
    shown = [one["value"] for one in form.all("input")[1:]]
    assert shown == ['12"><script>', "позавчера", "много", "я"]
    assert "<option selected>наличные</option>" in answer.text
    for fault in ("Не соответствует образцу", "Нужна дата", "Нужно число", "Такого варианта нет", "Нужен адрес"):
        assert fault in answer.text
    invalid = [one for one in (*form.all("input"), *form.all("select")) if one.get("aria-invalid")]
    assert len(invalid) == 5
    ids = {one.get("id") for _, one in form.found}
    assert all(set(str(one["aria-describedby"]).split()) <= ids for one in invalid)
    assert 'role="alert"' in answer.text
    assert dump(pages.desk.store) == state
    assert pages.client.post(where, nonce=nonce_of(answer), **RIGHT).status == 200
    assert pages.status(number) == "new"


def test_an_empty_required_field_is_missed_and_an_emptied_other_one_is_empty(pages: Pages, number: int) -> None:
    where = link(pages, number)
    nonce = pages.nonce(where)
    answer = pages.client.post(where, nonce=nonce, **(RIGHT | {"f-paid": " "}))
    assert (answer.status, answer.text.count("Не заполнено")) == (422, 1)
    assert fields(pages, number) == {"sum": "100"}
    assert pages.client.post(where, nonce=nonce, **(RIGHT | {"f-sum": ""})).status == 200
    assert "sum" not in fields(pages, number)


def test_altered_foreign_and_other_tokens_are_not_found(pages: Pages, number: int) -> None:
    where, token = link(pages, number), fields_token(pages.desk.keys, FieldsClaim(number, IVAN.address))
    nonce, state = pages.nonce(where), dump(pages.desk.store)
    forged = fields_token(derive_keys([b"another secret that is long enough"]), FieldsClaim(number, IVAN.address))
    action = action_token(pages.desk.keys, Claim(number, IVAN.address, Action.SOLVED))
    altered = [f"/fields/{token[:i]}{'A' if token[i] != 'A' else 'B'}{token[i + 1 :]}" for i in range(0, len(token), 7)]
    stranger, unknown = link(pages, number, "eve@firma.example"), link(pages, number + 1)
    for path in (*altered, f"/fields/{forged}", f"/fields/{action}", f"/a/{token}", stranger, unknown, "/fields/"):
        assert pages.client.get(path).status == 404, path
        assert pages.client.post(path, nonce=nonce, **RIGHT).status == 404, path
    for bad in ("", nonce[:-1], f"1{nonce}"):
        assert pages.client.post(where, nonce=bad, **RIGHT).status == 403
    pages.clock.forward(timedelta(days=2, seconds=1))
    assert pages.client.post(where, nonce=nonce, **RIGHT).status == 403
    assert dump(pages.desk.store) == state


@pytest.mark.parametrize(("hours", "words"), [(0, "заполнять ничего не нужно"), (48, "закрыто")])
def test_a_ticket_that_is_solved_or_closed_says_so(pages: Pages, number: int, hours: int, words: str) -> None:
    where = link(pages, number)
    nonce = pages.nonce(where)
    wait_for(speak(pages.desk, number, "cli:root@t", solves=True))
    pages.clock.forward(timedelta(hours=hours) - timedelta(hours=1) * (not hours))
    state = dump(pages.desk.store)
    for answer in (pages.client.get(where), pages.client.post(where, nonce=nonce, **RIGHT)):
        assert (answer.status, "<form" in answer.text) == (200, False)
        assert words in answer.text
    assert dump(pages.desk.store) == state


def test_the_form_speaks_the_language_of_the_person(pages: Pages, number: int) -> None:
    pages.desk.store.run_now(lambda tx: tx.run("UPDATE people SET language = 'en' WHERE address = ?", IVAN.address))
    where = link(pages, number)
    page = pages.client.get(where).text
    assert '<html lang="en"' in page
    assert re.search(r">Contract<.* required<", page)
    wrong = pages.client.post(where, nonce=pages.nonce(where), **{"f-contract": "1"})
    assert "Does not have the right form" in wrong.text
    assert NONCE.search(wrong.text)
