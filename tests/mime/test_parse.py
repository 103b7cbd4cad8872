"""The promises of the reading half: never an exception, limits kept, nothing dangerous passed on."""

import time
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.core.languages import language_of
from maild.core.mail import Mail
from maild.mime.attach import cut
from maild.mime.clean import clean
from maild.mime.names import MAX_NAME, safe_name
from maild.mime.parse import parse

PIECES = st.sampled_from(
    [
        *(
            b"From: ",
            b"Subject: =?koi8-r?B?",
            b"?=",
            b"\r\n",
            b"\n",
            b"\r",
            b"\n\n",
            b"\0",
            b"--b",
            b"--b--",
            b'"',
            b"<",
        ),
        *(b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: message/rfc822", b"filename*0*=utf-7''%00;"),
        *(b"Content-Transfer-Encoding: base64", b"Content-Disposition: attachment; filename=../x", b"@", b"a@b.c"),
        *(
            b"<table><td>",
            b"<blockquote>",
            b"> ",
            b"-- ",
            b"charset=",
            b"Content-Type: text/html; charset=unknown-8bit",
        ),
        *(b"\xff", b" ", b";", b">"),
    ]
)


def assert_is_sound(mail: Mail) -> None:
    assert all(0 <= start < end <= len(mail.text) for start, end in mail.folds)
    written = [mail.subject, mail.text, mail.reply, mail.html_safe, *(one.name for one in mail.attachments)]
    "".join([*written, *(name + value for name, value in mail.headers)]).encode("utf-8")  # no lone surrogates
    assert not any("\n" in value or "\r" in value for _, value in mail.headers)


@given(st.binary(max_size=2000))
def test_any_bytes_make_a_mail(raw: bytes) -> None:
    assert_is_sound(parse(raw))


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=60))
def test_any_mixture_of_mail_syntax_makes_a_mail(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    mail = parse(raw)
    assert_is_sound(mail)
    assert [len(cut(raw, one.part)) for one in mail.attachments] == [one.size for one in mail.attachments]


def nested(depth: int) -> bytes:
    heads = [b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)]
    return b"From: a@b.example\nSubject: deep\n" + b"".join(heads) + b"\ntext\n"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"Subject: x\n" + b"X-A: y\n" * 1100 + b"\nbody", "fields"),
        (b"Subject: x\nX-A: " + b"y" * 300_000 + b"\n\nbody", "256 KiB"),
        (nested(60).replace(b"From", b"Subject: x\nFrom", 1), "deep"),
        (nested(5000), "deep"),
        (b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 600, "500 parts"),
    ],
    ids=["fields", "header", "depth", "very-deep", "parts"],
)
def test_beyond_the_limits_the_header_is_still_known(raw: bytes, error: str) -> None:
    mail = parse(raw)
    assert mail.error is not None
    assert error in mail.error
    assert mail.subject in ("x", "deep")
    assert mail.text == ""


def test_within_the_limits_nothing_is_an_error() -> None:
    assert parse(nested(50)).error is None
    assert parse(nested(50)).text.strip() == "text"
    parts = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 500
    assert parse(parts).error is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda n: b"Subject: " + b"=?a?q?" * (n // 8) + b"\n\nx",
        lambda n: b"From: " + b"a@" * (n // 8) + b"\n\nx",
        lambda n: b"From: " + b"<" * (n // 8) + b"\n\nx",
        lambda n: b'Content-Type: text/plain; x="' + b";" * (n // 8) + b"\n\nx",
        lambda n: b"\n" * n,
        lambda n: b"A: b\n\n" + b"\r" * n,
        lambda n: b"A: b\n\n" + b">" * n,
        lambda n: b"A: b\n\n" + b"x:\n" * (n // 3),
        lambda n: b"A: b\n\n" + b"On 1:00 wrote\n" * (n // 14),
        lambda n: b"A: b\n\n" + b"From: x\n" * (n // 8),
        lambda n: b"A: b\n\n" + b"-- \n" * (n // 4),
        lambda n: b"A: b\n\n" + b"a" * n,
        lambda n: b"A: b\n\n" + b"```\n" * (n // 4),
        lambda n: b"Content-Type: text/html\n\n" + b"<" * n,
        lambda n: b"Content-Type: text/html\n\n" + b"<div>" * (n // 5),
        lambda n: b"Content-Type: text/html\n\n" + b"<table><tr><td>x" * (n // 16),
        lambda n: b"Content-Type: text/html\n\n" + b'<b class="gmail_attr">' * (n // 22),
        lambda n: b"x\n a: " * (n // 48),
    ],
)
def test_hostile_mail_costs_little(make: Callable[[int], bytes]) -> None:
    started = time.process_time()
    parse(make(200_000))
    assert time.process_time() - started < 5


def attached(disposition: bytes) -> Mail:
    return parse(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf\n"
        b"Content-Disposition: attachment; " + disposition + b"\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n--b--\n"
    )


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'filename="../../etc/passwd"', "passwd"),
        (b'filename="C:\\\\Temp\\\\\xd1\x81\xd1\x87\xd1\x91\xd1\x82.pdf"', "счёт.pdf"),
        (b'filename="..\\\\..\\\\boot.ini"', "boot.ini"),
        (b'filename=".htaccess"', "htaccess"),
        (b"filename*=utf-8''a%E2%80%AEfdp.exe", "afdp.exe"),
        (b"filename*=utf-8''%E2%80%8B.bashrc", "bashrc"),
        (b"filename*=koi8-r''%F3%FE%A3%F4.pdf", "СЧёТ.pdf"),
        (b"filename*0*=utf-8''%D1%81%D1%87; filename*1*=%D1%91%D1%82.pdf", "счёт.pdf"),
        (b'filename="=?windows-1251?B?0ffl8i5wZGY=?="', "Счет.pdf"),
        (b'filename="a\n b: c.pdf"', "a b_ c.pdf"),
        (b'filename="a%00b.pdf"', "a%00b.pdf"),
        (b"filename*=utf-8''x%00%0D%0Ay.pdf", "x y.pdf"),
        (b'filename="\xef\xbc\x8e\xef\xbc\x8e\xef\xbc\x8fx.pdf"', "x.pdf"),
        (b'filename="con.txt"', "_con.txt"),
        ('filename="счёт 5/6.pdf"'.encode(), "счёт 5_6.pdf"),
        (b'filename=""', "application-2.pdf"),
        (b"", "application-2.pdf"),
    ],
)
def test_attachment_names_are_safe(disposition: bytes, name: str) -> None:
    assert [one.name for one in attached(disposition).attachments] == [name]


def test_an_attachment_is_cut_out_again() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: inner\r\n\r\nhello\r\n--b--\r\n"
    )
    (one,) = parse(raw).attachments
    assert (one.name, one.type, one.part) == ("inner.eml", "message/rfc822", 1)
    assert cut(raw, one.part) == b"Subject: inner\r\n\r\nhello"
    assert sha256(cut(raw, one.part)).hexdigest() == one.sha256
    with pytest.raises(IndexError):
        cut(raw, 2)


@given(st.text(max_size=400))
def test_a_safe_name_is_a_plain_file_name(name: str) -> None:
    safe = safe_name(name)
    assert safe == safe.strip()
    assert 0 < len(safe.encode()) <= MAX_NAME
    assert not safe.startswith(".")
    assert not set(safe) & set('/\\:*?"<>|\0\r\n\t')
    assert not set(safe) & {chr(code) for code in (0x200B, 0x200E, 0x202A, 0x202E, 0x2066, 0xFEFF)}


@pytest.mark.parametrize(
    "attack",
    [
        "<script>evil()</script>",
        "<img src=x onerror=evil()>",
        "<svg onload=evil()><style>evil</style></svg>",
        "<math><mi xlink:href='javascript:evil()'>",
        "<a href='javascript:evil()'>x</a>",
        "<a href=' java\nscript:evil()'>x</a>",
        "<iframe src='https://evil.example'></iframe>",
        "<form action='https://evil.example'><input name=evil></form>",
        "<img src='https://evil.example/t.gif'>",
        "<img srcset='https://evil.example/t.gif 2x'>",
        "<div style='background:url(https://evil.example)'>x</div>",
        "<table background='https://evil.example/t.gif'><tr><td>x</table>",
        "<style>@import 'https://evil.example'</style>",
        "<link rel=stylesheet href='https://evil.example'>",
        "<meta http-equiv=refresh content='0;url=https://evil.example'>",
        "<base href='https://evil.example'>",
        "<img src='data:image/svg+xml,evil'>",
        "<noscript><p title='</noscript><img src=x onerror=evil()>'>",
        "<template><img src=x onerror=evil()></template>",
        "<object data='evil'></object><embed src='evil'>",
        "<video src='https://evil.example'></video>",
    ],
)
def test_html_attacks_are_inert(attack: str) -> None:
    cleaned = clean(f"<p>before {attack} after</p>")
    assert "before" in cleaned
    assert "evil" not in cleaned


def test_absurdly_nested_html_is_shown_as_text() -> None:
    assert clean("<div>" * 1500 + "<script>evil()</script>x &lt;b&gt;") == "<pre>x &lt;b&gt;</pre>"


def test_html_keeps_what_is_harmless() -> None:
    kept = clean('<table><tr><td colspan="2">x</td></tr></table><img src="cid:a@b"><a href="https://x.example">l</a>')
    assert 'src="cid:a@b"' in kept
    assert 'colspan="2"' in kept
    assert 'href="https://x.example"' in kept
    assert "noopener" in kept


def test_nul_bytes_are_dropped_for_parsing() -> None:
    mail = parse(b"From: a@b.example\r\nSub\0ject: x\0y\r\n\r\nhe\0llo\r\n")
    assert (mail.subject, mail.text.strip()) == ("xy", "hello")


def test_utf7_is_never_decoded() -> None:
    mail = parse(b"Content-Type: text/html; charset=utf-7\n\n+ADw-script+AD4-evil()+ADw-/script+AD4-")
    assert "<script" not in mail.html_safe
    assert "+ADw-" in mail.text


@pytest.mark.parametrize(
    ("field", "is_sole"),
    [
        (b"From: a@b.example", True),
        (b"From: Ivan, Petrov <a@b.example>", True),
        (b'From: "x@y.example" <a@b.example>', True),
        (b"From: a@b.example\nFrom: c@d.example", False),
        (b"From: a@b.example, c@d.example", False),
        (b"From: c@d.example <a@b.example>", False),
        (b"From: <a@b.example> <c@d.example>", False),
        (b"From: nobody", False),
        (b"Reply-To: a@b.example", False),
    ],
)
def test_only_one_from_with_one_mailbox_is_an_author(field: bytes, is_sole: bool) -> None:
    mail = parse(field + b"\n\nx")
    assert mail.is_author_sole is is_sole
    if is_sole:
        assert mail.author is not None
        assert mail.author.address == "a@b.example"


def test_a_forgotten_blank_line_loses_no_text() -> None:
    assert parse(b"From: a@b.example\nSubject: x\nHello there\nmore\n").text == "Hello there\nmore\n"
    assert parse(b"From: a@b.example\ngarbage line\nSubject: x\n\nHello").subject == "x"


@pytest.mark.parametrize(
    ("text", "language"),
    [("Привет", "ru"), ("Привіт", "ru"), ("hello", "en"), ("12 + 5", ""), ("Ошибка: Error 5", "ru")],
)
def test_language_follows_the_letters(text: str, language: str) -> None:
    assert language_of(text) == language


def test_code_in_a_fence_tells_no_language() -> None:
    code = "```sql\nselect number, subject, status from tickets where customer = 'ivan' order by created_at\n```"
    head = b"From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    assert parse(head + f"Запрос:\n{code}\n".encode()).language == "ru"
    assert parse(head + f"The query:\n{code}\n".encode()).language == "en"
    assert parse(head + f"{code}\n".encode()).language == ""
