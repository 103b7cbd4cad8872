"""Names, addresses, dates and words of the header section, as real programs break them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.mail import Mailbox
from maild.mime import charset, mailboxes, moments, transfer
from maild.mime.fields import decode_words
from maild.mime.parse import parse


@pytest.mark.parametrize(
    ("field", "name", "address", "is_sole"),
    [
        ("Doe, John <j@d.example>", "Doe, John", "j@d.example", True),
        ('"Doe, John" <j@d.example>', "Doe, John", "j@d.example", True),
        ("j@d.example (John Doe)", "John Doe", "j@d.example", True),
        ('John "JD" Doe <j@d.example>', "John JD Doe", "j@d.example", True),
        ("j@d.example <J@D.example>", "", "J@D.example", True),
        ('J <"quoted local"@d.example>', "J", '"quoted local"@d.example', True),
        ("x@y.example via Desk <j@d.example>", "x@y.example via Desk", "j@d.example", False),
        ("John Doe j@d.example", "John Doe", "j@d.example", False),
        ("John Doe <j@d.example", "John Doe", "j@d.example", False),
        ("John Doe <<j@d.example>>", "John Doe", "j@d.example", False),
        ("John Doe: Sales <j@d.example>", "John Doe: Sales", "j@d.example", False),
        ("John Doe <mailto:j@d.example>", "John Doe", "j@d.example", False),
        ("Ivan [j@d.example]", "Ivan", "j@d.example", False),
        ("'j@d.example'", "", "j@d.example", False),
        ('"Ivan Petrov\\" <j@d.example>', "Ivan Petrov", "j@d.example", False),
        ("Ivan <j@d.example> on behalf of Z <z@z.example>", "Ivan", "j@d.example", False),
        ("i@p.example@x.example", "", "i@p.example@x.example", False),
        ("j @ d.example", "", "j@d.example", True),
        ("J <root>", "J", "root", False),
        ("Somebody without an address", "Somebody without an address", "", False),
        ("=?utf-8?Q?Ivan, Petrov?= <j@d.example>", "Ivan, Petrov", "j@d.example", True),
        ("=?utf-8?Q?=3Cx@y.example=3E?= <j@d.example>", "<x@y.example>", "j@d.example", True),
    ],
)
def test_an_author_is_read_as_a_person_would(field: str, name: str, address: str, is_sole: bool) -> None:
    mail = parse(f"From: {field}\r\nSubject: x\r\n\r\nx".encode())
    assert (mail.author, mail.is_author_sole) == (Mailbox(name, address), is_sole)


def test_an_empty_author_is_stood_in_for_display_only() -> None:
    mail = parse(b"From: <>\nReply-To: Z <z@z.example>\nSender: s@s.example\n\nx")
    assert (mail.author, mail.is_author_sole) == (Mailbox("Z", "z@z.example"), False)
    assert mail.is_author_stand_in
    assert not parse(b"From: i@i.example\nReply-To: Z <z@z.example>\n\nx").is_author_stand_in


@given(st.text(alphabet='ab@<>",;:()\\ =?q_.[]', max_size=60))
def test_any_field_gives_mailboxes(value: str) -> None:
    for one in mailboxes.read_list(value):
        assert "@" in one.address
    mailboxes.read_name(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?Q?=D0=98=D0?= =?utf-8?Q?=B2?=", "Ив"),
        ("=?utf-8*ru?q?=D0=98=D0?= =?UTF-8?B?sg==?=", "Ив"),
        ("=?utf-8?B?0JjQstCw0L0?=", "Иван"),
        ("=?utf-8?B?0Jj Qst Cw0L0=?=", "Иван"),
        ("=?utf-8?Q?a b_c?=", "a b c"),
        ("=?utf-8?Q?a?b?=", "a?b"),
        ("a=?utf-8?Q?b?=c", "abc"),
        ("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
        ("=?utf-8?Q?=D0=98", "И"),
        ("=?utf-8?B?0JjQstCw0L0?= =?utf-8?B?=", "Иван"),
        ("=?iso-2022-jp?B?GyRCRnxLXA==?= =?iso-2022-jp?B?OGwbKEI=?=", "日本語"),
        ("=?utf-8?Q?=CF=F0=E8=E2=E5=F2?=", "Привет"),
        ("=?utf-8?Q?=ED=A0=BD=ED=B8=80?=", "😀"),
        ("=??Q?abc?=", "abc"),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("=?utf-7?Q?+ADw-?=", "+ADw-"),
        (f"=?utf-8?Q?{'a' * 5000}?=", "a" * 5000),
    ],
)
def test_encoded_words_are_read_however_they_are_broken(value: str, text: str) -> None:
    assert decode_words(value) == text


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Mon, 23 Nov 2026 10:00:00 +0300", "2026-11-23T07:00:00+00:00"),
        ("23 Nov 26 10:00 EST", "2026-11-23T15:00:00+00:00"),
        ("Mon, 23 Nov 2026 10:00:00 MSK", "2026-11-23T07:00:00+00:00"),
        ("Mon, 23 Nov 2026 10:00:00 GMT+0300 (MSK)", "2026-11-23T07:00:00+00:00"),
        ("Mon, 23 Nov 2026 10:00:00 +03:00", "2026-11-23T07:00:00+00:00"),
        ("Mon, 23 Nov 2026 10:00:00.123 +300", "2026-11-23T07:00:00+00:00"),
        ("Mon, 23-Nov-2026 10.00.00 +0300", "2026-11-23T07:00:00+00:00"),
        ("2026-11-23T10:00:00+03:00", "2026-11-23T07:00:00+00:00"),
        ("2026-11-23 10:00:00", "2026-11-23T10:00:00+00:00"),
        ("Mon, 31 Feb 2026 10:00:00 +0300", None),
        ("Mon, 23 Nov 2026 10:00:00 +9999", None),
        ("yesterday", None),
        ("1" * 100_000, None),
    ],
)
def test_dates_are_read_in_the_forms_that_programs_write(value: str, moment: str | None) -> None:
    found = moments.read(None, value)
    assert (found.isoformat() if found else None) == moment


@given(st.text(alphabet="0123456789:+-. ,MonNovGTUCS()", max_size=40))
def test_any_date_is_a_moment_or_none(value: str) -> None:
    moments.read(None, value)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Да", "cp1251"),
        ("Счёт", "cp1251"),
        ("Счёт", "koi8-r"),
        ("файл.doc", "koi8-r"),
        ("Ёлка", "cp1251"),
        ("ООО «Ромашка»", "cp1251"),
        ("тест", "cp866"),
        ("café crème", "cp1252"),
        ("Übergröße", "latin-1"),
        ("it’s", "cp1252"),
        ("日本語のメールです", "cp932"),
    ],
)
def test_short_texts_without_a_charset_are_guessed(text: str, codec: str) -> None:
    assert charset.decode(text.encode(codec)).text == text


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("x-gbk", "gb18030"),
        ("windows-874", "cp874"),
        ("'koi8-r'", "koi8-r"),
        ('"UTF-8"', "utf-8"),
        ("=utf-8", "utf-8"),
        ("utf-8*ru", "utf-8"),
        ("iso-8859-8-i", "iso8859-8"),
        ("ks_c_5601-1987", "cp949"),
        ("utf8mb4", "utf-8"),
        ("cp-866", "cp866"),
        ("windows-31j", "cp932"),
        ("unknown-8bit", ""),
        ("utf-7", ""),
        ("", ""),
    ],
)
def test_charset_labels_are_known_by_many_names(label: str, codec: str) -> None:
    assert charset.codec_of(label) == codec


@pytest.mark.parametrize(
    ("body", "encoding", "content"),
    [
        (b"aGVs!!bG8g\r\nd29y--bGQ\r\n", "base64", b"hello world"),
        (b"aGVsbG8=\r\nd29ybGQ=\r\n", "base64", b"helloworld"),
        (b"aGVsbG8=\r\n\r\n-- \r\nA footer\r\n", "base64", b"hello"),
        (b"=d0=98=zz soft= \r\nbreak", "quoted-printable", "И=zz softbreak".encode()),
        (b"begin 644 a\n#0V%T\n`\nend\n", "x-uuencode", b"Cat"),
        (b"as it is", "unknown", b"as it is"),
    ],
)
def test_transfer_encodings_are_read_as_far_as_they_go(body: bytes, encoding: str, content: bytes) -> None:
    assert transfer.decoded(body, encoding) == content


@given(st.binary(max_size=300), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "7bit"]))
def test_any_octets_are_decoded(body: bytes, encoding: str) -> None:
    assert isinstance(transfer.decoded(body, encoding), bytes)


@pytest.mark.parametrize(
    ("value", "name"), [("8 bit", "8-bit"), ('"BASE64"', "base64"), ("Quoted_Printable;", "quoted-printable"), ("", "")]
)
def test_transfer_encodings_are_known_by_many_names(value: str, name: str) -> None:
    assert transfer.encoding_named(value) == name


def test_an_inline_file_is_one_that_the_text_can_show() -> None:
    related = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n"
    html = b'<img src="cid:pic@x">\n'
    rest = b"--b\nContent-Type: image/png; name=%s\nContent-ID: <%s>\nContent-Disposition: %s\n\nx\n"
    cases = [(b"shown", b"pic@x", b"attachment"), (b"meant", b"q@x", b"inline"), (b"apple", b"", b"inline")]
    mail = parse(related + html + b"".join(rest % case for case in cases) + b"--b--\n")
    assert [(one.name, one.inline) for one in mail.attachments] == [("shown", True), ("meant", True), ("apple", False)]
