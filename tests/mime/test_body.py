"""Which text a mail shows, and how HTML becomes text."""

import time
from time import process_time

import pytest

from maild.core.mail import Mail
from maild.core.robots import LOOP_FIELD
from maild.mime.html import to_text
from maild.mime.parse import parse

HEAD = "From: a@b.example\nSubject: Re: x\nMIME-Version: 1.0\n"


def single(type_: str, text: str) -> Mail:
    return parse(f"{HEAD}Content-Type: {type_}\n\n{text}".encode())


def multipart(subtype: str, *parts: tuple[str, str]) -> Mail:
    body = "".join(f"--B\nContent-Type: {type_}\n\n{text}\n" for type_, text in parts)
    return parse(f"{HEAD}Content-Type: multipart/{subtype}; boundary=B\n\n{body}--B--\n".encode())


def alternative(plain: str, html: str) -> Mail:
    return multipart("alternative", ("text/plain; charset=utf-8", plain), ("text/html; charset=utf-8", html))


@pytest.mark.parametrize(
    "plain",
    [
        " \n\u00a0\n",
        "View this email in your browser: https://x.example/1",
        "Если письмо отображается некорректно, откройте веб-версию: https://x.example/1",
        "https://x.example/1",
        "[image: logo.png]",
    ],
)
def test_a_plain_part_without_words_of_its_own_gives_way_to_html(plain: str) -> None:
    assert alternative(plain, "<p>Слова <b>письма</b></p>").text == "Слова письма"


def test_a_plain_part_that_asks_for_an_html_reader_is_shown_but_is_not_new() -> None:
    mail = alternative("Please use an HTML capable mail program.", "<p>Words</p>")
    assert mail.text == "Please use an HTML capable mail program.\nWords"
    assert mail.reply == "Words"


@pytest.mark.parametrize("plain", ["See https://x.example/1", "My HTML template is broken", "https://x.example/1"])
def test_a_short_plain_part_that_says_the_same_stays(plain: str) -> None:
    assert alternative(plain, f"<p>{plain}</p>").text.strip() == plain


def test_all_inline_texts_belong_to_the_body() -> None:
    mail = multipart("mixed", ("text/plain", "Before"), ("image/png", "x"), ("text/plain", "After"))
    assert mail.text == "Before\nAfter"


def test_flowed_lines_are_joined_and_blank_lines_part_paragraphs() -> None:
    words = "Длинная строка, кото \nрая идёт.\n\n> цитата кото \n> рая\n\nend \n\nnext\n-- \nsig"
    mail = single("text/plain; charset=utf-8; format=flowed; delsp=yes", words)
    assert mail.reply == "Длинная строка, которая идёт.\n\nend \n\nnext"


@pytest.mark.parametrize(
    ("type_", "text", "wanted"),
    [
        ("text/enriched", "<bold>Now</bold> is\nthe time\n\nfor <<men>", "Now is the time\nfor <men>"),
        ("text/richtext", "<bold>Now</bold><nl>a <lt> b", "Now\na < b"),
        (
            "text/rtf",
            r"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}} Hi \b you\b0\par \'cf\'f0\'e8 \u1103? \{x\}}",
            "Hi you\nПри я {x}",
        ),
        (
            "text/calendar",
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Meet\nDESCRIPTION:About\\nthe\\, inv\n oice\nEND:VEVENT\n",
            "Meet\n\nAbout\nthe, invoice",
        ),
    ],
)
def test_rarer_kinds_of_text_are_read_where_there_is_no_other(type_: str, text: str, wanted: str) -> None:
    assert single(type_, text).text == wanted


def test_white_space_in_code_is_kept_to_the_letter() -> None:
    code = "def f():\n\treturn  1  \n\n\n\n\n> x\n"
    assert f"\n{code}\nи a   b" in to_text(f"<p>Вот:</p><pre>\n{code}</pre><p>и <code>a   b</code></p>").text
    mail = single("text/html; charset=utf-8", f"<p>Вот:</p><pre>{code}</pre><p>да</p>")
    assert code in mail.reply


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<div>a<br></div><div>b</div>", "a\nb"),
        ("a<br><br>b", "a\n\nb"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>b</p>", "a\n\nb"),
        ("a  \n b<b> c</b>d", "a b cd"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>d", "  * a\n    * b\n  * c\n\nd"),
        ("<ol start=3><li>a<li>b</ol>", "  3. a\n  4. b"),
        ("<table><tr><th>Товар<th>Цена<tr><td><p>Стол</p><td><p>100</p></table>", "Товар  Цена\nСтол  100"),
        ("<table><tr><td><h1>T</h1><p>a</p></td><td>b</td></tr></table>", "T\n\na\n\nb"),
        ('<a href="https://x.example/a">здесь</a>.', "здесь <https://x.example/a>."),
        ('<a href="https://www.x.example/">x.example</a>', "x.example"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example"),
        ('<a href="javascript:x()">здесь</a>', "здесь"),
        ('a<span style="display:none">hidden</span>b<script>x</script>', "ab"),
        ('<div style="white-space:pre-wrap">a  b\n  c</div>', "a  b\n  c"),
        ('Да <img src="cid:1" alt="🙂"><img alt="logo">', "Да 🙂"),
    ],
)
def test_html_becomes_text(html: str, wanted: str) -> None:
    assert to_text(html).text == wanted


def test_the_html_twin_tells_where_a_quote_without_marks_begins() -> None:
    mail = alternative("Ответ.\n\nСтарое\nписьмо", "<p>Ответ.</p><div class=yahoo_quoted>Старое<br>письмо</div>")
    assert mail.reply == "Ответ."
    assert mail.text == "Ответ.\n\nСтарое\nписьмо"


def test_answers_between_block_quotations_stay() -> None:
    html = "<blockquote type=cite>один?</blockquote><p>да</p><blockquote type=cite>два?</blockquote><p>нет</p>"
    assert single("text/html; charset=utf-8", html).reply == "да\n\nнет"


@pytest.mark.parametrize(
    "html",
    [
        "{ours}<p>Вот счёт.</p>",
        '<div class="moz-cite-prefix">24.11.2026 07:00, Иван пишет:<br></div>{ours}<p>Вот счёт.</p>',
        "<p>Вот счёт.</p>{ours}",
        "<div>{ours}</div><p>Вот счёт.</p>{ours}",
    ],
)
@pytest.mark.parametrize("kind", ["", ' type="cite"', ' class="gmail_quote"'])
def test_words_below_the_element_that_quotes_our_letter_are_new(html: str, kind: str) -> None:
    old = "<p>Где он?</p><p>=-=-= Ответ пишите выше этой строки =-=-=</p><blockquote>он злой</blockquote><p>Кактус</p>"
    mail = single("text/html; charset=utf-8", html.format(ours=f"<blockquote{kind}>{old}</blockquote>"))
    assert mail.reply == "Вот счёт."


def test_forwarded_mail_in_the_element_of_a_quote_is_new() -> None:
    html = "<p>См.</p><blockquote type=cite><div>Begin forwarded message:</div><div>From: x</div>Hello</blockquote>"
    assert "Hello" in single("text/html; charset=utf-8", html).reply


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "On 2 Nov 2026 10:15 x wrote:\nIP> a\n",
        "On 2 Nov 2026 10:15 x <a@b.example>\nfoo:\n",
        "-- \n",
        "Best regards\nx\n",
        "From: x\n",
        "> a\nb\n",
        "this e-mail is (aaaaaaaaaaaaaaaaaaaaaa\n",
    ],
)
def test_hostile_words_cost_little_and_twice_as_many_about_twice(unit: str) -> None:
    def cost(size: int) -> float:
        started = time.process_time()
        single("text/plain", unit * (size // len(unit)))
        return time.process_time() - started

    # What costs too much does so each time; a busy machine may make one of them dear.
    assert any(cost(100_000) < max(3 * cost(50_000), 0.5) for _ in range(3))


def test_rtf_of_nothing_but_open_groups_costs_little() -> None:
    before = process_time()
    assert single("text/rtf", "{" * 100_000 + "x").text == "x"
    assert process_time() - before < 2


@pytest.mark.parametrize(
    ("type_", "name", "code", "mark"),
    [
        ("message/rfc822", "", "utf-8", "0123456789abcdef"),
        ("application/octet-stream", "a.EML", "utf-8", "0123456789abcdef"),
        ("application/vnd.ms-outlook", "a.msg", "utf-16-le", "0123456789abcdef"),
        ("text/plain", "a.txt", "utf-8", ""),
    ],
)
def test_a_letter_of_a_desk_is_known_when_it_is_attached(type_: str, name: str, code: str, mark: str) -> None:
    letter = f"From: a@b.example\r\n{LOOP_FIELD}: 0123456789abcdef\r\n\r\nx\r\n"
    head = f"{HEAD}Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n\nx\n--B\n"
    head += f'Content-Type: {type_}; name="{name}"\nContent-Disposition: attachment\n\n'
    mail = parse(head.encode() + letter.encode(code) + b"\n--B--\n")
    assert [file.loop_mark for file in mail.attachments] == [mark]
