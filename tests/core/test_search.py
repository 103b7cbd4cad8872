"""What is typed into the search field, and the words it is looked for in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.search import beginnings, folded


def test_words_are_folded() -> None:
    assert folded("  Счёт № 311/А — «ОПЛАТА», e-mail_x  ") == "счет 311 а оплата e mail x"
    assert folded("и\u0306") == "й"  # macOS writes it in two


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("счетов", "Где мой СЧЁТ?"),
        ("счёт", "два счета"),
        ("возврата оплаты", "Оплата: прошу оформить возврат"),
        ("оплатой", "оплата прошла"),
        ("инвойсами", "инвойс"),
        ("invoices", "the invoice"),
        ("invoice", "Invoices"),
        ("311", "Счёт №311"),
        ("яндекс.почта", "письмо в Яндекс-Почте"),
    ],
)
def test_endings_do_not_matter(typed: str, text: str) -> None:
    words = folded(text).split()
    assert all(any(word.startswith(beginning) for word in words) for beginning in beginnings(typed))


def test_other_words_are_not_found() -> None:
    words = folded("Счёт за ноябрь").split()
    assert not any(word.startswith(beginnings("счастье")) for word in words)
    assert beginnings(" «»?! ") == ()
    assert len(beginnings(" ".join(f"слово{number}" for number in range(20)))) == 8


@given(st.text(max_size=80))
def test_whatever_is_typed_is_letters_and_digits(typed: str) -> None:
    assert all(word.isalnum() for word in beginnings(typed))
    assert all(folded(typed + " x").split())
