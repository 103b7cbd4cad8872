"""The lines of a text, each with its place and with what became of it while new words are told from old ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from maild.mime import wording
from maild.mime.html import Range, Rendered

_MAX_LINES = 10_000  # looked at; what follows counts as one more line, known by its first
_MAX_WIDTH = 2000  # characters of a line that are looked at


@dataclass(slots=True)
class Line:
    """One line: its range with the newline, its words without odd spaces, and what became of it."""

    start: int
    end: int
    words: str
    is_code: bool = False
    is_folded: bool = False
    is_block: bool = False

    @property
    def is_blank(self) -> bool:
        """Are there no words in the line?"""
        return not self.words

    @property
    def is_quoted(self) -> bool:
        """Does the line bear the mark of a quote? Gmail wraps «… <address\\n>:», which is none."""
        return self.words.startswith(">") and self.words != ">:"


def lines_of(rendered: Rendered) -> list[Line]:
    """All lines. What stands between ``` fences or in <pre> is code, unless that were everything."""
    lines: list[Line] = []
    start, is_code = 0, False
    for piece in rendered.text.split("\n", _MAX_LINES):
        end = min(start + len(piece) + 1, len(rendered.text))
        words = wording.plain_spaces(piece[:_MAX_WIDTH].partition("\n")[0])
        is_fence = words.startswith("```")
        lines.append(Line(start, end, words, is_code or is_fence))
        is_code = is_code != is_fence
        start = end
    if is_code:  # a fence that is never closed is none
        for line in lines:
            line.is_code = False
    preformatted = within(lines, rendered.codes)
    if sum(not line.is_blank for line in preformatted) < sum(not line.is_blank for line in lines):
        for line in preformatted:  # or else the program put the whole mail into <pre>
            line.is_code = True
    return lines


def within(lines: Sequence[Line], ranges: tuple[Range, ...]) -> list[Line]:
    """The lines whose first character lies in one of the sorted ranges."""
    found: list[Line] = []
    place, reach = 0, -1
    for line in lines:
        while place < len(ranges) and ranges[place][0] <= line.start:
            reach = max(reach, ranges[place][1])
            place += 1
        if line.start < reach:
            found.append(line)
    return found


def outermost(ranges: Iterable[Range]) -> list[Range]:
    """The ranges that lie in no other one, in order; those that overlap become one."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def around(lines: list[Line], number: int, frame: Range) -> list[Line]:
    """The neighbours of a line, itself among them, whose first character lies in that range."""
    first = last = number
    while first and lines[first - 1].start >= frame[0]:
        first -= 1
    while last < len(lines) and lines[last].start < frame[1]:
        last += 1
    return lines[first:last]


def fold_all(lines: Iterable[Line]) -> None:
    """What these lines say is not new."""
    for line in lines:
        line.is_folded = True


def next_words(lines: Sequence[Line], number: int) -> Line | None:
    """The first line from `number` on that is not blank, looked for three lines far."""
    return next((line for line in lines[number : number + 4] if not line.is_blank), None)


def ranges_of(lines: Sequence[Line]) -> tuple[Range, ...]:
    """The folded lines as ranges; blank lines between folded ones are folded with them."""
    ranges: list[Range] = []
    blank_since = -1
    for line in lines:
        if line.is_folded:
            if ranges and (ranges[-1][1] == line.start or ranges[-1][1] == blank_since):
                ranges[-1] = (ranges[-1][0], line.end)
            else:
                ranges.append((line.start, line.end))
            blank_since = -1
        elif line.is_blank:
            blank_since = line.start if blank_since < 0 else blank_since
        else:
            blank_since = -1
    return tuple(one for one in ranges if one[1] > one[0])
