import email.policy
import re
from email.header import decode_header, make_header
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mime.headers import address, check_header_section, clean_header, display_name, field, mailbox_field

ANY_TEXT = st.text(st.characters(codec=None), max_size=600)
NASTY_TEXT = st.lists(
    st.one_of(
        st.sampled_from(["\r\n", "\n", "\r", "\0", "\x85", "\u2028", "Bcc: v@v.test", "=?utf-8?q?=0D=0A?=", " "]),
        st.text(),
    ),
    max_size=12,
).map("".join)


def decoded(raw: str) -> str:
    value = raw.partition(":")[2]
    return str(make_header(decode_header(re.sub(r"\r\n(?=[ \t])", "", value).strip())))


@given(ANY_TEXT | NASTY_TEXT)
def test_a_cleaned_value_is_one_visible_line(value: str) -> None:
    clean = clean_header(value)
    assert clean.isprintable() or not any(char in clean for char in "\r\n\0\u2028\u2029\u202e\u200b")
    assert clean == " ".join(clean.split())
    assert len(clean) <= 400
    assert clean_header(clean) == clean


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hi\r\nBcc: victim@v.test", "hi Bcc: victim@v.test"),
        ("a\0b\x7fc", "a b c"),
        ("fdp.\u202eexe", "fdp.exe"),
        ("pay\u200bpal\ufeff", "paypal"),
        ("  Счёт \t № 5\u00a0", "Счёт № 5"),
        ("\ud800lone", "lone"),
        ("я" * 500, "я" * 400),
    ],
)
def test_nothing_that_breaks_hides_or_reverses_a_line_stays(value: str, expected: str) -> None:
    assert clean_header(value) == expected


@given(ANY_TEXT | NASTY_TEXT)
def test_any_subject_comes_back_as_it_was_cleaned(value: str) -> None:
    raw = field("Subject", value)
    assert raw.isascii()
    assert decoded(raw) == clean_header(value)


@given(ANY_TEXT | NASTY_TEXT)
def test_no_subject_makes_a_field_of_its_own(value: str) -> None:
    raw = field("Subject", value)
    check_header_section(raw.encode() + b"\r\n", ["Subject"])


def test_a_line_with_encoded_words_has_at_most_76_characters_and_the_tag_stays_readable() -> None:
    raw = field("Subject", "[#1042] " + "Не приходит счёт за ноябрь 😀 " * 10)
    assert raw.startswith("Subject: [#1042]\r\n =?utf-8?B?")
    assert all(len(line) <= 76 for line in raw.split("\r\n"))


def test_words_that_look_encoded_are_not_decoded_by_the_reader() -> None:
    assert decoded(field("Subject", "see =?utf-8?q?evil?= here")) == "see =?utf-8?q?evil?= here"


@given(ANY_TEXT | NASTY_TEXT)
def test_no_name_adds_a_mailbox_or_a_field(name: str) -> None:
    raw = mailbox_field("From", name, "billing@desk.example").encode()
    check_header_section(raw + b"\r\n", ["From"])
    parsed = BytesParser(policy=email.policy.default).parsebytes(raw + b"\r\n")
    assert [one.addr_spec for one in parsed["From"].addresses] == ["billing@desk.example"]


@pytest.mark.parametrize("name", ["Александр Пушкин via Кактус", "Иванов, Пётр (склад) via Кактус; x", "=?x via Ъ"])
def test_ascii_words_of_a_name_part_its_encoded_words(name: str) -> None:
    raw = mailbox_field("From", name, "b@x.example").encode() + b"\r\n"
    found = BytesParser(policy=email.policy.default).parsebytes(raw)["From"]  # it keeps blanks between encoded words
    assert (found.addresses[0].display_name, found.addresses[0].addr_spec) == (name, "b@x.example")


def test_names_are_quoted_or_encoded_and_lose_what_could_be_read_as_an_address() -> None:
    assert display_name("Smith, J.") == ['"Smith, J."']
    assert display_name('"Boss" <boss@bank.example>') == ['"Boss boss@bank.example"']
    assert display_name(" \u200b ") == []
    assert mailbox_field("To", "Иван П.", "a@b.example") == "To: =?utf-8?B?0JjQstCw0L0g0J8u?= <a@b.example>\r\n"


def test_a_domain_is_written_in_ascii() -> None:
    assert address("info@пример.рф") == "info@xn--e1afmkfd.xn--p1ai"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        "a@",
        "a b@c.example",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "a\u202e@b.example",
    ],
)
def test_what_is_no_mailbox_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="not a mailbox"):
        address(value)


def test_a_local_part_outside_ascii_needs_smtputf8() -> None:
    with pytest.raises(ValueError, match="SMTPUTF8"):
        address("иван@пример.рф")
    assert address("иван@пример.рф", smtputf8=True) == "иван@xn--e1afmkfd.xn--p1ai"


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: hi\r\nBcc: v@v.test\r\n\r\nbody",
        b"Subject: hi\nBcc: v@v.test\r\n\r\nbody",
        b"Subject: hi\rBcc: v@v.test\r\n\r\nbody",
        b"Subject: hi\r\n \r\n\r\nbody",
        b"Subject: hi\0\r\n\r\nbody",
        b"Subject: hi\r\nno field\r\n\r\nbody",
        b" Subject: hi\r\n\r\n",
        b"To: hi\r\n\r\nbody",
        b"\r\n\r\nbody",
    ],
)
def test_a_header_section_with_other_fields_than_meant_never_leaves(raw: bytes) -> None:
    with pytest.raises(ValueError, match="field"):
        check_header_section(raw, ["Subject"])


def test_a_folded_header_section_passes() -> None:
    check_header_section(b"Subject: a\r\n b\r\nTO: c@d.example\r\n\r\nBcc: not a header", ["Subject", "To"])
