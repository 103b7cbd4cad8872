import email.policy
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage, Message, MIMEPart
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mime.compose import Outgoing, OutgoingAttachment, compose
from maild.mime.headers import clean_header

LETTER = Outgoing(
    from_name="Иван П. via Кактус",
    from_address="billing+t1042.abc@desk.example",
    to_name="Анна",
    to_address="anna@firma.example",
    reply_to="billing+t1042.abc@desk.example",
    subject="[#1042] Не приходит счёт",
    date=datetime(2026, 11, 23, 11, 5, tzinfo=UTC),
    message_id="t1042.7.sig@desk.example",
    references=("first@mail.example", "second@mail.example"),
    text="Добрый день!\n\nСчёт отправлен.\n",
    html="<p>Добрый день!</p><p>Счёт отправлен.</p>",
    fields=(("X-Maild-Ticket", "1042"),),
)
NESTED = b"From: a@b.example\r\nSubject: inner\r\nContent-Type: text/plain\r\n\r\nhello\r\n"


def parsed(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=email.policy.default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def text_of(part: MIMEPart | None) -> str:
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def shape(message: Message) -> list[str]:
    return [part.get_content_type() for part in message.walk()]


def check_wire(raw: bytes) -> None:
    lines = raw.split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)
    assert raw.isascii()


def test_a_letter_holds_what_was_put_in() -> None:
    raw = compose(LETTER)
    check_wire(raw)
    message = parsed(raw)
    assert [field for part in message.walk() for field in part.defects] == []
    assert message["From"].addresses[0].display_name == "Иван П. via Кактус"
    assert message["To"].addresses[0].addr_spec == "anna@firma.example"
    assert message["Reply-To"] == "billing+t1042.abc@desk.example"
    assert message["Subject"] == "[#1042] Не приходит счёт"
    assert message["Date"].datetime == LETTER.date
    assert message["Message-ID"] == "<t1042.7.sig@desk.example>"
    assert message["In-Reply-To"] == "<second@mail.example>"
    assert message["References"].split() == ["<first@mail.example>", "<second@mail.example>"]
    assert message["X-Maild-Ticket"] == "1042"
    assert message["Auto-Submitted"] is None
    assert shape(message) == ["multipart/alternative", "text/plain", "text/html"]
    assert text_of(message.get_body(("plain",))) == LETTER.text
    assert text_of(message.get_body(("html",))).strip() == LETTER.html


def test_automatic_letters_say_so_to_everybody() -> None:
    message = parsed(compose(replace(LETTER, auto_submitted="auto-replied")))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"


def test_the_same_letter_is_the_same_bytes() -> None:
    letter = replace(LETTER, attachments=(OutgoingAttachment("a.bin", "application/x-a", b"\0\1"),))
    assert compose(letter) == compose(letter)


@given(st.text(), st.text(), st.text(), st.text(), st.text())
def test_any_unicode_makes_a_valid_letter_without_further_fields(
    from_name: str, to_name: str, subject: str, text: str, file_name: str
) -> None:
    letter = replace(
        LETTER,
        from_name=from_name,
        to_name=to_name,
        subject=subject,
        text=text,
        html="",
        fields=(("X-Maild-Words", subject),),
        attachments=(OutgoingAttachment(file_name, "application/pdf", b"%PDF"),),
    )
    raw = compose(letter)
    check_wire(raw)
    message = parsed(raw)
    expected = "Date From Reply-To To Subject Message-ID In-Reply-To References X-Maild-Words MIME-Version Content-Type"
    assert message.keys() == expected.split()
    assert message["Subject"] == clean_header(subject)
    (attached,) = message.iter_attachments()
    assert attached.get_content() == b"%PDF"
    assert list(attached.keys()) == ["Content-Type", "Content-Disposition", "Content-Transfer-Encoding"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n")).map(lambda text: text.strip("\n")))
def test_text_comes_back_to_the_letter(text: str) -> None:
    assert text_of(parsed(compose(replace(LETTER, text=text, html="")))) == text + "\n"


@pytest.mark.parametrize(
    "text", ["From me to you\n", "a\nFrom b\n.\n", "x" * 5000, "trailing  \n\ttab\t\n", "é" * 3000, ""]
)
def test_awkward_lines_survive_the_way(text: str) -> None:
    raw = compose(replace(LETTER, text=text, html=""))
    body = raw.partition(b"\r\n\r\n")[2]
    assert all(len(line) <= 76 and not line.startswith(b"From ") and line != b"." for line in body.split(b"\r\n"))
    assert text_of(parsed(raw)).rstrip("\n") == text.rstrip("\n")


def test_files_are_attached_with_their_names() -> None:
    files = (
        OutgoingAttachment("Счёт № 311.pdf", "application/pdf", b"%PDF-1.7"),
        OutgoingAttachment('we"ird\\\r\nX-Evil: 1.txt', "text/plain", "текст".encode("cp1251")),
        OutgoingAttachment("", "not a type", b"?"),
    )
    message = parsed(compose(replace(LETTER, attachments=files)))
    assert shape(message)[:4] == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]
    attached = list(message.iter_attachments())
    assert [one.get_filename() for one in attached] == ["Счёт № 311.pdf", "we'ird_ X-Evil: 1.txt", "file"]
    assert [one.get_content_type() for one in attached] == ["application/pdf", "text/plain", "application/octet-stream"]
    assert attached[1].get_payload(decode=True) == "текст".encode("cp1251")


def test_pictures_the_html_shows_lie_beside_it_and_others_are_files() -> None:
    files = tuple(
        OutgoingAttachment(f"{one}.png", "image/png", b"\x89PNG", inline=True, content_id=one) for one in ("a@x", "b@x")
    )
    message = parsed(compose(replace(LETTER, html='<img src="cid:a@x">', attachments=files)))
    assert shape(message) == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "image/png",
    ]
    assert [part["Content-ID"] for part in message.walk() if part["Content-ID"]] == ["<a@x>", "<b@x>"]


def test_an_attached_message_stays_a_message() -> None:
    (attached,) = parsed(
        compose(replace(LETTER, attachments=(OutgoingAttachment("m.eml", "message/rfc822", NESTED),)))
    ).iter_attachments()
    assert attached.get_content_type() == "message/rfc822"
    assert attached["Content-Transfer-Encoding"] == "7bit"
    assert attached.get_content()["Subject"] == "inner"


@pytest.mark.parametrize("content", [NESTED + "я".encode(), NESTED + b"x" * 1200, NESTED + b"\0"])
def test_a_message_that_is_not_seven_bit_goes_as_a_file_with_its_bytes(content: bytes) -> None:
    raw = compose(replace(LETTER, attachments=(OutgoingAttachment("m.eml", "message/rfc822", content),)))
    check_wire(raw)
    (attached,) = parsed(raw).iter_attachments()
    assert attached.get_content_type() == "application/octet-stream"
    assert attached.get_content() == content


def test_an_attached_message_cannot_close_our_parts() -> None:
    boundary = parsed(
        compose(replace(LETTER, html="", attachments=(OutgoingAttachment("a", "a/b", b""),)))
    ).get_boundary()
    content = NESTED + f"--{boundary}--\r\n".encode()
    (attached,) = parsed(
        compose(replace(LETTER, html="", attachments=(OutgoingAttachment("m.eml", "message/rfc822", content),)))
    ).iter_attachments()
    assert attached.get_content() == content


def test_references_keep_the_first_and_the_newest_and_leave_out_what_cannot_be_written() -> None:
    ids = tuple(f"{number}@mail.example" for number in range(300))
    message = parsed(compose(replace(LETTER, references=("a b@c", "x>\r\nBcc: v@v.test", "я@c", *ids, ids[5]))))
    references = message["References"].split()
    assert len(references) == 100
    assert (references[0], references[-1]) == ("<0@mail.example>", "<299@mail.example>")
    assert message["In-Reply-To"] == "<299@mail.example>"
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "a b@c"},
        {"to_address": "nobody"},
        {"to_address": "иван@firma.example"},
        {"fields": (("Bcc", "v@v.test"),)},
        {"fields": (("X-A\r\nBcc", "v@v.test"),)},
    ],
)
def test_what_cannot_be_written_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not a|SMTPUTF8"):
        compose(replace(LETTER, **change))  # type: ignore[arg-type]


def test_an_address_outside_ascii_is_written_when_the_relay_takes_it() -> None:
    raw = compose(replace(LETTER, to_address="иван@пример.рф", smtputf8=True))
    assert "<иван@xn--e1afmkfd.xn--p1ai>".encode() in raw


def test_a_small_letter_takes_less_than_a_millisecond() -> None:
    def once() -> float:
        start = time.thread_time()
        compose(LETTER)
        return time.thread_time() - start

    assert min(once() for _ in range(50)) < 0.001
