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
        "Спасибо, Анна!",
        "Спасибо!\n\nИван Петров",
        "Спасибо большое, Ольга Сергеевна",
        "Огромное спасибо за оперативность!",
        "Да, спасибо!",
        "Ок, спасибо",
        "Понятно, спасибо",
        "Все работает, спасибо",
        "Заработало!",
        "Большое спасибо, вопросов больше нет",
        "Спасибо, вопросов нет",
        "Благодарю вас",
        "Спс",
        "Щиро дякую!",
        "Дякую за швидку відповідь",
        "Все запрацювало, дякую!",
        "Дякую, питань більше немає",
        "Thank you so much for your quick help!",
        "Thanks, that worked",
        "Many thanks",
        "Much appreciated!",
        "It works now, thank you",
        "Great, thanks!",
        "Thanks John",
        "Thanks!\n\nJane",
        "Perfect",
        "Thank you, everything is working now",
        "🙏",
        "Спасибо 🙏",
        "thx",
        "Got it, thanks",
        "All good now, thanks!",
        "Спасибо за помощь, проблема решена",
        "Thanks, problem solved",
        "Отлично, всё заработало!",
        "Спасибо за Ваш ответ!",
        "Thanks again!",
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
        "thanks, but",
        "thanks, still broken",
        "Спасибо, жду",
        "спасибо а когда будет",
        "Спасибо. Жду ответа",
        "ok",
        "👍",
        "Да",
        "хорошо",
        "Thanks, is it fixed now",
        "Thanks, it was working",
        "Спасибо, помогите",
        "Дякую, чекаю",
        "Спасибо, ещё вопрос",
        "Спасибо, проблема осталась",
        "Спасибо, а что с возвратом",
        "Thanks for nothing",
        "Thanks, help",
        "Спасибо Анна. Жду",
        "Спасибо, верните деньги",
        "Спасибо за ничего",
        "thanks, same problem",
        "thanks, problem again",
        "Спасибо, опять",
        "Спасибо, проверю",
        "Thank you, I will check",
        "Спасибо, Анна Жду Ответа Срочно",
        "спасибо, иван уволен",
        "дякую а коли",
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
