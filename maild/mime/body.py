"""The text of a mail: which parts it stands in, plain or HTML, and what of it is new.

Parts are taken in order; of the alternatives of one text the plain one is read, unless it is empty or only says that
there is HTML. Attached messages are never entered.
"""

import re
from dataclasses import dataclass, field
from html import escape

from maild.mime import attach, charset, quote, wording
from maild.mime.clean import clean
from maild.mime.html import Rendered, may_hold_quote, to_text
from maild.mime.parts import Leaf

_STUB = re.compile(r"\bhtml\b", re.IGNORECASE)
_STUB_LENGTH = 300
_LINE_END = re.compile(r"\r{1,2}\n|[\r\u0085\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ud800-\udfff]")
_SPACE_OR_QUOTE = re.compile(r"[\s>*_\u00a0]+")


@dataclass(frozen=True, slots=True)
class Body:
    """All text, the new words, the ranges of `text` folded away, and the harmless HTML ("" if the mail has none)."""

    text: str
    reply: str
    folds: tuple[tuple[int, int], ...]
    html_safe: str
    is_charset_guessed: bool


@dataclass(slots=True)
class _Section:
    """One text in its alternatives."""

    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


def text_leaves(leaves: list[Leaf]) -> list[Leaf]:
    """The leaves that are the mail's own text: unnamed text/plain and text/html; a named one if there is no other."""
    candidates = [leaf for leaf in leaves if leaf.type in ("text/plain", "text/html") and not _is_attached(leaf)]
    unnamed = [leaf for leaf in candidates if not attach.name_of(leaf) or _is_whole_mail(leaf, leaves)]
    return unnamed or candidates[:1]


def _is_attached(leaf: Leaf) -> bool:
    """Declared an attachment; a sole text that calls itself one is the mail's text all the same."""
    return attach.disposition_of(leaf) not in ("", "inline") and bool(leaf.path)


def _is_whole_mail(leaf: Leaf, leaves: list[Leaf]) -> bool:
    return len(leaves) == 1 and attach.disposition_of(leaf) != "attachment"


def read_body(leaves: list[Leaf], hint: str, subject: str) -> Body:
    """The text of these leaves as one body. `hint` is a charset, `subject` tells a forwarded mail from a reply."""
    sections, is_guessed = _sections_of(leaves, hint)
    rendered = [_render(section) for section in sections]
    whole = _joined([one for one in rendered if one.text.strip()])
    folds = quote.fold(whole.text, whole.quotes, whole.blocks, wording.is_forward_subject(subject))
    has_html = any(section.html for section in sections)
    safe = "\n".join(_safe_html(section) for section in sections) if has_html else ""
    return Body(whole.text, quote.reply_of(whole.text, folds), folds, safe, is_guessed)


def _sections_of(leaves: list[Leaf], hint: str) -> tuple[list[_Section], bool]:
    """Group the leaves: those below one multipart/alternative say the same."""
    sections: dict[tuple[str, int], _Section] = {}
    is_guessed = False
    for leaf in leaves:
        numbers = [container.number for container in leaf.path if container.subtype == "alternative"]
        key = ("alternative", numbers[0]) if numbers else ("alone", leaf.index)
        decoded = charset.decode(leaf.content(), label_of(leaf), hint)
        is_guessed |= decoded.is_guessed
        section = sections.setdefault(key, _Section())
        text = _LINE_END.sub("\n", decoded.text)
        if leaf.type == "text/html":
            section.html.append(text)
        else:
            section.plain.append(_unflowed(leaf, _CONTROL.sub("", text)))
    return list(sections.values()), is_guessed


def label_of(leaf: Leaf) -> str:
    """The declared charset of a leaf, "" if there is none."""
    value = leaf.head.get_param("charset", "")
    return str(value[2] if isinstance(value, tuple) else value or "")


def _unflowed(leaf: Leaf, text: str) -> str:
    """Join the lines that format=flowed has broken (RFC 3676 §4)."""
    if str(leaf.head.get_param("format", "")).lower() != "flowed":
        return text
    is_space_deleted = str(leaf.head.get_param("delsp", "")).lower() == "yes"
    lines: list[str] = []
    depth_before, is_open = 0, False
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        if is_open and depth == depth_before and words != "-- ":
            joined = lines.pop()
            lines.append((joined[:-1] if is_space_deleted else joined) + words)
        else:
            lines.append(">" * depth + " " * (depth > 0) + words)
        is_open, depth_before = words.endswith(" ") and words != "-- ", depth
    return "\n".join(lines)


def _render(section: _Section) -> Rendered:
    """The better alternative as text."""
    plain = "\n".join(section.plain)
    html = "\n".join(section.html)
    if plain.strip() and not (html and _is_stub(plain)):
        return _with_help_of_html(plain, html) if html else Rendered(plain)
    rendered = to_text(html)
    if not plain.strip():
        return rendered
    return _joined([Rendered(plain.rstrip("\n") + "\n"), rendered]) if rendered.text.strip() else Rendered(plain)


def _is_stub(plain: str) -> bool:
    """«Your program cannot show HTML»: shown, but not instead of the HTML."""
    return len(plain) < _STUB_LENGTH and _STUB.search(plain) is not None


def _with_help_of_html(plain: str, html: str) -> Rendered:
    """Where line rules find no quote in the plain text, the HTML twin may know where it begins."""
    if not may_hold_quote(html) or quote.fold(plain):
        return Rendered(plain)
    twin = to_text(html)
    if not twin.quotes and not twin.blocks:
        return Rendered(plain)
    new_words = quote.reply_of(twin.text, quote.fold(twin.text, twin.quotes, twin.blocks))
    begin = _place_after(plain, new_words)
    return Rendered(plain, ((begin, len(plain)),)) if 0 < begin < len(plain) else Rendered(plain)


def _place_after(plain: str, words: str) -> int:
    """Where in a text its beginning `words` end, white space aside; -1 if it begins otherwise."""
    wanted = _SPACE_OR_QUOTE.sub("", words)
    if not wanted or not _SPACE_OR_QUOTE.sub("", plain).startswith(wanted):
        return -1
    left = len(wanted)
    for match in re.finditer(r"[^\s>*_\u00a0]+", plain):
        left -= len(match[0])
        if left <= 0:
            line_end = plain.find("\n", match.end())
            return line_end + 1 if left == 0 and line_end >= 0 else -1
    return -1


def _joined(rendered: list[Rendered]) -> Rendered:
    """Several texts below each other, a newline between them; ranges move along."""
    pieces: list[str] = []
    quotes: list[tuple[int, int]] = []
    blocks: list[tuple[int, int]] = []
    length = 0
    for number, one in enumerate(rendered):
        text = one.text + ("\n" if number < len(rendered) - 1 and not one.text.endswith("\n") else "")
        quotes += [(start + length, end + length) for start, end in one.quotes]
        blocks += [(start + length, end + length) for start, end in one.blocks]
        pieces.append(text)
        length += len(text)
    return Rendered("".join(pieces), tuple(quotes), tuple(blocks))


def _safe_html(section: _Section) -> str:
    """The section as harmless HTML; plain text beside HTML parts keeps its line breaks."""
    if section.html:
        return clean("\n".join(section.html))
    return "<p>" + escape("\n".join(section.plain).strip()).replace("\n", "<br>") + "</p>"
