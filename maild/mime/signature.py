"""Where signatures, phones' advertisements, disclaimers and list footers stand among words that are not quoted.

A signature never takes a question, a command, code or a long paragraph with it. What a line looks like is asked of
`signoffs`.
"""

from collections.abc import Sequence

from maild.core.words import begins_with_command
from maild.mime import signoffs
from maild.mime.html import Range
from maild.mime.lines import Line, fold_all, within

_MAX_LINES = 14
_MAX_LINE = 110  # characters; longer lines are prose
_MAX_DELIMITED = 40  # lines below a true «-- »
_MAX_FOOTER = 8
_MAX_TRIES = 20  # delimiters that turn out to be none


def fold_signatures(lines: Sequence[Line], marked: tuple[Range, ...] = ()) -> None:
    """Fold the signatures in each stretch of unfolded lines. `marked` are those the sender's program marked."""
    _fold_marked(lines, marked)
    is_first = True
    stretch: list[Line] = []
    for line in [*lines, None]:
        if line is not None and not line.is_folded:
            stretch.append(line)
            continue
        if any(not one.is_blank for one in stretch):
            _fold_stretch(stretch, is_first)
            is_first = False
        stretch = []


def _fold_marked(lines: Sequence[Line], marked: tuple[Range, ...]) -> None:
    """People type into their signature's element: not if it asks, holds a command or is long."""
    for one in marked:
        found = [line for line in within(lines, (one,)) if not line.is_folded] if len(marked) < 9 else []
        words = [line for line in found if not line.is_blank]
        is_typed = any(signoffs.asks(line.words) or begins_with_command(line.words) for line in words)
        if len(words) <= _MAX_DELIMITED and not is_typed:
            fold_all(found)


def _fold_stretch(stretch: list[Line], is_first: bool) -> None:
    if is_first:
        _fold_banner(stretch)
    start, end = _signature(stretch, is_first)
    start = _before_phone_line(stretch, start)
    fold_all(stretch[start:end])
    for number, line in enumerate(stretch):
        if _stands_alone(stretch, number) and signoffs.is_phone_line(line.words) and not line.is_code:
            line.is_folded = True


def _stands_alone(stretch: list[Line], number: int) -> bool:
    """A line with blank or folded ones around it."""
    around = stretch[max(number - 1, 0) : number] + stretch[number + 1 : number + 2]
    return all(line.is_blank or line.is_folded for line in around)


def _fold_banner(stretch: list[Line]) -> None:
    """The first paragraph, if a gateway wrote it."""
    first = next(number for number, line in enumerate(stretch) if not line.is_blank)
    if not signoffs.is_banner(stretch[first].words) or stretch[first].is_code:
        return
    for line in stretch[first:]:
        if line.is_blank:
            return
        line.is_folded = True


def _signature(stretch: list[Line], is_first: bool) -> tuple[int, int]:
    """From where to where in the stretch the signature reaches; empty at the stretch's end if there is none."""
    has_words = not is_first
    tries = _MAX_TRIES
    for number, line in enumerate(stretch):
        if line.is_code or line.is_blank or line.is_folded:
            continue
        end = _end_of(stretch, number, has_words) if tries else number
        if end > number:
            return number, end
        tries -= bool(tries) and signoffs.is_delimiter(line.words)
        has_words = True
    return len(stretch), len(stretch)


def _end_of(stretch: list[Line], number: int, has_words: bool) -> int:
    """Where the signature that begins at this line ends; `number` if none begins."""
    words = stretch[number].words
    is_below_blank = number == 0 or stretch[number - 1].is_blank
    if (has_words or number) and (signoffs.is_delimiter(words) or (is_below_blank and signoffs.is_drawn(words))):
        return _below_delimiter(stretch, number)
    if signoffs.is_closing(words):
        return _reach(stretch, number, _MAX_LINES)
    if signoffs.is_list_footer(words):
        reach = _reach(stretch, number, _MAX_FOOTER)
        return reach if reach == len(stretch) else number
    if has_words and (signoffs.is_disclaimer(words) or signoffs.is_antivirus(words)):
        return _without_questions(stretch, number)
    return number


def _below_delimiter(stretch: list[Line], number: int) -> int:
    """A line that only parts two paragraphs has no words right below it."""
    if number + 1 < len(stretch) and stretch[number + 1].is_blank and stretch[number].words != "--":
        return number
    words = stretch[number].words
    most = _MAX_DELIMITED if words == "--" else _MAX_FOOTER if signoffs.is_drawn(words) else _MAX_LINES
    end = _reach(stretch, number, most)
    return end if any(not line.is_blank for line in stretch[number + 1 : end]) or end == len(stretch) else number


def _reach(stretch: list[Line], number: int, most: int) -> int:
    """The end of a signature: before the first paragraph below that is no part of one, or a command."""
    count, paragraph = 0, number
    for place in range(number + 1, len(stretch)):
        line = stretch[place]
        if line.is_blank:
            paragraph = place + 1
            continue
        if begins_with_command(line.words):
            return place  # `#note` counts on any line (SPEC section 8), and programs put the signature above it
        if (
            signoffs.is_disclaimer(line.words)
            or signoffs.is_list_footer(line.words)
            or signoffs.is_antivirus(line.words)
        ):
            return _without_questions(stretch, place)
        count += 1
        is_prose = len(line.words) > _MAX_LINE and most < _MAX_DELIMITED
        if count > most or line.is_code or is_prose or signoffs.asks(line.words):
            return paragraph if count <= most else number
    return len(stretch)


def _without_questions(stretch: list[Line], number: int) -> int:
    """The end of a disclaimer: the end of the stretch, before a paragraph that ends with a question, or a command."""
    paragraph = number
    for place in range(number + 1, len(stretch)):
        if stretch[place].is_blank:
            paragraph = place + 1
        elif begins_with_command(stretch[place].words):
            return place
        elif stretch[place].is_code or stretch[place].words.endswith("?"):
            return paragraph
    return len(stretch)


def _before_phone_line(stretch: list[Line], end: int) -> int:
    """Step back over «Отправлено с iPhone» and a dashed name at the end of the stretch."""
    while True:
        last = next((n for n in range(end - 1, -1, -1) if not stretch[n].is_blank), -1)
        if last < 0 or stretch[last].is_code:
            return end
        words = stretch[last].words
        is_name = signoffs.is_dashed_name(words) and last > 0
        if not (signoffs.is_phone_line(words) or is_name or (signoffs.is_delimiter(words) and last > 0)):
            return end
        end = last
