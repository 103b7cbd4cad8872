"""A thank-you must not reopen a ticket; anything else must."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.courtesy import is_courtesy


@pytest.mark.parametrize(
    "words",
    [
        "спасибо!",
        "Спасибо большое за быструю помощь!",
        "Большое спасибо, всё заработало",
        "Благодарю за помощь, вопрос решён.",
        "Спасибо, больше вопросов нет",
        "Дякую, все працює!",
        "Щиро дякую за допомогу".removeprefix("Щиро "),
        "Thank you, works now",
        "Thanks a lot!",
        "thank you so much 🙏",
        "Thanks again, all good now.",
        "Perfect, thanks!",
        "Спасибо!\n\nХорошего дня",
    ],
)
def test_nothing_but_thanks_is_a_courtesy(words: str) -> None:
    assert is_courtesy(words, False)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "ок",
        "Спасибо, но не работает",
        "Спасибо, а когда будет готово?",
        "Спасибо, снова проблема",
        "Спасибо. Номер заказа 15",
        "Спасибо, всё ещё не работает",
        "Спасибо, ошибка осталась",
        "Спасибо\nПомогите",
        "Не спасибо",
        "Дякую, але не працює",
        "Thanks, but it still fails",
        "Thank you, however the invoice is wrong",
        "thanks, not working",
        "thanks, the problem is back again",
        "Thanks! See https://x.example",
        "Thanks, help needed",
        "спасибо " * 15,
        "good",
    ],
)
def test_anything_more_is_a_message(words: str) -> None:
    assert not is_courtesy(words, False)


def test_an_attachment_is_never_only_a_courtesy() -> None:
    assert not is_courtesy("спасибо!", True)


@given(st.text(max_size=250))
def test_a_question_mark_or_a_digit_is_never_a_courtesy(words: str) -> None:
    assert not is_courtesy(words + "?", False)
    assert not is_courtesy("спасибо 1 " + words, False)
