"""New words apart from old ones in what people write: signatures, banners, answers in between, and look-alikes."""

import pytest

from maild.mime.html import Rendered
from maild.mime.quote import fold, reply_of

LEFT_ALONE = [
    "Добрый день!\n\nС уважением отношусь к вашей работе, но счёт неверный.",
    "Вывод:\n>>> 1/0\nTraceback (most recent call last):\nZeroDivisionError\n\nЧто делать?",
    "SQL> select 1;\nSQL> select 2;\nНе работает.",
    "| имя | сумма |\n|-----|-------|\n| a | 5 |",
    "В 10:15 мне написал ваш оператор:\nподождите\n\nСколько ждать?",
    "Есть три проблемы:\n1. не входит\n2. не платит\n3. не открывает",
    "Привет\n\n---\n\nВторой раздел, где я подробно рассказываю о том, как у меня не работает ваша программа, и почему это важно для нас.",  # noqa: E501
    "Заказ от 02.11.2026 10:15:\n- стол\n- стул\n\nНе пришёл.",
    "Письмо пришло 2 ноября 2026 г. в 10:15:\nтекст",
    "From: my point of view\nthis is wrong",
    "Кому: Ивану\nЧто: стол",
    "Best\nof all is the new version",
    "Thanks,\nJane",
    "Спасибо,\nИван",
    "Отправлено с iPhone не приходит вообще, помогите.",
    "Отправлено через форму на сайте, ответа нет. Что делать?",
    "Sent from my phone is broken, help?",
    "Это письмо является подтверждением заказа 15, которое вы просили.",
    "Я написал:\nпомогите",
    "Дата: 5 мая 2026\nСумма: 100\nТема: возврат\n\nПрошу вернуть деньги.",
    "Имя: Иван\nТелефон: 5\nТема: счёт\nСообщение: где счёт?",
]
NEW_WORDS = [
    ("> один?\nда\n\n> два?\nнет", "да\n\nнет"),
    (
        "Ответ ниже.\n\n-----Original Message-----\nFrom: S <s@x.example>\nSent: Monday\nTo: me\nSubject: x\n\n> вопрос 1?\n\nДа.\n\n> вопрос 2?\n\nНет.",  # noqa: E501
        "Ответ ниже.\n\nДа.\n\nНет.",
    ),
    ("Да\n\n> > глубже\n> цитата\n", "Да"),
    ("Ответ\n--\nИван\n\n02.11.2026 10:15, X пишет:\n> a", "Ответ"),
    ("Ответ\n\n— \nИван", "Ответ"),
    ("Ответ\n\n___________________\nИван Петров\nдиректор", "Ответ"),
    ("Ответ.\n\nС уважением, команда Ромашки", "Ответ."),
    ("Ответ.\n\nС уважением, Иван Петров\nтел. +7 900 000\nООО «Ромашка»\nwww.x.example", "Ответ."),
    ("Текст.\n\nС уважением,\nИван\n\nА когда будет счёт?", "Текст.\n\nА когда будет счёт?"),
    (
        "CAUTION: This email originated from outside of the organization. Do not click links.\n\nHello, help me.",
        "Hello, help me.",
    ),
    ("[EXTERNAL]\n\nHello, help me.", "Hello, help me."),
    ("ВНИМАНИЕ! Внешнее письмо. Не открывайте вложения.\n\nПомогите.", "Помогите."),
    ("Hi.\n\nVirus-free.www.avast.com <https://www.avast.com/sig-email>", "Hi."),
    ("Hi.\n\n<https://www.avast.com/x> Без вирусов.www.avast.com\n<#DAB4FAD8-2DD7-40BB-A1B8-4E2AA1F9FDF2>", "Hi."),
    ("Да.\n\nС ув., Иван", "Да."),
    ("Да\n\nОтправлено с iPad\n", "Да"),
    ("Да\n\nОтправлено с мобильного устройства\n", "Да"),
    ("Да\n\nSent from Mail for Windows\n", "Да"),
    ("Да\n\nSent from Samsung tablet.\n", "Да"),
    (
        "Da\n\nOn Mon, 2 Nov 2026, 10:15 X <x@y.example> wrote:\n\n> a\n\n_______________________________________________\nUsers mailing list\nUsers@lists.example\nhttps://lists.example/users",  # noqa: E501
        "Da",
    ),
    ('Ok.\n\nOn Nov 2, 2026 10:15 AM, "X" <x@y.example> wrote:\nold', "Ok."),
    ("Ok.\n\nOn 2026-11-02 10:15, X wrote:\n> old", "Ok."),
    ("Ok.\n\n2026-11-02 10:15 GMT+03:00 X <x@y.example>:\n\n> old", "Ok."),
    ("Ok.\n\n2026-11-02 10:15 GMT+03:00 X <x@y.example>:\n\nold", "Ok."),
    ("Ок.\n\nПользователь «Иван» <x@y.example> 02.11.2026 в 10:15 написал:\n\nold", "Ок."),
    ("Ок.\n\nИван Петров, 02.11.2026 10:15:\n> old", "Ок."),
    ("Ок.\n\nЦитирование Иван <x@y.example>:\n\n> old", "Ок."),
    ("Ok.\n\nQuoting X <x@y.example>:\n\n> old", "Ok."),
    ("Ok.\n\nZitat von X <x@y.example>:\n\n> old", "Ok."),
    ("Ok.\n\nAt 10:15 02.11.2026, X wrote:\n>old", "Ok."),
    ("Ok.\n\nX wrote on 11/2/26 10:15 AM:\n> old", "Ok."),
    ("Ok.\n\nX schrieb am 02.11.2026 um 10:15:\n> old", "Ok."),
    ("Ok.\n\nX <x@y.example> schrieb am Mo., 2. Nov. 2026, 10:15:\n\nold", "Ok."),
    ("Ok.\n\nmandag den 2. november 2026 skrev X <x@y.example>:\n\n> old", "Ok."),
    ("Ok.\n\nDen mån 2 nov. 2026 kl 10:15 skrev X <x@y.example>:\n\n> old", "Ok."),
    ("Ok.\n\n2 Kas 2026 Pzt 10:15 tarihinde X <x@y.example> şunu yazdı:\n\n> old", "Ok."),
    ("Ok.\n\n2026年11月2日(月) 10:15 X <x@y.example>:\n\n> old", "Ok."),
    ("Ok.\n\nV po 2. 11. 2026 v 10:15 odesílatel X <x@y.example> napsal:\n\n> old", "Ok."),
    ("Ok.\n\nOn Monday, November 2, 2026, X <x@y.example> wrote:\n\n> old", "Ok."),
    ("Ok.\n\nEl 2 de noviembre de 2026, 10:15, X<x@y.example> escribió:\n\nold", "Ok."),
    ("Ok.\n\n________________________________\nVan: X\nVerzonden: 2 november\nAan: Y\nOnderwerp: z\n\nold", "Ok."),
    ("Ok.\n\n> On Nov 2, 2026, at 10:15, X\n> <x@y.example> wrote:\n> \n> old", "Ok."),
    ("Ok.\n\nHello X,\n\nMonday, November 2, 2026, 10:15:00 AM, you wrote:\n\nX> old\nX> old2", "Ok.\n\nHello X,"),
    ("Ok\n\n=-=-= Ответ пишите выше этой строки =-=-=\nold", "Ok"),
    ("Ok\n\n02.11.2026 10:15, Кактус пишет:\n> =-=-= Ответ пишите выше этой строки =-=-=\n> old", "Ok"),
    (
        "Ok.\n\n[image: logo]\n\nFrom: X<mailto:x@y.example>\nSent: Monday\nTo: y\nSubject: z\nImportance: High\n\nold",
        "Ok.\n\n[image: logo]",
    ),
    (
        "Yes.\n\nSent from my Verizon, Samsung Galaxy smartphone\n-------- Original message --------From: X <x@y.example> Date: 11/2/26  10:15 AM  (GMT-05:00) To: y@z.example Subject: Re: a \nold",  # noqa: E501
        "Yes.",
    ),
]


def new_words(text: str) -> str:
    return reply_of(text, fold(Rendered(text)))


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_like_a_quote_or_a_signature_stays(text: str) -> None:
    assert new_words(text) == text


@pytest.mark.parametrize(("text", "wanted"), NEW_WORDS)
def test_new_words_are_told_from_old_ones(text: str, wanted: str) -> None:
    assert new_words(text) == wanted


def test_a_mail_that_begins_with_the_header_of_another_one_passes_it_on() -> None:
    text = (
        "От: Иван <ivan@x.example>\nОтправлено: 2 ноября 2026 г. 10:15\nТема: Счёт\n\nГде счёт?\n\nС уважением,\nИван"
    )
    assert new_words(text) == text.partition("\n\nС уважением")[0]


@pytest.mark.parametrize("subject_says_so", [True, False])
def test_what_is_forwarded_keeps_its_words(subject_says_so: bool) -> None:
    line = "" if subject_says_so else "-------- Пересланное сообщение --------\n"
    text = f"Посмотрите.\n\n{line}От: Иван <i@x.example>\nДата: 2 ноября 2026 г. 10:15\nТема: Счёт\n\nГде счёт?"
    assert reply_of(text, fold(Rendered(text), is_forward=subject_says_so)) == text
