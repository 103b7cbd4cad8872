import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from maild.cli.preview import preview
from maild.core.letter import FOR_TEAM, WITH_ACTIONS, Letter
from maild.mime import dates, plain
from maild.mime.cases import BARE, FULL, cases
from maild.mime.page_samples import PAGES, sample_page
from maild.mime.render import Rendered, Renderer, templates_dir
from maild.mime.samples import bare_context, sample_context

LANGUAGES = ("ru", "en")
RENDERER = Renderer(templates_dir())
ACTIONS = {
    "ru": ("Спасибо, проблема решена", "Проблема не решена, продолжить общение"),
    "en": ("Thank you, the problem is solved", "The problem is not solved, continue"),
}
MARKERS = {
    "ru": "=-=-= Ответ пишите выше этой строки =-=-=",
    "en": "=-=-= Please write your reply above this line =-=-=",
}
ABOUT_OWN = {Letter.COMMAND_HELP, Letter.COLLISION, Letter.CLAIMED, Letter.ECHO}
NOTICES = {Letter.HOLDS, Letter.HOLDS_OVER, Letter.BUDGET, Letter.MAILBOX, Letter.LIST, Letter.CATALOGUE, Letter.LOGIN}
NO_REPLY = {Letter.DELIVERY_FAILED, Letter.LEFT_OUT} | NOTICES | ABOUT_OWN
EVERY_LETTER = [(letter, language) for letter in Letter for language in LANGUAGES]


def write(letter: Letter, language: str, **changes: object) -> Rendered:
    return RENDERER.letter(letter, language, sample_context(letter, language) | changes)


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.found if name == tag)


def test_the_templates_maild_comes_with_have_no_problems() -> None:
    assert RENDERER.check(LANGUAGES) == []


@pytest.mark.parametrize(("letter", "language"), EVERY_LETTER)
def test_every_letter_is_written_from_much_and_from_little(letter: Letter, language: str) -> None:
    for context in (sample_context(letter, language), bare_context(letter, language)):
        rendered = RENDERER.letter(letter, language, context)
        assert rendered.subject.strip()
        offers = "".join(f"{one['label']}: {one['url']}\n" for one in context["languages"])
        assert rendered.text.endswith(f"-- \n{context['desk']['name']}\n{offers}")
        assert "\n\n\n" not in rendered.text
        assert f'lang="{language}"' in rendered.html
        assert "<h1" in rendered.html


@pytest.mark.parametrize(("letter", "language"), EVERY_LETTER)
def test_html_loads_nothing_and_runs_nothing(letter: Letter, language: str) -> None:
    tags = Tags(write(letter, language).html)
    assert {name for name, _ in tags.found}.isdisjoint({"img", "script", "link", "iframe", "form", "object", "base"})
    assert not any(name.startswith("on") or name == "src" for _, attributes in tags.found for name in attributes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_of_a_ticket_share_one_subject_but_the_minimal_acknowledgement(language: str) -> None:
    of_ticket = set(Letter) - {Letter.MINIMAL} - NOTICES
    subjects = {write(letter, language).subject for letter in of_ticket}
    assert subjects == {f"[#1042] {sample_context(Letter.ANSWER, language)['ticket']['subject']}"}


@pytest.mark.parametrize(("letter", "language"), EVERY_LETTER)
def test_a_ticket_without_a_subject_is_named_by_its_number_alone(letter: Letter, language: str) -> None:
    context = sample_context(letter, language)
    if context.get("ticket"):
        context["ticket"]["subject"] = ""
    rendered = RENDERER.letter(letter, language, context)
    for empty in ("«»", "“”", ": ."):
        assert empty not in rendered.text + rendered.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_minimal_acknowledgement_says_nothing_the_stranger_wrote(language: str) -> None:
    strange = sample_context(Letter.NEW_TICKET, language)
    strange["ticket"]["subject"] = strange["words"] = strange["person"]["name"] = "Buy-at-evil.example"
    strange["attachments"][0]["name"] = strange["author"]["name"] = "Buy-at-evil.example"
    strange["thread"] = [
        {"author": "Buy-at-evil.example", "is_support": False, "is_note": False, "at": datetime(2026, 1, 1, tzinfo=UTC)}
        | {"text": "Buy-at-evil.example"}
    ]
    rendered = RENDERER.letter(Letter.MINIMAL, language, strange)
    assert "1042" in rendered.subject
    assert "evil" not in rendered.subject + rendered.text + rendered.html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", sorted(WITH_ACTIONS))
def test_actions_are_links_with_mailto_twins(letter: Letter, language: str) -> None:
    context = sample_context(letter, language)
    rendered = write(letter, language)
    hrefs = [one.get("href") for one in Tags(rendered.html).all("a")]
    for key, label in zip(("solved", "continue_"), ACTIONS[language], strict=True):
        assert context["links"][key] in hrefs
        assert context["mailtos"][key] in hrefs
        assert f">{label}</a>" in rendered.html
        assert f"{label}:\n{context['links'][key]}\n" in rendered.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", sorted(WITH_ACTIONS))
def test_without_a_public_url_the_actions_are_mailtos_and_words(letter: Letter, language: str) -> None:
    context = sample_context(letter, language)
    nothing = {"words": "", "attachments": [], "thread": [], "languages": []}
    rendered = write(letter, language, links={"solved": "", "continue_": ""}, **nothing)
    hrefs = [one["href"] for one in Tags(rendered.html).all("a")]
    assert hrefs == [context["mailtos"]["solved"], context["mailtos"]["continue_"]]
    for key, label in zip(("solved", "continue_"), ACTIONS[language], strict=True):
        assert f"{label}:\n{context['mailtos'][key]}\n" in rendered.text
    assert ("#решено" if language == "ru" else "#solved") in rendered.text


@pytest.mark.parametrize(("language", "words"), [("ru", "срок уже прошёл"), ("en", "moment has passed")])
def test_a_solved_letter_that_was_delayed_beyond_its_deadline_promises_nothing(language: str, words: str) -> None:
    late, timely = write(Letter.SOLVED, language, is_too_late=True), write(Letter.SOLVED, language)
    for part in (late.text, late.html):
        assert words in part
        assert "второй ссылке" not in part
        assert "second link" not in part
    assert words not in timely.text + timely.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_is_listed_with_its_link_or_why_it_is_not_there(language: str) -> None:
    context = sample_context(Letter.ANSWER, language)
    along, linked, lost = context["attachments"]
    rendered = write(Letter.ANSWER, language)
    assert [one["href"] for one in Tags(rendered.html).all("a")].count(linked["url"]) == 1
    assert linked["url"] in rendered.text
    for body in (rendered.text, rendered.html):
        assert all(file["name"] in body for file in (along, linked, lost))
        assert ("23 декабря" if language == "ru" else "23 December") in body.replace("\u00a0", " ")
        assert ("в письмо не вошёл" if language == "ru" else "left out") in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_that_asks_carries_no_actions(language: str) -> None:
    none = {"solved": "", "continue_": ""}
    rendered = write(Letter.ANSWER, language, links=none, mailtos=none)
    assert not any(label in rendered.text + rendered.html for label in ACTIONS[language])


@pytest.mark.parametrize(("letter", "language"), [one for one in EVERY_LETTER if one[0] not in NO_REPLY])
def test_the_reply_marker_parts_the_new_words_from_the_earlier_ones(letter: Letter, language: str) -> None:
    entry = {
        "author": "A",
        "is_support": False,
        "is_note": False,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "text": "OLD",
    }
    rendered = write(letter, language, thread=[entry])
    for body in (rendered.text, rendered.html):
        assert body.count(MARKERS[language]) == 1
        new, _, old = body.partition(MARKERS[language])
        assert "OLD" not in new
        if letter not in (Letter.MINIMAL, Letter.ACKNOWLEDGEMENT):
            assert "OLD" in old
    assert f"\n{MARKERS[language]}\n" in rendered.text


@pytest.mark.parametrize(("letter", "language"), [one for one in EVERY_LETTER if one[0] not in FOR_TEAM])
def test_customers_never_see_notes(letter: Letter, language: str) -> None:
    note = {
        "author": "A",
        "is_support": True,
        "is_note": True,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "text": "SECRET",
    }
    rendered = write(letter, language, thread=[note])
    assert "SECRET" not in rendered.text + rendered.html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", ["unverified", "failed", "open"])
def test_the_first_line_warns_of_a_sender_nobody_vouched_for(language: str, verdict: str) -> None:
    words = write(Letter.NEW_TICKET, language, verdict=verdict).text
    assert words.splitlines()[0].startswith(("Внимание:", "Отправители не", "Careful:", "Senders are not"))
    trusted = write(Letter.NEW_TICKET, language, verdict="verified").text
    assert trusted.startswith(sample_context(Letter.NEW_TICKET, language)["words"].splitlines()[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_team_letters_say_where_an_answer_goes(language: str) -> None:
    to_customer = "Ответ на это письмо получит клиент." if language == "ru" else "goes to the customer."
    stays = "останется внутренней заметкой" if language == "ru" else "stays an internal note"
    asked, copy = write(Letter.NEW_TICKET, language).text, write(Letter.COPY, language).text
    assert to_customer in asked
    assert stays not in asked
    assert stays in copy
    assert to_customer not in copy
    assert stays in write(Letter.NEW_TICKET, language, reply_is_note=True).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_solved_request_is_not_called_closed(language: str) -> None:
    said = "получило статус «Проблема решена»" if language == "ru" else "has the status “Problem solved”"
    for is_auto_solved in (False, True):
        text = write(Letter.SOLVED, language, is_auto_solved=is_auto_solved).text
        assert said in text
        assert not any(word in text for word in ("закрыт", "closed"))


def test_deadlines_are_local_dates_in_words() -> None:
    assert "до среды, 25\u00a0ноября 2026\u00a0г., 14:05 (МСК, UTC+3)" in write(Letter.SOLVED, "ru").text
    assert "until Wednesday, 25\u00a0November 2026, 14:05 (UTC+3)" in write(Letter.SOLVED, "en").text


@pytest.mark.parametrize(
    ("zone", "language", "expected"),
    [
        ("Europe/Moscow", "ru", "среда, 25\u00a0ноября 2026\u00a0г., 14:05 (МСК, UTC+3)"),
        ("Asia/Kolkata", "ru", "среда, 25\u00a0ноября 2026\u00a0г., 16:35 (UTC+5:30)"),
        ("America/St_Johns", "en", "Wednesday, 25\u00a0November 2026, 07:35 (UTC-3:30)"),
        ("UTC", "en", "Wednesday, 25\u00a0November 2026, 11:05 (UTC)"),
        ("Pacific/Kiritimati", "xx", "Thursday, 26\u00a0November 2026, 01:05 (UTC+14)"),
    ],
)
def test_moments_read_well(zone: str, language: str, expected: str) -> None:
    assert dates.moment(datetime(2026, 11, 25, 11, 5, tzinfo=UTC), zone, language) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "файлов"),
        (1, "файл"),
        (3, "файла"),
        (5, "файлов"),
        (11, "файлов"),
        (12, "файлов"),
        (21, "файл"),
        (104, "файла"),
        (111, "файлов"),
    ],
)
def test_russian_counts_three_ways(count: int, expected: str) -> None:
    assert plain.plural(count, "файл", "файла", "файлов", language="ru") == expected


def test_english_counts_two_ways() -> None:
    assert [plain.plural(count, "file", "files", language="en") for count in (0, 1, 2)] == ["files", "file", "files"]


@pytest.mark.parametrize(
    ("octets", "ru", "en"),
    [
        (0, "0\u00a0Б", "0\u00a0B"),
        (999, "999\u00a0Б", "999\u00a0B"),
        (184_320, "180\u00a0КБ", "180\u00a0KB"),
        (1_468_006, "1,4\u00a0МБ", "1.4\u00a0MB"),
    ],
)
def test_sizes_read_well(octets: int, ru: str, en: str) -> None:
    assert (plain.size(octets, "ru"), plain.size(octets, "en")) == (ru, en)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>"),
        ("<script>&", "<p>&lt;script&gt;&amp;</p>"),
        ("x\n```py\n  a < b\n\n# c\n```\ny", "<p>x</p>\n<pre><code>  a &lt; b\n\n# c</code></pre>\n<p>y</p>"),
        ("```\nnever closed", "<pre><code>never closed</code></pre>"),
        ("  in", "<p>&nbsp;&nbsp;in</p>"),
        ("", ""),
    ],
)
def test_plain_text_becomes_paragraphs_and_code(text: str, expected: str) -> None:
    assert plain.paragraphs(text) == expected


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see https://x.test/a?b=1&c=2.", "https://x.test/a?b=1&c=2"),
        ("(http://x.test/a)", "http://x.test/a"),
        ("https://x.test/w_(y)!", "https://x.test/w_(y)"),
        ("javascript:alert(1) ftp://x.test", None),
        ('https://x.test/"onmouseover=1', "https://x.test/"),
    ],
)
def test_only_web_addresses_become_links(text: str, url: str | None) -> None:
    links = list(Tags(plain.paragraphs(text)).all("a"))
    assert links == ([{"href": url, "rel": "nofollow noopener"}] if url else [])


@given(st.text())
def test_no_text_brings_markup_of_its_own(text: str) -> None:
    tags = Tags(plain.paragraphs(text))
    assert {name for name, _ in tags.found} <= {"p", "br", "pre", "code", "a"}
    assert all(attributes["href"] and re.match("https?://", attributes["href"], re.I) for attributes in tags.all("a"))


@given(st.text())
def test_no_words_of_strangers_bring_markup_into_a_letter(text: str) -> None:
    context = sample_context(Letter.NEW_TICKET, "en")
    context["words"] = context["ticket"]["subject"] = context["author"]["name"] = f"<img>{text}</title><script>"
    tags = Tags(RENDERER.letter(Letter.NEW_TICKET, "en", context).html)
    assert {name for name, _ in tags.found}.isdisjoint({"img", "script"})


def test_a_language_without_templates_reads_english() -> None:
    assert write(Letter.CLOSED, "en") == RENDERER.letter(Letter.CLOSED, "uk", sample_context(Letter.CLOSED, "en"))
    assert write(Letter.CLOSED, "en") == RENDERER.letter(Letter.CLOSED, "../ru", sample_context(Letter.CLOSED, "en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_pages_obey_their_content_security_policy(name: str, language: str) -> None:
    tags = Tags(RENDERER.page(name, language, sample_page(language)))
    frames = set() if name == "letter" else {"iframe"}  # letters shown on loopback stand in a sandboxed frame
    assert {one for one, _ in tags.found}.isdisjoint({"style", "script", "img"} | frames)
    assert not any("style" in attributes for _, attributes in tags.found)
    assert [one["href"] for one in tags.all("link")] == ["/static/style.css"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_action_page_has_one_form_and_a_link_to_the_other_action(language: str) -> None:
    context = sample_page(language)
    page = RENDERER.page("action", language, context)
    tags = Tags(page)
    assert [one["method"] for one in tags.all("form")] == ["post"]
    assert [(one["type"], one["name"], one["value"]) for one in tags.all("input")] == [
        ("hidden", "nonce", context["nonce"])
    ]
    assert len(list(tags.all("button"))) == 1
    assert f">{ACTIONS[language][0]}</button>" in page
    assert [one["href"] for one in tags.all("a")] == [context["other"]["url"]]
    alone = RENDERER.page("action", language, context | {"other": None, "reopen_until": None})
    assert not list(Tags(alone).all("a"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("action", "status", "said"),
    [
        ("solved", "solved", ("Отмечено, что проблема решена", "marked as solved")),
        ("continue", "open", ("снова в работе", "open again")),
        ("solved", "open", ("изменилось", "has changed")),
        ("continue", "closed", ("изменилось", "has changed")),
    ],
)
def test_the_page_after_a_click_says_what_is_true_now(
    language: str, action: str, status: str, said: tuple[str, str]
) -> None:
    context = sample_page(language)
    context["action"]["name"], context["ticket"]["status"] = action, status
    assert said[LANGUAGES.index(language)] in RENDERER.page("done", language, context)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["missing", "refused", "busy"])
def test_pages_of_refusal_need_no_ticket(name: str, language: str) -> None:
    assert "1042" not in RENDERER.page(name, language, {"desk": {"name": "Кактус"}})


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(templates_dir(), tmp_path / "templates"))


def break_by_removal(copy: Path) -> None:
    (copy / "ru/solved.html").unlink()


def break_by_syntax(copy: Path) -> None:
    (copy / "ru/solved.html").write_text("{% if %}")


def break_by_variable(copy: Path) -> None:
    (copy / "ru/solved.html").write_text("{% if words == 'never' %}{{ nonsense }}{% endif %}")


def break_by_attribute(copy: Path) -> None:
    (copy / "ru/solved.html").write_text("a\n{{ ticket.colour }}")


def break_by_filter(copy: Path) -> None:
    (copy / "ru/solved.html").write_text("{{ reopen_until | until('Mars/Olympus') }}")


def break_by_parent(copy: Path) -> None:
    (copy / "ru/solved.html").write_text('{% extends "nobody.html" %}')


def break_by_escape(copy: Path) -> None:
    (copy / "ru/solved.html").write_text("{{ ''.__class__.__mro__ }}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (break_by_removal, "missing"),
        (break_by_syntax, "line 1"),
        (break_by_variable, "undefined variable 'nonsense'"),
        (break_by_attribute, "line 2"),
        (break_by_filter, "Mars/Olympus"),
        (break_by_parent, "nobody.html"),
        (break_by_escape, "__class__"),
    ],
)
def test_a_broken_template_is_named(copy: Path, damage: object, said: str) -> None:
    assert callable(damage)
    damage(copy)
    (problem,) = Renderer(copy).check(LANGUAGES)
    assert str(copy / "ru/solved.html") in problem
    assert said in problem


def test_a_broken_shared_part_is_named_by_its_own_file(copy: Path) -> None:
    (copy / "_attachments.txt").write_text("{{ attachments.colour }}")
    problems = Renderer(copy).check(["ru"])
    assert problems
    assert all("_attachments.txt: line 1" in problem for problem in problems)


def test_missing_words_and_languages_are_named(copy: Path) -> None:
    (copy / "ru/words.toml").write_text("marker = ")
    problems = Renderer(copy).check(["ru", "de"])
    assert [problem.partition(":")[0] for problem in problems] == [str(copy / "ru/words.toml"), str(copy / "de")]


@pytest.mark.slow
def test_a_language_copied_in_part_is_told_what_it_lacks(copy: Path) -> None:
    (copy / "de").mkdir()
    assert Renderer(copy).check() == [
        f"{copy}/de/words.toml: [Errno 2] No such file or directory: '{copy}/de/words.toml'"
    ]
    words = (copy / "en/words.toml").read_text()
    (copy / "de/words.toml").write_text(words.replace('closed = "Closed"\n', ""))
    problems = Renderer(copy).check()
    assert f"{copy}/de/words.toml: missing status.closed" in problems
    for name in ("answer.txt", "answer.html", "answer.subject.txt", "web/language.html"):
        assert f"{copy}/de/{name}: missing" in problems
    assert all(f"{copy}/de/" in problem for problem in problems)


@pytest.mark.slow
def test_a_language_is_added_by_a_folder_alone(copy: Path) -> None:
    shutil.copytree(copy / "en", copy / "de")
    words = copy / "de/words.toml"
    words.write_text(words.read_text().replace('"Letters in English"', '"Briefe auf Deutsch"'))
    german = Renderer(copy)
    assert (german.languages, german.check()) == (("ru", "en", "de"), [])
    assert german.language_offer("de") == "Briefe auf Deutsch"
    letter = german.letter(Letter.SOLVED, "de", sample_context(Letter.SOLVED, "de"))
    assert "until Wednesday, 25\N{NO-BREAK SPACE}November 2026" in letter.text, "dates are English"
    assert '<html lang="de"' in letter.html


def test_other_folders_are_no_languages(copy: Path) -> None:
    for name in (".git", "backup", "DE", "x"):
        (copy / name).mkdir()
    assert Renderer(copy).languages == LANGUAGES


def test_preview_writes_every_letter_in_every_case(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(preview, [str(tmp_path / "out"), "--language", "ru"])
    assert outcome.exit_code == 0, outcome.output
    index = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    names = [f"ru-{letter}{'' if case == FULL else '-' + case}" for letter in Letter for case in cases(letter, "ru")]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "index.html", *(name + suffix for name in names for suffix in (".eml", ".html", ".txt")),
    }  # fmt: skip
    for name in names:
        message = BytesParser().parsebytes((tmp_path / "out" / f"{name}.eml").read_bytes())
        assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]
        assert (tmp_path / "out" / f"{name}.html").stat().st_size > 1000
        assert f'href="{name}.eml"' in index


def test_no_two_cases_of_a_letter_are_the_same() -> None:
    for letter in Letter:
        written = [RENDERER.letter(letter, "ru", one) for case, one in cases(letter, "ru").items() if case != BARE]
        assert len({(one.text, one.html) for one in written}) == len(written), letter


@pytest.mark.slow
def test_preview_names_a_broken_template(copy: Path, tmp_path: Path) -> None:
    break_by_syntax(copy)
    outcome = CliRunner().invoke(preview, [str(tmp_path / "out"), "--templates", str(copy)])
    assert outcome.exit_code == 1
    assert "solved.html" in outcome.output
