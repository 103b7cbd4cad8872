"""Code with colours: every character stays, nothing but spans with a class is added."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mime.code import coloured

INFOS = ("", "python", "js", "sql", "sh", "console", "json", "diff", "http", "no such language", '"><script>')


def shown(html: str) -> str:
    """What a reader sees and copies."""
    return unescape(re.sub(r"<[^>]*>", "", html))


@given(st.text(alphabet=st.characters(exclude_characters="\r\0\x0b\x0c", exclude_categories=("Cs", "Cc")), max_size=60))
def test_nothing_is_lost_or_added(code: str) -> None:
    for info in INFOS:
        html = coloured(code, info)
        assert shown(html) == code
        assert set(re.findall(r"<(/?\w+)", html)) <= {"pre", "/pre", "code", "/code", "span", "/span"}
        assert set(re.findall(r"<\w+ (\w+)=", html)) <= {"class"}


@pytest.mark.parametrize(
    ("code", "marked"),
    [
        ('{"a": [1, null]}', '<span class="kc">null</span>'),
        ("SELECT 1", '<span class="k">SELECT</span>'),
        ("<a href='x'>", '<span class="nt">&lt;a</span>'),
        ("def f(x):\n\treturn x", '<span class="nf">f</span>'),
        ("просто текст", "<pre><code>просто текст</code></pre>"),
        ("$ ls\nкот.txt", "кот.txt"),
        ("SELECT 1;" * 1000, "<pre><code>SELECT 1;SELECT"),
    ],
)
def test_common_languages_show_at_first_sight(code: str, marked: str) -> None:
    assert marked in coloured(code, "")
