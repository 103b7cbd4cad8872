"""New words apart from quotes, signatures and disclaimers, by lines, in linear time.

Nothing is cut away: the answer is a list of ranges to fold, aligned to lines. Where nothing would be left, nothing is
folded. What a line looks like is asked of `wording`.
"""

from dataclasses import dataclass

from maild.mime import wording

Range = tuple[int, int]

_MAX_ATTRIBUTION = 4  # lines: mail programs wrap "On … wrote:" at 72 columns
_MAX_SIGNATURE = 14  # lines
_MAX_SIGNATURE_LINE = 110  # characters
_WRAPPED = 60  # a quoted line at least that long may have been wrapped on sending
_HEADER_BLOCK = 7  # lines of a quoted header that are looked at


@dataclass(slots=True)
class _Line:
    """One line: its range with the newline, its words, and what became of it."""

    start: int
    end: int
    words: str
    is_code: bool = False
    is_folded: bool = False
    is_block: bool = False

    @property
    def is_blank(self) -> bool:
        return not self.words


def fold(
    text: str, quotes: tuple[Range, ...] = (), blocks: tuple[Range, ...] = (), is_forward: bool = False
) -> tuple[Range, ...]:
    """The half-open ranges of `text` that are not new words, in order.

    `quotes` are ranges that the sender's program marked as quote or signature, `blocks` other block quotations of HTML.
    What is forwarded is new to us: in a forwarded mail, and below a line such as «Пересылаемое сообщение» that stands
    above every quote, only our own reply marker counts.
    """
    lines = _lines_of(text)
    _cut_at_marker(lines)
    if not is_forward:
        _fold_ranges(lines, quotes)
        _note_blocks(lines, blocks)
        forwarded = _forwarded_from(lines)
        _fold_quotes(lines[:forwarded])
        if any(line.is_folded for line in lines[:forwarded]):
            forwarded = len(lines)
            _fold_quotes(lines)
        for line in lines[forwarded:]:
            line.is_folded = False
        _fold_signatures(lines[:forwarded])
    if all(line.is_folded or line.is_blank for line in lines):
        return ()
    return _ranges_of(lines)


def reply_of(text: str, folds: tuple[Range, ...]) -> str:
    """The text without the folded ranges and without blank lines at its ends."""
    pieces: list[str] = []
    place = 0
    for start, end in folds:
        pieces.append(text[place:start])
        place = end
    pieces.append(text[place:])
    kept = [piece.strip("\n").rstrip() for piece in pieces if piece.strip()]
    return "\n\n".join(kept).rstrip() if folds else _trimmed(text)


def _trimmed(text: str) -> str:
    return text.rstrip().lstrip("\n")


def _lines_of(text: str) -> list[_Line]:
    """All lines; those between ``` fences are code, to which no rule but our marker applies."""
    lines: list[_Line] = []
    start, is_code = 0, False
    for piece in text.split("\n"):
        end = min(start + len(piece) + 1, len(text))
        words = piece.strip().strip("\u200b\ufeff")
        is_fence = words.startswith("```")
        lines.append(_Line(start, end, words, is_code or is_fence))
        is_code = is_code != is_fence
        start = end
    return lines if not is_code else [_Line(line.start, line.end, line.words) for line in lines]


def _ranges_of(lines: list[_Line]) -> tuple[Range, ...]:
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


def _cut_at_marker(lines: list[_Line]) -> None:
    """Below our own reply marker nothing is new. A marker inside a `>` quote ends with that quote."""
    for number, line in enumerate(lines):
        if wording.is_marker(line.words) and not line.words.startswith(">"):
            _fold_from(lines, number)
            return


def _forwarded_from(lines: list[_Line]) -> int:
    """Where a forwarded mail begins; the number of lines if none does."""
    found = (n for n, line in enumerate(lines) if not line.is_code and wording.is_forward_line(line.words))
    return next(found, len(lines))


def _fold_quotes(lines: list[_Line]) -> None:
    _fold_quoted(lines)
    _cut_at_header(lines)
    _fold_attributions(lines)


def _fold_from(lines: list[_Line], number: int) -> None:
    for line in lines[number:]:
        line.is_folded = True


def _fold_ranges(lines: list[_Line], ranges: tuple[Range, ...]) -> None:
    """Fold the lines that lie in a range, up to blanks."""
    for line in _lines_within(lines, ranges):
        line.is_folded = True


def _note_blocks(lines: list[_Line], ranges: tuple[Range, ...]) -> None:
    for line in _lines_within(lines, ranges):
        line.is_block = True


def _lines_within(lines: list[_Line], ranges: tuple[Range, ...]) -> list[_Line]:
    """The lines whose first character lies in one of the sorted ranges."""
    found: list[_Line] = []
    place, reach = 0, -1
    for line in lines:
        while place < len(ranges) and ranges[place][0] <= line.start:
            reach = max(reach, ranges[place][1])
            place += 1
        if line.start < reach:
            found.append(line)
    return found


def _fold_quoted(lines: list[_Line]) -> None:
    """Lines with `>`, and the loose ends of those that were wrapped on the way."""
    for number, line in enumerate(lines):
        if line.is_code:
            continue
        if line.words.startswith(">") and line.words != ">:":  # Gmail wraps «… <address\n>:»
            line.is_folded = True
        elif 0 < number < len(lines) - 1 and not line.is_blank:
            before, after = lines[number - 1], lines[number + 1]
            is_between = before.words.startswith(">") and after.words.startswith(">")
            line.is_folded |= is_between and len(before.words) >= _WRAPPED and len(line.words) < len(before.words)


def _cut_at_header(lines: list[_Line]) -> None:
    """«-----Original Message-----» or a block of From, Sent, To, Subject: everything below is old."""
    for number, line in enumerate(lines):
        if line.is_code or line.is_folded or line.is_blank:
            continue
        if wording.is_original_message(line.words) or _starts_header(lines, number):
            _fold_from(lines, _before_rule(lines, number))
            return


def _starts_header(lines: list[_Line], number: int) -> bool:
    """A From line (or «От:») with two other header lines in the next few."""
    if not wording.is_from_line(lines[number].words):
        return False
    following = lines[number + 1 : number + _HEADER_BLOCK]
    return sum(wording.is_header_line(line.words) for line in following) >= 2


def _before_rule(lines: list[_Line], number: int) -> int:
    """The line from which to fold: with the rule of dashes or underscores above."""
    place = number
    while place and (lines[place - 1].is_blank or wording.is_rule(lines[place - 1].words)):
        place -= 1
    return place


def _fold_attributions(lines: list[_Line]) -> None:
    """«… пишет:» above a quote; from the last line up, so that a folded quote is known before its introduction."""
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number]
        if line.is_folded or line.is_code or not wording.may_end_attribution(line.words):
            continue
        following = _next_words(lines, number + 1)
        is_above_quote = following is not None and (following.is_folded or following.is_block)
        size = _attribution_size(lines, number, is_above_quote)
        if size:
            _fold_introduced(lines, number, size, following, is_above_quote)


def _next_words(lines: list[_Line], number: int) -> _Line | None:
    """The next line that is not blank, looked for three lines far."""
    return next((line for line in lines[number : number + 4] if not line.is_blank), None)


def _attribution_size(lines: list[_Line], number: int, is_above_quote: bool) -> int:
    """How many lines up to this one introduce a quote, 0 if they do not."""
    words = ""
    for size in range(1, _MAX_ATTRIBUTION + 1):
        line = lines[number - size + 1] if number - size + 1 >= 0 else None
        if line is None or line.is_blank or line.is_folded or line.is_code:
            return 0
        words = f"{line.words} {words}" if words else line.words
        if wording.is_attribution(words, is_above_quote):
            return size
    return 0


def _fold_introduced(lines: list[_Line], number: int, size: int, following: _Line | None, is_above_quote: bool) -> None:
    if not is_above_quote:  # the quote itself bears no mark: it reaches to the end
        _fold_from(lines, number - size + 1)
        return
    for line in lines[number - size + 1 : number + 1]:
        line.is_folded = True
    if following is not None and following.is_block:
        for line in lines[number + 1 :]:
            if not line.is_block and not line.is_blank:
                return
            line.is_folded = True


def _fold_signatures(lines: list[_Line]) -> None:
    """In each stretch of unfolded lines: from where a signature, a phone's line or a disclaimer begins to its end."""
    stretch: list[_Line] = []
    for line in [*lines, None]:
        if line is not None and not line.is_folded:
            stretch.append(line)
            continue
        for signature_line in stretch[_signature_start(stretch) :]:
            signature_line.is_folded = True
        stretch = []


def _signature_start(stretch: list[_Line]) -> int:
    """The index in the stretch where the signature begins; its length if there is none."""
    end = len(stretch)
    for number, line in enumerate(stretch):
        if line.is_code or line.is_blank:
            continue
        if line.words in ("--", "—") and number and _is_short_below(stretch, number):
            return number
        if (
            wording.is_list_footer(line.words)
            or _is_closing(stretch, number)
            or (number and wording.is_disclaimer(line.words))
        ):
            end = number
            break
    return _before_phone_line(stretch, end)


def _is_closing(stretch: list[_Line], number: int) -> bool:
    """«С уважением,» with nothing but a short signature below."""
    return wording.is_closing(stretch[number].words) and _is_short_below(stretch, number)


def _is_short_below(stretch: list[_Line], number: int) -> bool:
    """Could the lines below this one be a signature: few, short, without code, perhaps with a disclaimer at last?"""
    count = 0
    for place in range(number + 1, len(stretch)):
        line = stretch[place]
        if line.is_blank:
            continue
        if wording.is_disclaimer(line.words) or wording.is_list_footer(line.words):
            return True
        count += 1
        if count > _MAX_SIGNATURE or line.is_code or len(line.words) > _MAX_SIGNATURE_LINE:
            return False
    return True


def _before_phone_line(stretch: list[_Line], end: int) -> int:
    """Step back over «Отправлено с iPhone» and a dashed name at the end of the stretch."""
    while True:
        last = next((n for n in range(end - 1, -1, -1) if not stretch[n].is_blank), -1)
        if last < 0 or stretch[last].is_code:
            return end
        words = stretch[last].words
        is_name = wording.is_dashed_name(words) and last > 0
        if not (wording.is_phone_line(words) or is_name):
            return end
        end = last
