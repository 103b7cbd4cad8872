"""HTML of strangers as text, with the places that mail programs mark as quote, signature or code."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

Range = tuple[int, int]

MAX_RENDERED = 2 * 1024 * 1024  # characters of HTML laid out; more is only stripped of its tags
_MAX_TAGS = 40_000  # the same

_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_TRAILING = re.compile(r"(?<![ \t\u00a0\u200b])[ \t\u00a0\u200b]++$", re.MULTILINE)
_MANY_BLANK_LINES = re.compile(r"\n{4,}")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*>")


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of some HTML. `quotes` and `signatures` are ranges that the sender's mail program marked as such;
    `blocks` are other block quotations, which may be the author's own; in `codes` every character counts."""

    text: str
    quotes: tuple[Range, ...] = ()
    blocks: tuple[Range, ...] = ()
    signatures: tuple[Range, ...] = ()
    codes: tuple[Range, ...] = ()


def to_text(html: str) -> Rendered:
    """Render HTML as text with links, lists, tables and preformatted lines. Never raises on broken markup."""
    import lxml.html  # noqa: PLC0415 (heavy, not needed for plain mail)
    from lxml.etree import LxmlError  # noqa: PLC0415

    from maild.mime.layout import lay_out  # noqa: PLC0415

    cleaned = _DECLARATION.sub("", _UNWANTED.sub("", html))
    if not cleaned.strip():
        return Rendered("")
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        tree = lxml.html.document_fromstring(cleaned.encode("utf-8"), parser=parser)
    except (LxmlError, ValueError):
        return Rendered("")
    if len(cleaned) > MAX_RENDERED or cleaned.count("<") > _MAX_TAGS:
        return Rendered(_stripped(tree))
    return _tidy(lay_out(tree))


def _stripped(tree: Any) -> str:
    """All text of a tree, a line for each stretch, without layout."""
    for element in list(tree.iter("script", "style", "head", "title")):
        element.drop_tree() if element.getparent() is not None else None
    return "\n".join(piece.strip() for piece in tree.itertext() if piece.strip())


def _tidy(laid: Any) -> Rendered:
    """Without blanks at line ends and many blank lines, but in code, where every character stays."""
    rendered = Rendered(laid.text, *(tuple(sorted(one)) for one in laid.ranges()))
    rendered = _without(rendered, _spans(_TRAILING, rendered.text))
    return _without(rendered, [(start + 3, end) for start, end in _spans(_MANY_BLANK_LINES, rendered.text)])


def _spans(pattern: re.Pattern[str], text: str) -> list[Range]:
    return [match.span() for match in pattern.finditer(text)]


def _without(rendered: Rendered, spans: list[Range]) -> Rendered:
    """The text without these spans, unless they lie in code; the ranges move along."""
    starts = [start for start, _ in rendered.codes]
    cut = [one for one in spans if not _is_within(one[0], starts, rendered.codes)]
    if not cut:
        return rendered
    pieces: list[str] = []
    ends, removed = [0], [0]
    for start, end in cut:
        pieces.append(rendered.text[ends[-1] : start])
        removed.append(removed[-1] + end - start)
        ends.append(end)
    pieces.append(rendered.text[ends[-1] :])

    def moved(place: int) -> int:
        number = bisect_right(ends, place) - 1
        shift = removed[number]
        if number < len(cut):  # a place inside a removed span moves to its start
            shift += max(place - cut[number][0], 0)
        return place - shift

    ranges = (
        tuple((moved(start), moved(end)) for start, end in one)
        for one in (rendered.quotes, rendered.blocks, rendered.signatures, rendered.codes)
    )
    return Rendered("".join(pieces), *ranges)


def _is_within(place: int, starts: list[int], ranges: tuple[Range, ...]) -> bool:
    """Does a place lie in one of the sorted ranges, which may be nested only one in another?"""
    number = bisect_right(starts, place) - 1
    return number >= 0 and place < max(end for _, end in ranges[max(number - 3, 0) : number + 1])
