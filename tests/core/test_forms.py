"""Fields of a topic's card, as people write them into letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.forms import Card, Fault, read_card
from maild.core.policy import Field, Text, Topic

NOTHING = Text("", "")


def make_field(key: str, ru: str, en: str, type_: str = "text", **changes: object) -> Field:
    given: dict[str, object] = {"is_required": True, "choices": (), "pattern": "", "help": NOTHING, **changes}
    return Field(key, Text(ru, en), type_, **given)  # type: ignore[arg-type]


CONTRACT = make_field("contract", "Номер договора", "Contract number", pattern=r"[0-9]{6}")
PAID = make_field("paid", "Дата оплаты", "Date of payment", "date")
SUM = make_field("sum", "Сумма, ₽", "Amount", "number", is_required=False)
WHERE = make_field("where", "Куда вернуть", "Refund to", "choice", choices=("Карта", "Счёт"))
WHOM = make_field("whom", "Почта бухгалтера", "Accountant", "email", is_required=False)
TOPIC = Topic("refund", Text("Возврат", "Refund"), (CONTRACT, PAID, SUM, WHERE, WHOM))


def card(reply: str, text: str = "", **known: str) -> Card:
    return read_card(TOPIC, known, reply, text or reply)


def faults(found: Card) -> dict[str, Fault]:
    return {problem.field.key: problem.fault for problem in found.problems}


def test_labels_and_keys_in_any_case_and_language_give_the_fields() -> None:
    found = card(
        "Здравствуйте! Верните деньги.\n\nНОМЕР ДОГОВОРА: 120417\n* Date of payment: 23.11.2026\n"
        "sum: 12 500,50\n- *Куда вернуть*: счет\nWHOM: <Buh@Firma.example>\n"
    )
    assert found.values == {
        "contract": "120417",
        "paid": "2026-11-23",
        "sum": "12500.50",
        "where": "Счёт",
        "whom": "buh@firma.example",
    }
    assert found.is_complete
    assert found.fresh


def test_what_is_missing_and_what_is_wrong_is_listed_in_the_order_of_the_card() -> None:
    found = card("Номер договора: 12\nДата оплаты: позавчера\nСумма, ₽: много\nпочта бухгалтера: она знает")
    assert list(faults(found).items()) == [
        ("contract", Fault.NO_MATCH),
        ("paid", Fault.NOT_A_DATE),
        ("sum", Fault.NOT_A_NUMBER),
        ("where", Fault.MISSING),
        ("whom", Fault.NOT_AN_ADDRESS),
    ]
    assert found.problems[1].given == "позавчера"
    assert not found.is_complete


def test_a_wrong_optional_field_keeps_nobody_waiting() -> None:
    found = card("sum: много", contract="120417", paid="2026-11-23", where="Карта")
    assert faults(found) == {"sum": Fault.NOT_A_NUMBER}
    assert found.is_complete


def test_fields_are_filled_in_inside_the_quote_of_our_letter_too() -> None:
    text = (
        "Заполнил.\n\n> Номер договора: 120417\n>> Дата оплаты: 2026-11-23\n> Куда вернуть:\n"
        "> Куда вернуть – варианты: Карта, Счёт\n"
    )
    found = card("Заполнил.", text)
    assert found.values == {"contract": "120417", "paid": "2026-11-23"}
    assert faults(found) == {"where": Fault.MISSING}


def test_new_words_count_before_quotes_and_quotes_replace_nothing_that_is_known() -> None:
    text = "Номер договора: 222222\n\n> Номер договора: 111111\n> Куда вернуть: Карта"
    found = card("Номер договора: 222222", text, where="Счёт")
    assert found.values == {"contract": "222222", "where": "Счёт"}


def test_what_stands_below_the_marker_of_our_letter_was_said_before() -> None:
    text = "А где он?\n\n> Номер договора:\n> =-=-= Ответ пишите выше этой строки =-=-=\n>> Номер договора: 120417"
    assert not card("А где он?", text).fresh


def test_a_value_that_is_known_can_be_corrected_and_a_wrong_correction_changes_nothing() -> None:
    assert card("Номер договора: 333333", contract="120417").values["contract"] == "333333"
    assert card("Номер договора: три", contract="120417").values["contract"] == "120417"


@pytest.mark.parametrize(
    "words",
    [
        "```\nНомер договора: 120417\n```",
        "Номер договора://120417",
        "мой номер договора: 120417",
        "Номер договора 120417",
        "Номер договора:",
        "Номер договора: *",
    ],
)
def test_what_only_looks_like_a_field_is_none(words: str) -> None:
    found = card(words)
    assert found.values == {}
    assert not found.fresh


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("2026-11-23", "2026-11-23"),
        ("3.1.2026", "2026-01-03"),
        ("23/11/2026", "2026-11-23"),
        ("23.11.2026 г.", "2026-11-23"),
        ("3 ноября 2026", "2026-11-03"),
        ("3-го Ноября 2026 года", "2026-11-03"),
        ("3 нояб. 2026 г.", "2026-11-03"),
        ("3\u00a0мая 2026", "2026-05-03"),
        ("3 листопада 2026 р.", "2026-11-03"),
        ("3rd November 2026", "2026-11-03"),
        ("Nov 3, 2026", "2026-11-03"),
        ("3 foo 2026", None),
        ("31 июня 2026", None),
        ("31.02.2026", None),
        ("23.11.26", "2026-11-23"),
        ("1.2.69", "2069-02-01"),
        ("1/2/70 г.", "1970-02-01"),
        ("3 ноября 26 г.", "2026-11-03"),
        ("Nov 3, 26", "2026-11-03"),
        ("23-11-2026", "2026-11-23"),
        ("23. 11. 2026", "2026-11-23"),
        ("2026.11.23", "2026-11-23"),
        ("25-03-12", None),
        ("23.11.126", None),
        ("29.02.25", None),
        ("завтра", None),
    ],
)
def test_dates(said: str, stored: str | None) -> None:
    assert card(f"Дата оплаты: {said}").values.get("paid") == stored


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("5", "5"),
        ("-5", "-5"),
        ("1 000", "1000"),
        ("0,5", "0.5"),
        ("1\u00a0234\u00a0567.8", "1234567.8"),
        ("1 2", None),
    ],
)
def test_numbers(said: str, stored: str | None) -> None:
    assert card(f"Amount: {said}").values.get("sum") == stored


def test_a_topic_without_fields_asks_for_nothing() -> None:
    for topic in (None, Topic("other", Text("", ""), ())):
        assert read_card(topic, {"old": "1"}, "x: 1", "x: 1") == Card({"old": "1"})


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_written_a_card_holds_only_known_keys_and_good_values(reply: str, text: str) -> None:
    found = read_card(TOPIC, {}, reply, text)
    assert found.values.keys() <= {entry.key for entry in TOPIC.fields}
    assert found.is_complete == (not {"contract", "paid", "where"} - found.values.keys())


def test_a_long_letter_is_read_in_no_time() -> None:
    assert card("Номер договора" + ":" * 100_000 + "\n" + "a: b\n" * 20_000).values == {}
