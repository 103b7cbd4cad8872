"""Code in a thread of the portal, coloured: classes for the style sheet, no styles of its own.

The language is the one written behind the ``` of its fence, or a common one that shows at first sight; what is neither
stays as it is, and so does what is too long to be looked through for a page.
"""

import re
from html import escape
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

from maild.mime.clean import clean_code

_LONGEST = 8_000  # characters
_KNOWN = frozenset(
    "bash c console cpp csharp css diff docker go html http ini java javascript json kotlin lua nginx perl php"
    " powershell python pytb ruby rust sql swift toml typescript xml yaml".split()
)
_OTHER_NAMES = {"sh": "bash", "shell": "bash", "js": "javascript", "ts": "typescript", "py": "python", "yml": "yaml"}
_PLAIN = frozenset({"", "w", "p", "n", "o"})  # white space, brackets, names, operators
_LOOKS = (
    ("pytb", re.compile(r"\s*Traceback \(most recent call last\):")),
    ("json", re.compile(r"\s*[\[{]\s*(?:[\[{\"\]}]|$)")),
    ("xml", re.compile(r"\s*<(?:\?xml|!DOCTYPE|[a-zA-Z][\w:-]*[\s>/])")),
    ("sql", re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|WITH)\s", re.IGNORECASE)),
    ("diff", re.compile(r"(?:diff --git |--- \S|@@ )")),
    ("http", re.compile(r"(?:GET|POST|PUT|PATCH|DELETE|HEAD) \S{1,500} HTTP/")),
    ("console", re.compile(r"\s*[$#] \S")),
    ("php", re.compile(r"\s*<\?(?:php|=)")),
    ("python", re.compile(r"\s*(?:def \w+\(|class \w+[(:]|import \w+|from [\w.]+ import )")),
)


def coloured(code: str, info: str) -> str:
    """Safe HTML of some code; `info` is what stood behind the opening fence."""
    lexer = _lexer(code, info) if len(code) <= _LONGEST else None
    tokens = list(lexer.get_tokens(code)) if lexer else []
    if "".join(text for _, text in tokens) != code:  # the lexer of sessions drops lines that it cannot place
        return f"<pre><code>{escape(code)}</code></pre>"
    pieces = "".join(_piece(_class_of(kind), text) for kind, text in tokens)
    return clean_code(f"<pre><code>{pieces}</code></pre>")


def _lexer(code: str, info: str) -> Lexer | None:
    said = (info.split() or [""])[0].lower()
    name = _OTHER_NAMES.get(said, said)
    if not said:
        name = next((look for look, pattern in _LOOKS if pattern.match(code)), "")
    # Not a character of what was typed may change: no newline is stripped or added, no tab replaced.
    return get_lexer_by_name(name, stripnl=False, ensurenl=False) if name in _KNOWN else None


def _piece(name: str, text: str) -> str:
    return escape(text) if name in _PLAIN else f'<span class="{name}">{escape(text)}</span>'


def _class_of(kind: Any) -> str:
    """Kinds that Pygments knows no class for have that of the wider kind."""
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    return str(STANDARD_TYPES[kind])
