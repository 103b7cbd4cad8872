"""An HTML tree laid out as text: paragraphs, lists, tables, links and code, with the ranges that bear a mark.

One pass without recursion, linear in the tree. White space collapses as in a browser, never inside <pre> and <code>.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from lxml.etree import iterwalk

from maild.mime.marks import Mark, first_words, mark_of

Range = tuple[int, int]

_SKIPPED = frozenset("head script style title template select textarea svg math iframe object embed applet".split())
_MARGINS = frozenset("p h1 h2 h3 h4 h5 h6 blockquote pre dl fieldset listing xmp".split())
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_BLOCKS = frozenset(
    "html body div section article header footer main nav aside address center figure figcaption form details summary "
    "table caption tbody thead tfoot tr li dt dd hr".split()
)
_CODE = frozenset({"pre", "code", "listing", "xmp"})
_NOT_FLAT = frozenset("table ul ol pre blockquote h1 h2 h3 h4 h5 h6 hr".split())
_SPACES = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_KEPT = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_NO_MARGIN = re.compile(r"margin(?:-top|-bottom)?\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:mailto:|https?://(?:www\.)?)", re.IGNORECASE)
_EMOJI = re.compile(r"[^\w\s<>&\"'./-]{1,8}")
_ROW_LIMIT = 80  # elements of a table row that are looked at
_CELL_GAP = "  "
_MAX_LIST_DEPTH = 10


@dataclass(slots=True)
class Laid:
    """The text, and where marks, block quotations and preformatted code stand in it."""

    text: str = ""
    quotes: list[Range] = field(default_factory=list)
    blocks: list[Range] = field(default_factory=list)
    signatures: list[Range] = field(default_factory=list)
    codes: list[Range] = field(default_factory=list)

    def ranges(self) -> tuple[list[Range], ...]:
        """All four lists, in the order of their names above."""
        return self.quotes, self.blocks, self.signatures, self.codes


@dataclass(slots=True)
class _Open:
    """A mark that is open: where its text begins (-1 until there is some), and the ranges it goes to."""

    ranges: list[Range]
    start: int = -1


class _Sheet:
    """Text under construction: knows how many newlines and spaces are owed before the next word."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.waiting: list[_Open] = []
        self._newlines = 2  # at the end of the text so far; the beginning needs none
        self._owed = 0
        self._gap = ""

    def owe(self, newlines: int) -> None:
        """The next word stands below that many newlines at least."""
        self._owed = max(self._owed, newlines)
        self._gap = ""

    def gap(self) -> None:
        """The next word stands in the next cell of a row."""
        if not self._owed and not self._newlines:
            self._gap = _CELL_GAP

    def words(self, text: str) -> None:
        """Text whose white space collapses."""
        squeezed = _SPACES.sub(" ", text)
        if squeezed.startswith(" "):
            squeezed = squeezed[1:]
            if not self._gap and not self._owed and not self._newlines:
                self._gap = " "
        if not squeezed:
            return
        has_space = squeezed.endswith(" ")
        self.letters(squeezed[:-1] if has_space else squeezed)
        if has_space:
            self._gap = " "

    def letters(self, text: str) -> None:
        """Text as it stands."""
        if not text:
            return
        self._settle()
        for mark in self.waiting:
            mark.start = self.length
        self.waiting.clear()
        self._put(text)
        trailing = len(text) - len(text.rstrip("\n"))
        self._newlines = trailing + (self._newlines if trailing == len(text) else 0)

    def line_break(self) -> None:
        self._settle()
        self._put("\n")
        self._newlines += 1

    def _settle(self) -> None:
        missing = max(self._owed - self._newlines, 0) if self.length else 0
        if missing:
            self._put("\n" * missing)
            self._newlines += missing
        elif self._gap and not self._newlines:
            self._put(self._gap)
        self._owed, self._gap = 0, ""

    def _put(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


class _Layout:
    """The walk over a tree: what each element does to the sheet."""

    def __init__(self) -> None:
        self.sheet = _Sheet()
        self.laid = Laid()
        self.marks: dict[Any, _Open] = {}
        self.codes: dict[Any, _Open] = {}  # elements whose white space is kept
        self.hidden: set[Any] = set()
        self.rest: _Open | None = None
        self.signature: _Open | None = None
        self.lists: list[int] = []  # per open list: the next number, 0 for bullets
        self.flat_rows: list[bool] = []

    def run(self, tree: Any) -> Laid:
        walker = iterwalk(tree, events=("start", "end"))
        for event, element in walker:
            if event == "end":
                self._end(element, element.tag)
            elif _is_shown(element):
                self._start(element, element.tag)
            else:
                self.hidden.add(element)
                walker.skip_subtree()
        for mark in (self.rest, self.signature):
            self._close(mark)
        self.laid.text = "".join(self.sheet.pieces)
        return self.laid

    def _start(self, element: Any, tag: str) -> None:
        self._edge(element, tag)
        if tag == "br":
            self.sheet.line_break()
        elif tag in _LISTS:
            self.lists.append(_first_number(element) if tag == "ol" else 0)
        elif tag == "tr":
            self.flat_rows.append(_is_flat(element))
        elif tag == "img" and _EMOJI.fullmatch(element.get("alt", "")):
            self.sheet.letters(element.get("alt"))
        self._open(element, tag)
        if tag == "li":
            self.sheet.letters(self._bullet())
        if element.text:
            self._text(element.text.removeprefix("\n") if tag == "pre" else element.text)

    def _end(self, element: Any, tag: str) -> None:
        if element in self.hidden:
            self.hidden.discard(element)
        else:
            if tag == "a":
                self._address(element)
            self._close(self.marks.pop(element, None))
            self._close(self.codes.pop(element, None))
            if tag in _LISTS and self.lists:
                self.lists.pop()
            elif tag == "tr" and self.flat_rows:
                self.flat_rows.pop()
            self._edge(element, tag)
        if element.tail:
            self._text(element.tail)

    def _text(self, text: str) -> None:
        if self.codes:
            self.sheet.letters(text)
        else:
            self.sheet.words(text)

    def _edge(self, element: Any, tag: str) -> None:
        """Where an element begins or ends, a line or a paragraph does."""
        is_in_cell = bool(self.flat_rows) and self.flat_rows[-1]
        if tag in ("td", "th"):
            self.sheet.gap() if is_in_cell else self.sheet.owe(1)
        elif is_in_cell and tag not in ("tr", "table"):
            return
        elif tag in _MARGINS or (tag in _LISTS and not self.lists):
            self.sheet.owe(1 if _has_no_margin(element) else 2)
        elif tag in _BLOCKS or tag in _LISTS:
            self.sheet.owe(1)

    def _open(self, element: Any, tag: str) -> None:
        if tag in _CODE or _keeps_spaces(element):
            self.codes[element] = self._wait(self.laid.codes if tag in _CODE else [])
        mark = mark_of(element, tag)
        if mark is None:
            return
        if mark is Mark.REST:
            self.rest = self.rest or self._wait(self.laid.quotes)
        elif mark is Mark.SIGNATURE_ON:
            self.signature = self.signature or self._wait(self.laid.signatures)
        else:
            self._begin(element, mark)

    def _begin(self, element: Any, mark: Mark) -> None:
        if mark is not Mark.SIGNATURE:  # a quote ends a signature that has no end of its own
            self._close(self.signature)
            self.signature = None
        ranges = {Mark.QUOTE: self.laid.quotes, Mark.BLOCK: self.laid.blocks}.get(mark, self.laid.signatures)
        self.marks[element] = self._wait(ranges)

    def _wait(self, ranges: list[Range]) -> _Open:
        mark = _Open(ranges)
        self.sheet.waiting.append(mark)
        return mark

    def _close(self, mark: _Open | None) -> None:
        if mark is not None and mark.start >= 0:
            mark.ranges.append((mark.start, self.sheet.length))

    def _bullet(self) -> str:
        """`* ` or `3. `, indented by the depth of the list."""
        indent = "  " * min(len(self.lists), _MAX_LIST_DEPTH)
        if not self.lists or not self.lists[-1]:
            return indent + "* "
        self.lists[-1] += 1
        return f"{indent}{self.lists[-1] - 1}. "

    def _address(self, element: Any) -> None:
        """`<a href="https://x.test/">here</a>` becomes `here <https://x.test/>`, unless the words are the address."""
        target = (element.get("href") or "").strip()
        if not target.lower().startswith(("http:", "https:", "mailto:")):
            return
        words = first_words(element).lower()
        bare = _SCHEME.sub("", target).rstrip("/").lower()
        if words and bare and bare not in words and words not in (bare, target.lower()):
            self.sheet.letters(f" <{target}>")


def lay_out(tree: Any) -> Laid:
    """The text of an HTML tree."""
    return _Layout().run(tree)


def _is_shown(element: Any) -> bool:
    if element.tag in _SKIPPED:
        return False
    style = element.get("style")
    return not (style and ("none" in style or "hide" in style) and _HIDDEN.search(style))


def _keeps_spaces(element: Any) -> bool:
    style = element.get("style")
    return bool(style) and "white-space" in style and _KEPT.search(style) is not None


def _has_no_margin(element: Any) -> bool:
    """Outlook's and Apple's paragraphs are lines: their style sheets say that they have no margins."""
    return (element.get("class") or "").startswith(("Mso", "p1", "p2")) or bool(
        _NO_MARGIN.search(element.get("style") or "")
    )


def _first_number(element: Any) -> int:
    start = element.get("start", "")
    return int(start) if start.isascii() and start.isdigit() and len(start) < 6 and int(start) else 1


def _is_flat(row: Any) -> bool:
    """Is every cell of a row one line of words, so that the row is a line of text?"""
    paragraphs = 0
    for count, element in enumerate(row.iterdescendants()):
        if count > _ROW_LIMIT or element.tag in _NOT_FLAT or element.tag == "br":
            return False
        if element.tag in ("td", "th"):
            paragraphs = 0
        elif element.tag in ("p", "div"):
            paragraphs += 1
            if paragraphs > 1:
                return False
    return True
