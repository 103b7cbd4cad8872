"""Plain text as it is shown: safe HTML, quoted lines, sizes and counted words. The results need no further escaping.

Works in time linear in the text: it sees whatever strangers write.
"""

import re
from collections.abc import Callable
from html import escape

_FENCE = re.compile(r"[ \t]{0,3}```")
_URL = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_TRAILING = ".,;:!?…»”’*_"
_UNITS = {"ru": ("Б", "КБ", "МБ", "ГБ"), "en": ("B", "KB", "MB", "GB")}


def plain_code(code: str, info: str) -> str:
    """Code as it is; `info` is what stood behind the opening fence."""
    return f"<pre><code>{escape(code)}</code></pre>"


def paragraphs(text: str, show_code: Callable[[str, str], str] = plain_code) -> str:
    """Plain text as safe HTML: blank lines part paragraphs, line breaks stay, ``` fences become what `show_code` makes.

    Web addresses (http and https only) become links. No other markup is understood.
    """
    blocks: list[str] = []
    lines: list[str] = []
    code: list[str] | None = None
    info = ""
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if _FENCE.match(line):
            blocks += [show_code("\n".join(code), info)] if code is not None else _paragraph(lines)
            lines, code, info = [], [] if code is None else None, line.strip().strip("`")
        elif code is not None:
            code.append(line)
        elif line.strip():
            lines.append(line)
        else:
            blocks += _paragraph(lines)
            lines = []
    blocks += [show_code("\n".join(code), info)] if code is not None else _paragraph(lines)
    return "\n".join(blocks)


def _paragraph(lines: list[str]) -> list[str]:
    return ["<p>" + "<br>\n".join(map(_line, lines)) + "</p>"] if lines else []


def _line(line: str) -> str:
    """One line, escaped, its links made, its indentation kept by no-break spaces."""
    bare = line.expandtabs(4).lstrip(" ")
    indent = "&nbsp;" * min(len(line.expandtabs(4)) - len(bare), 40)
    if "://" not in bare:
        return indent + escape(bare)
    pieces, at = [], 0
    for found in _URL.finditer(bare):
        url = _without_trailing(found.group())
        pieces += [escape(bare[at : found.start()]), _link(url)]
        at = found.start() + len(url)
    return indent + "".join(pieces) + escape(bare[at:])


def _link(url: str) -> str:
    safe = escape(url)
    return f'<a href="{safe}" rel="nofollow noopener">{safe}</a>'


def _without_trailing(url: str) -> str:
    """The address without the sentence's punctuation; a closing bracket stays if the address opened one."""
    end, closing = len(url), url.count(")") - url.count("(")
    while end and (url[end - 1] in _TRAILING + "]}" or (url[end - 1] == ")" and closing > 0)):
        closing -= url[end - 1] == ")"
        end -= 1
    return url[:end]


def quoted(text: str) -> str:
    """Every line behind "> ", as mail programs quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def beginning(text: str, limit: int) -> str:
    """The text, or the whole lines of it that fit into `limit` characters, and a mark that more follows."""
    if len(text) <= limit:
        return text
    lines, _, _ = text[: limit + 1].rpartition("\n")
    return f"{(lines or text[:limit]).rstrip()}\n[…]"


def size(octets: int, language: str) -> str:
    """«1,4 МБ» · "1.4 MB" (steps of 1024)."""
    amount, units = float(octets), _UNITS.get(language) or _UNITS["en"]
    step = 0
    while amount >= 1000 and step < len(units) - 1:
        amount, step = amount / 1024, step + 1
    digits = f"{amount:.1f}" if step and amount < 10 else f"{amount:.0f}"
    shown = digits.replace(".", ",") if language == "ru" else digits
    return f"{shown}\N{NO-BREAK SPACE}{units[step]}"


def plural(count: int, *forms: str, language: str) -> str:
    """The form that goes with the number: Russian takes three (файл, файла, файлов), English two."""
    if language != "ru":
        return forms[0] if count == 1 else forms[-1]
    tens, ones = count % 100, count % 10
    if ones == 1 and tens != 11:
        return forms[0]
    return forms[1] if 2 <= ones <= 4 and not 12 <= tens <= 14 else forms[-1]
