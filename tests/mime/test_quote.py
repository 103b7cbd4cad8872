"""New words apart from old ones, and nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mime import quote
from maild.mime.html import Rendered
from maild.mime.quote import reply_of


def fold(text: str, is_forward: bool = False) -> tuple[tuple[int, int], ...]:
    return quote.fold(Rendered(text), is_forward)


def new_words(text: str) -> str:
    return reply_of(text, fold(text))


@pytest.mark.parametrize(
    "tail",
    [
        "On Mon, May 5, 2025 at 12:34 PM Ivan <a@b.example>\nwrote:\n\n> old",
        "On 5 May 2025 at 12:34, Support wrote:\n\nold\nwithout marks",
        "вт, 6 мая 2025 г. в 12:31, Кактус <a@b.example>:\n\n> old",
        "вт, 6 мая 2025 г. в 12:31, Кактус <очень.длинный.адрес@b.example\n>:\n\n> old",
        "06.05.2025 12:31, Кактус пишет:\n> old",
        '06.05.2025, 12:31, "Кактус" <a@b.example>:\n> old',
        "6 мая 2025 г. 12:31 пользователь Кактус <a@b.example> написал:\n\n> old",
        "Кактус написал(а) 06.05.2025 12:31:\n> old",
        ">Вторник, 6 мая 2025, 12:31 +03:00 от Кактус <a@b.example>:\n> \n>old",
        "пн, 5 трав. 2025 р. о 12:34 Кактус <a@b.example> пише:\n\n> old",
        "-----Original Message-----\nFrom: x\n\nold",
        "-----Исходное сообщение-----\nОт: x\n\nold",
        "________________________________\nОт: Кактус\nОтправлено: 6 мая\nКому: я\nТема: счёт\n\nold",
        "*From:* Desk <a@b.example>\n*Sent:* Tuesday\n*To:* me\n*Subject:* x\n\nold",
        "От кого: Кактус\nДата: 6 мая\nКому: я\n\nold",
        "Op 17-feb.-2025, om 13:18 heeft Jan <a@b.example> het volgende geschreven:\n\nold",
        "ti 10. helmik. 2025 klo 12.00 Matti (a@b.example) kirjoitti:\n> old",
        "Στις Τρί, 10 Φεβ 2025 στις 12:00, ο Nikos <a@b.example> έγραψε:\n> old",
        "на вт, 10.02.2025 г. в 12:00 Иван <a@b.example> написа:\n> old",
        "--- On Tue, 2/10/25, Bob <a@b.example> wrote:\n\nFrom: Bob\nSubject: x\nTo: me\nDate: Tue\n\nold",
        '在 2025-02-10 12:00:00，"Bob" <a@b.example> 写道：\n\nold',
        "## Please type your reply above this line ##\n\nold",
        "-- Пишите ответ выше этой линии --\n\nold",
        '"Desk" <a@b.example>, 7 мая 2025, 10:11:\nold',
        "Письмо отправлено с мобильного устройства. Извините за опечатки.",
        "Сообщение и вложения к нему конфиденциальны.",
        "С Уважением, Петров И.И.\nначальник отдела",
        "Sent with Proton Mail <https://proton.example/> secure email.",
        "Внимание! Это сообщение (включая вложения) предназначено только для адресата.",
        "-- \nИван",
        "--\nИван Петров\n+7 900 000-00-00",
        "С уважением,\nИван Петров\nдиректор",
        "С уважением, Иван",
        "З повагою,\nОлена",
        "Best regards,\nJane Doe\nCEO",
        "Kind regards\nJane",
        "Отправлено с iPhone",
        "Отправлено из мобильной Почты Mail.ru",
        "Отправлено из Яндекс Почты для мобильных",
        "Надіслано з iPhone",
        "Sent from my iPhone",
        "Sent from Outlook for Android",
        "Get Outlook for iOS<https://aka.example/o>",
        "=-=-= Пишите ответ выше этой строки =-=-=\nstill old",
        "> =-=-= Reply above this line =-=-=\n> old",
        "This e-mail is confidential and may be privileged.\nDelete it.",
        "Это сообщение является конфиденциальным и предназначено только адресату.",
    ],
)
def test_what_follows_the_new_words_is_folded(tail: str) -> None:
    assert new_words(f"Новые слова.\nВторая строка.\n\n{tail}\n") == "Новые слова.\nВторая строка."


@pytest.mark.parametrize(
    "text",
    [
        "On the other hand, he wrote:\nnothing at all.",
        "Sent from my desk, is much easier than my phone.",
        "Он пишет:\nпришлите договор",
        "Тема: счёт\nСумма: 5",
        "Номер: 5\nДата: завтра",
        "```\n> x\n-- \nFrom: a\nTo: b\nSubject: c\n```",
        "С уважением отношусь к вашей работе, но счёт неверный.",
        "Thanks,\nплохо работает",
        "I reply above this line and it is cut. Why",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@",
    ],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert fold(text) == ()
    assert reply_of(text, ()) == text


@pytest.mark.parametrize("command", ["#note перезвонить", "#Заметка", "#решено", "#continue"])
@pytest.mark.parametrize("signature", ["С уважением,\nАнна\n", "-- \nАнна", "This email is confidential.\n"])
def test_a_command_below_the_signature_is_no_part_of_it(signature: str, command: str) -> None:
    assert new_words(f"Готово.\n\n{signature}\n{command}\nВнутри.") == f"Готово.\n\n{command}\nВнутри."


def test_what_only_looks_like_a_command_stays_in_the_signature() -> None:
    assert new_words("Готово.\n\n-- \nАнна\n#1 в продажах\n#notebooks\nhttp://x.example/#note") == "Готово."


@pytest.mark.parametrize(
    "old", ["On 7 May 2025 at 10:11, Desk wrote:\n> old", "-----Original Message-----\nFrom: Desk\nTo: me\n\nold"]
)
@pytest.mark.parametrize("signature", ["С уважением,\nИван", "Отправлено с iPhone", "-- \nИван"])
def test_a_signature_alone_above_old_words_is_what_is_new(signature: str, old: str) -> None:
    assert new_words(f"{signature}\n\n{old}") == signature


@pytest.mark.parametrize("text", ["> only\n> quoted", "-- \nИван", "-----Original Message-----\nold", "", "\n\n"])
def test_if_nothing_would_be_left_nothing_is_folded(text: str) -> None:
    assert fold(text) == ()


def test_answers_between_quotes_stay() -> None:
    text = "Привет!\n\n> один?\nда\n\n> два?\nнет\n\n-- \nИван\n"
    assert new_words(text) == "Привет!\n\nда\n\nнет"


def test_the_loose_end_of_a_wrapped_quoted_line_belongs_to_the_quote() -> None:
    quoted = "> " + "очень длинная строка, которую перенесли по дороге к нам сюда и"
    assert new_words(f"Да.\n\n{quoted}\nдальше\n> конец\n") == "Да."


@pytest.mark.parametrize("old", ["=-=-= Ответ пишите выше этой строки =-=-=", "> старое"])
def test_words_below_more_lines_than_are_looked_at_stay(old: str) -> None:
    text = "строка журнала\n" * 10_000 + f"\nВот и всё, почему?\n\n{old}\n"
    assert "Вот и всё, почему?" in new_words(text)


def test_what_is_forwarded_is_new() -> None:
    text = "Посмотрите.\n\n---------- Forwarded message ---------\nFrom: a\nDate: b\nTo: c\n\nТекст\n"
    assert new_words(text) == text.strip()


def test_a_blank_body_below_the_marker_is_folded_even_in_a_forward() -> None:
    text = "Новое\n=-=-= x =-=-=\nстарое"
    assert reply_of(text, fold(text, is_forward=True)) == "Новое"


@given(
    st.lists(st.sampled_from(["> a", "b", "", "-- ", "x wrote:", "```", "From: x", "To: y", "Date: z", "=-=-= =-=-="]))
)
def test_folds_are_ordered_lines_and_never_everything(lines: list[str]) -> None:
    text = "\n".join(lines)
    folds = fold(text)
    edges = [edge for one in folds for edge in one]
    assert edges == sorted(set(edges))
    assert all(edge == len(text) or edge == 0 or text[edge - 1] == "\n" for edge in edges)
    assert reply_of(text, folds).strip() or not text.strip()
