"""Russian comes out as Russian, whatever the label says; other languages keep their label."""

import pytest

from maild.mime.charset import codec_of, decode

RUSSIAN = "Здравствуйте! Не могу войти в личный кабинет, пишет: ошибка сервера."


@pytest.mark.parametrize("real", ["cp1251", "koi8-r", "cp866", "iso8859-5"])
@pytest.mark.parametrize(
    "label", ["windows-1251", "koi8-r", "cp-866", "iso-8859-1", "us-ascii", "", "unknown-8bit", "utf-8"]
)
def test_russian_is_read_under_any_label(real: str, label: str) -> None:
    assert decode(RUSSIAN.encode(real), label).text == RUSSIAN


@pytest.mark.parametrize("label", ["koi8-r", "windows-1251", "iso-8859-1", ""])
def test_utf8_is_read_under_any_label(label: str) -> None:
    assert decode("Счёт № 5".encode(), label).text == "Счёт № 5"


def test_a_line_in_another_charset_does_not_spoil_the_rest() -> None:
    mixed = "Добрый день, это письмо\n".encode() + "переслано с сервера на сервер\n".encode("cp1251")
    assert decode(mixed, "utf-8").text == "Добрый день, это письмо\nпереслано с сервера на сервер\n"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("größer als Übung, schöne Grüße", "iso-8859-1"),
        ("déjà vu à la carte", "windows-1252"),
        ("Γειά σου κόσμε", "windows-1253"),
        ("こんにちは世界", "iso-2022-jp"),
        ("你好世界", "x-gbk"),
        ("สวัสดี", "windows-874"),
        ("żółć gęś", "iso-8859-2"),
        ("Привет", "x-mac-cyrillic"),
    ],
)
def test_a_true_label_is_believed(text: str, label: str) -> None:
    decoded = decode(text.encode(codec_of(label)), label)
    assert decoded.text == text
    assert not decoded.is_guessed


@pytest.mark.parametrize(
    "label", ["utf-7", "base64", "rot13", "unicode_escape", "idna", "undefined", "\x00", "x" * 500]
)
def test_what_is_no_charset_of_mail_is_refused(label: str) -> None:
    assert codec_of(label) == ""
