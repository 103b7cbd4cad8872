"""The text of a mail: which parts it stands in, plain or HTML, and what of it is new.

Parts are taken in order; of the alternatives of one text the plain one is read, unless it is empty or only says that
there is HTML. Attached messages are never entered.
"""

import re
from dataclasses import dataclass, field
from html import escape

from maild.mime import attach, charset, formats, quote, wording
from maild.mime.clean import clean
from maild.mime.html import Range, Rendered, to_text
from maild.mime.marks import may_hold_quote
from maild.mime.parts import Leaf

_HTML = re.compile(r"\bhtml\b", re.IGNORECASE)
_WEB_VERSION = re.compile(
    r"\b(?:in (?:your|a|the) (?:web ?)?browser|(?:web|online)[ -]version|view (?:it|this|the)? ?(?:e-?mail"
    r"|message)? ?online"
    r"|веб-верси|в (?:вашем )?браузере|онлайн-верси|у (?:вашому )?браузері|im browser|dans (?:votre|le) navigateur"
    r"|en (?:su|tu|el) navegador)",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"\[(?:image|cid|изображение|картинка|зображення)\s?:[^\]]{0,200}\]", re.IGNORECASE)
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_RARE_TEXTS = frozenset({"text/enriched", "text/richtext", "text/rtf", "application/rtf"})
_STUB_LENGTH = 400
_LINE_END = re.compile(r"\r{1,2}\n|[\r\u0085\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ud800-\udfff]")
_NOT_COMMON = re.compile(r"[\W_]+")
_LINK = re.compile(r"[<(\[]\s*(?:https?:|mailto:)[^\s>)\]]*\s*[>)\]]")


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
    """The leaves that are the mail's own text: unnamed text/plain and text/html; a named one if there is no other.

    A mail without either may have enriched text or RTF.
    """
    candidates = [leaf for leaf in leaves if leaf.type in ("text/plain", "text/html") and not _is_attached(leaf)]
    unnamed = [leaf for leaf in candidates if not attach.name_of(leaf) or _is_whole_mail(leaf, leaves)]
    return unnamed or candidates[:1] or _rare(leaves, _RARE_TEXTS)


def calendar_leaves(leaves: list[Leaf]) -> list[Leaf]:
    """The invitation that speaks for a mail without any text. It stays an attachment."""
    return _rare(leaves, frozenset({"text/calendar"}))


def _rare(leaves: list[Leaf], types: frozenset[str]) -> list[Leaf]:
    return [leaf for leaf in leaves if leaf.type in types and not _is_attached(leaf) and not attach.name_of(leaf)][:1]


def _is_attached(leaf: Leaf) -> bool:
    """Declared an attachment; a sole text that calls itself one is the mail's text all the same."""
    return attach.disposition_of(leaf) not in ("", "inline") and bool(leaf.path)


def _is_whole_mail(leaf: Leaf, leaves: list[Leaf]) -> bool:
    return len(leaves) == 1 and attach.disposition_of(leaf) != "attachment"


def read_body(leaves: list[Leaf], hint: str, subject: str) -> Body:
    """The text of these leaves as one body. `hint` is a charset, `subject` tells a forwarded mail from a reply."""
    sections, is_guessed = _sections_of(leaves, hint)
    is_forward = wording.is_forward_subject(subject)
    rendered = [_render(section, is_forward) for section in sections]
    whole = _joined([one for one in rendered if one.text.strip()])
    folds = quote.fold(whole, is_forward)
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
        if leaf.type in formats.READERS:
            section.plain.append(formats.READERS[leaf.type](_CONTROL.sub("", text)))
        elif leaf.type == "text/html":
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
    lines: list[list[str]] = []
    depth_before, is_open = 0, False
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        if is_open and depth == depth_before and words not in ("-- ", ""):
            if is_space_deleted:
                lines[-1][-1] = lines[-1][-1][:-1]
            lines[-1].append(words)
        else:
            lines.append([">" * depth + " " * (depth > 0) + words])
        is_open, depth_before = words.endswith(" ") and words != "-- ", depth
    return "\n".join("".join(pieces) for pieces in lines)


def _render(section: _Section, is_forward: bool) -> Rendered:
    """The better alternative as text."""
    plain = "\n".join(section.plain)
    html = "\n".join(section.html)
    if not html:
        return Rendered(plain)
    if _letters(plain) and not _may_be_stub(plain):
        return _with_help_of_html(plain, html, is_forward)
    rendered = to_text(html)
    if not _says_more(rendered.text, plain):
        return Rendered(plain) if plain.strip() else rendered
    if not _HTML.search(plain):
        return rendered
    shown = Rendered(plain.rstrip("\n") + "\n", quotes=((0, len(plain)),))
    return _joined([shown, rendered])


def _may_be_stub(plain: str) -> bool:
    """«Your program cannot show HTML», "View in browser: …", a sole address or picture's name.

    The first kind is shown, but folded away; whether it is one at all the HTML tells by saying more.
    """
    if len(plain) > _STUB_LENGTH:
        return False
    words = _LINK.sub("", _URL.sub("", _PICTURE.sub("", plain)))
    return not _letters(words) or _HTML.search(words) is not None or _WEB_VERSION.search(words) is not None


def _says_more(html: str, plain: str) -> bool:
    """Does the text of the HTML hold words that the plain text has not?"""
    return bool(_letters(html)) and _letters(html) not in _letters(plain)


def _with_help_of_html(plain: str, html: str, is_forward: bool) -> Rendered:
    """The HTML twin knows where its quote begins. If the plain text begins with the same new words, it ends there."""
    if is_forward or not may_hold_quote(html):
        return Rendered(plain)
    twin = to_text(html)
    if not twin.quotes and not twin.blocks:
        return Rendered(plain)
    begin = _place_after(plain, quote.reply_of(twin.text, quote.fold(twin)))
    return Rendered(plain, ((begin, len(plain)),)) if 0 < begin < len(plain) else Rendered(plain)


def _place_after(plain: str, words: str) -> int:
    """Where in a text its beginning `words` end, white space and links aside; -1 if it begins otherwise."""
    wanted = _letters(words)
    if not wanted:
        return -1
    length, found = 0, ""
    for match in re.finditer(r"[^\n]*\n?", plain):
        found = _letters(match[0])
        if not wanted.startswith(found, length):
            return -1
        length += len(found)
        if length == len(wanted):
            return match.end()
    return -1


def _letters(text: str) -> str:
    """What the plain and the HTML version of the same words have in common."""
    return _NOT_COMMON.sub("", _LINK.sub("", text))


def _joined(rendered: list[Rendered]) -> Rendered:
    """Several texts below each other, a newline between them; ranges move along."""
    pieces: list[str] = []
    ranges: tuple[list[Range], ...] = ([], [], [], [])
    length = 0
    for number, one in enumerate(rendered):
        text = one.text + ("\n" if number < len(rendered) - 1 and not one.text.endswith("\n") else "")
        for all_of, own in zip(ranges, (one.quotes, one.blocks, one.signatures, one.codes), strict=True):
            all_of += [(start + length, end + length) for start, end in own]
        pieces.append(text)
        length += len(text)
    return Rendered("".join(pieces), *map(tuple, ranges))


def _safe_html(section: _Section) -> str:
    """The section as harmless HTML; plain text beside HTML parts keeps its line breaks."""
    if section.html:
        return clean("\n".join(section.html))
    return "<p>" + escape("\n".join(section.plain).strip()).replace("\n", "<br>") + "</p>"
