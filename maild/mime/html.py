"""HTML to text, with the places that mail programs mark as quote or signature.

Marks travel through the conversion as private-use characters and come out as ranges of the text.
"""

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

MAX_RENDERED = 512 * 1024  # characters of HTML laid out in full; more is only stripped of its tags

_OPEN, _CLOSE, _REST, _SOFT_OPEN, _SOFT_CLOSE = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
_MARK = re.compile("[\ue000-\ue004]")
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ue000-\ue004]")
_TRAILING = re.compile(r"[ \t\u00a0\u200b]+$", re.MULTILINE)
_MANY_BLANK_LINES = re.compile(r"\n{4,}")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*>")

_QUOTE_NAMES = frozenset(
    "gmail_attr moz-cite-prefix moz-email-headers-table yahoo_quoted protonmail_quote zmail_extra mail-quote-collapse "
    "gmail_quote_container tutanota_quote mailquote messagereplysection".split()
)
_SIGNATURE_NAMES = frozenset(
    "gmail_signature moz-signature signature ms-outlook-mobile-signature protonmail_signature_block "
    "mailsignature data-signature-widget applemailsignature mail-signature yandex-signature".split()
)
_REST_NAMES = frozenset(
    "divrplyfwdmsg appendonsend outlookmessageheader mail-editor-reference-message-container "
    "ms-outlook-mobile-body-separator-line replyforwardmsg gwquote".split()
)
_OUTLOOK_LINE = re.compile(r"border(?:-top)?:\s*none;\s*border-top:\s*solid #(?:e1e1e1|b5c4df)", re.IGNORECASE)
_HEADER_KEY = re.compile(r"(?:From|От|Від|Von|De|Da|Van)\s*:", re.IGNORECASE)
_FORWARDED = re.compile(r"-{3,}|forwarded message|пересыл", re.IGNORECASE)


_QUOTE_SIGN = re.compile(
    "<blockquote|gmail_attr|moz-cite|yahoo_quoted|divrplyfwdmsg|appendonsend|outlookmessageheader|border-top:|"
    "mail-quote|replyforwardmsg|protonmail_quote|reference-message",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of some HTML. `quotes` (and signatures) are ranges that the sender's mail program marked as such;
    `blocks` are other block quotations, which may be the author's own."""

    text: str
    quotes: tuple[tuple[int, int], ...] = ()
    blocks: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class _Ranges:
    """Ranges under construction."""

    quotes: list[tuple[int, int]] = field(default_factory=list)
    blocks: list[tuple[int, int]] = field(default_factory=list)


def may_hold_quote(html: str) -> bool:
    """A quick look: is it worth rendering this HTML to find where its quote begins?"""
    return _QUOTE_SIGN.search(html) is not None


def to_text(html: str) -> Rendered:
    """Render HTML as text with links, lists, tables and preformatted lines. Never raises on broken markup."""
    import lxml.html  # noqa: PLC0415 (heavy, not needed for plain mail)
    from lxml.etree import LxmlError  # noqa: PLC0415

    cleaned = _DECLARATION.sub("", _UNWANTED.sub("", html))
    if not cleaned.strip():
        return Rendered("")
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        tree = lxml.html.document_fromstring(cleaned.encode("utf-8"), parser=parser)
    except (LxmlError, ValueError):
        return Rendered("")
    if len(cleaned) > MAX_RENDERED:
        return Rendered(_stripped(tree))
    has_pre = _mark(tree)
    return _ranges_of(_tidy(_laid_out(tree), has_pre))


def _laid_out(tree: Any) -> str:
    from inscriptis.css_profiles import CSS_PROFILES  # noqa: PLC0415
    from inscriptis.html_engine import Inscriptis  # noqa: PLC0415
    from inscriptis.model.config import ParserConfig  # noqa: PLC0415

    try:
        return str(Inscriptis(tree, ParserConfig(css=CSS_PROFILES["strict"])).get_text())
    except (RecursionError, IndexError, ValueError, KeyError, AttributeError, TypeError):  # its bugs on odd markup
        return _stripped(tree)


def _stripped(tree: Any) -> str:
    """All text of a tree, a line for each stretch, without layout."""
    for element in list(tree.iter("script", "style", "head", "title")):
        element.drop_tree() if element.getparent() is not None else None
    return "\n".join(piece.strip() for piece in tree.itertext() if piece.strip())


def _tidy(text: str, has_pre: bool) -> str:
    text = _TRAILING.sub("", text)
    return text if has_pre else _MANY_BLANK_LINES.sub("\n\n\n", text)


def _mark(tree: Any) -> bool:
    """Put marks around quotations and addresses behind links; tells whether there is preformatted text."""
    has_pre = False
    for element in list(tree.iter()):
        tag = element.tag
        if tag == "a":
            _show_link(element)
        elif tag == "pre":
            has_pre = True
        kind = _kind_of(element, tag)
        if kind == _REST:
            _prepend(element, _REST)
        elif kind:
            _prepend(element, kind)
            element.tail = (_CLOSE if kind == _OPEN else _SOFT_CLOSE) + (element.tail or "")
    return has_pre


def _prepend(element: Any, mark: str) -> None:
    """Marks stand before a table, in which text of its own has no place."""
    if element.tag in ("table", "tbody", "tr", "hr", "br"):
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + mark
        elif element.getparent() is not None:
            element.getparent().text = (element.getparent().text or "") + mark
    else:
        element.text = mark + (element.text or "")


def _kind_of(element: Any, tag: str) -> str:
    """Which mark an element gets, "" for none. Outlook puts x_ before foreign names."""
    names = f"{element.get('class', '')} {element.get('id', '')} {element.get('name', '')}".lower().split()
    names = [name.removeprefix("x_") for name in names]
    if tag == "blockquote":
        is_cited = element.get("type") == "cite" or "gmail_quote" in names
        return _OPEN if is_cited else _SOFT_OPEN
    if any(name in _REST_NAMES for name in names) or _is_outlook_header(element, tag):
        return _REST
    if any(name in _QUOTE_NAMES for name in names):
        return "" if _FORWARDED.search(_words_of(element, 5)) else _OPEN
    return _OPEN if any(name in _SIGNATURE_NAMES for name in names) else ""


def _words_of(element: Any, pieces: int) -> str:
    """The first few pieces of an element's text, however much it holds."""
    return "".join(islice(element.itertext(), pieces)).strip()


def _is_outlook_header(element: Any, tag: str) -> bool:
    """Outlook for Windows marks the quoted header only by the line above it."""
    if tag != "div" or not _OUTLOOK_LINE.search(element.get("style", "")):
        return False
    return _HEADER_KEY.match(_words_of(element, 5)) is not None


def _show_link(element: Any) -> None:
    """`<a href="https://x.test/">here</a>` → `here <https://x.test/>`, unless the words are the address already."""
    target = (element.get("href") or "").strip()
    words = _words_of(element, 50)
    bare = re.sub(r"^(?:mailto:|https?://(?:www\.)?)", "", target, flags=re.IGNORECASE).rstrip("/")
    if not words or not bare or not target.lower().startswith(("http:", "https:", "mailto:")):
        return
    if bare.lower() in words.lower() or words.lower() in (bare.lower(), target.lower()):
        return
    element.tail = f" <{target}>" + (element.tail or "")


def _ranges_of(marked: str) -> Rendered:
    """Take the marks out of a text and remember where they stood."""
    pieces: list[str] = []
    ranges = _Ranges()
    opened: list[int] = []
    soft: list[int] = []
    rest = -1
    length = place = 0
    for match in _MARK.finditer(marked):
        pieces.append(marked[place : match.start()])
        length += match.start() - place
        place = match.end()
        mark = match[0]
        if mark == _OPEN:
            opened.append(length)
        elif mark == _CLOSE and opened:
            ranges.quotes.append((opened.pop(), length))
        elif mark == _SOFT_OPEN:
            soft.append(length)
        elif mark == _SOFT_CLOSE and soft:
            ranges.blocks.append((soft.pop(), length))
        elif mark == _REST and rest < 0:
            rest = length
    pieces.append(marked[place:])
    text = "".join(pieces)
    if rest >= 0:
        ranges.quotes.append((rest, len(text)))
    return Rendered(text, tuple(sorted(ranges.quotes)), tuple(sorted(ranges.blocks)))
