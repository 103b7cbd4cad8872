"""Replies as mail programs write them, in plain text, in HTML, and in both: the new words come out, and nothing else.

`clients/*.toml` hold the cases; `{reply}`, `{old}`, `{quoted}` (`> `), `{bat}` (`SP> `) and `{mso}` (Outlook's
paragraphs) stand for the words of `clients/words.toml`.
"""

import tomllib
from email.message import EmailMessage
from html import escape
from pathlib import Path

import pytest

from maild.mime.parse import parse

FOLDER = Path(__file__).parent / "clients"
WORDS = tomllib.loads((FOLDER / "words.toml").read_text())
CASES = [
    (f"{path.stem}: {case['name']} ({case['language']})", case)
    for path in sorted(FOLDER.glob("*.toml"))
    for case in tomllib.loads(path.read_text()).get("case", [])
]
FORMS = [
    pytest.param(case, form, id=f"{name}, {form}")
    for name, case in CASES
    for form in ("plain", "html", "both")
    if set(case) >= ({"plain", "html"} if form == "both" else {form})
]


def filled(template: str, language: str) -> str:
    """A plain template with its words."""
    words = {key: value.strip("\n") for key, value in WORDS[language].items()}
    old = words["old"].split("\n")
    words["quoted"] = "\n".join(f"> {line}".rstrip() for line in old)
    words["bat"] = "\n".join(f"SP> {line}" if line else "" for line in old)
    for key, value in words.items():
        template = template.replace(f"{{{key}}}", value)
    return template.strip("\n") + "\n"


def filled_html(template: str, language: str) -> str:
    """An HTML template with its words, a <div> or a Word paragraph for each line."""
    reply, old = (escape(WORDS[language][key].strip("\n"), quote=False).split("\n") for key in ("reply", "old"))
    divs = "".join(f"<div>{line or '<br>'}</div>" for line in reply)
    paragraphs = "".join(f'<p class="MsoNormal">{line or "&nbsp;"}<o:p></o:p></p>' for line in reply)
    return template.replace("{reply}", divs).replace("{mso}", paragraphs).replace("{old}", "<br>".join(old)).strip("\n")


def mail(plain: str, html: str) -> bytes:
    message = EmailMessage()
    message["From"] = "someone@mail.example"
    message["Subject"] = "Re: [#1042] Invoice"
    if plain:
        message.set_content(plain, cte="8bit")
    if html and plain:
        message.add_alternative(html, subtype="html", cte="8bit")
    elif html:
        message.set_content(html, subtype="html", cte="8bit")
    return message.as_bytes()


@pytest.mark.parametrize(("case", "form"), FORMS)
def test_new_words_come_out_of_what_a_program_writes(case: dict[str, str], form: str) -> None:
    plain = filled(case["plain"], case["language"]) if form != "html" else ""
    html = filled_html(case["html"], case["language"]) if form != "plain" else ""
    understood = parse(mail(plain, html))
    assert understood.reply == WORDS[case["language"]]["reply"].strip("\n"), understood.text
    assert "2" in understood.text.replace(understood.reply, "")  # nothing is lost


def test_there_are_enough_cases_and_each_has_its_own_name() -> None:
    assert len(FORMS) >= 140
    assert len({name for name, _ in CASES}) == len(CASES) >= 100
