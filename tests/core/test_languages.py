"""What a mail tells of the language that its author writes."""

import pytest

from maild.core.languages import language_told
from tests.values import make_mail


@pytest.mark.parametrize(
    ("language", "words", "known", "told"),
    [
        ("ru", "Где мой счёт?", "", "ru"),
        ("en", "Where is my invoice, please?", "", "en"),
        ("", "???", "", ""),
        ("en", "#solved", "", ""),
        ("en", "ok thanks", "", ""),
        ("ru", "ок", "", "ru"),
        ("en", "Where is my invoice, please?", "ru", ""),
        ("ru", "Где мой счёт?", "en", "ru"),
        ("ru", "Где мой счёт?", "ru", ""),
        ("en", "Where is my invoice, please?", "de", ""),
    ],
)
def test_the_first_mail_with_words_counts_and_cyrillic_corrects_it(
    language: str, words: str, known: str, told: str
) -> None:
    assert language_told(make_mail(language=language, reply=words), known) == told


def test_a_mail_without_words_of_its_own_is_judged_by_its_subject() -> None:
    mail = make_mail(language="en", reply="", subject="My invoice has not arrived")
    assert language_told(mail, "") == "en"
