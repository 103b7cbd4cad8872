"""New words apart from quotes, signatures and disclaimers, by marks of the sender's program and by lines.

Nothing is cut away: the answer is a list of ranges to fold, aligned to lines. Where nothing would be left, nothing is
folded. Linear in the text; what a line looks like is asked of `wording`.
"""

from collections.abc import Sequence

from maild.mime import wording
from maild.mime.html import Range, Rendered
from maild.mime.lines import Line, around, fold_all, lines_of, next_words, outermost, ranges_of, within
from maild.mime.signature import fold_signatures

_MAX_ATTRIBUTION = 4  # lines: mail programs wrap "On … wrote:" at 72 columns
_WRAPPED = 60  # a quoted line at least that long may have been wrapped on sending
_HEADER_BLOCK = 10  # lines of a quoted header that are looked at
_PROMPT = ">>> "


def fold(rendered: Rendered, is_forward: bool = False) -> tuple[Range, ...]:
    """The half-open ranges of the text that are not new words, in order.

    What is forwarded is new to us: in a forwarded mail, and below a line such as «Пересылаемое сообщение» that stands
    above every quote, only our own reply marker counts. So is a mail that begins with the header of another one.
    Where nothing but a signature stands above old words, it is what is new.
    """
    for takes_header, takes_signatures in ((True, True), (True, False), (False, True)):
        lines = lines_of(rendered)
        marker = _marker(lines, () if is_forward else outermost((*rendered.quotes, *rendered.blocks)))
        fold_all(lines[marker:])
        if not is_forward:
            forwarded = _fold_old(lines[:marker], rendered, takes_header)
            if takes_signatures:
                fold_signatures(lines[:forwarded], rendered.signatures)
        if any(not line.is_folded and not line.is_blank for line in lines):
            return ranges_of(lines)
    return ()


def reply_of(text: str, folds: tuple[Range, ...]) -> str:
    """The text without the folded ranges and without blank lines at its ends."""
    pieces: list[str] = []
    place = 0
    for start, end in folds:
        pieces.append(text[place:start])
        place = end
    pieces.append(text[place:])
    kept = [piece.strip("\n").rstrip() for piece in pieces if piece.strip()]
    return "\n\n".join(kept).rstrip() if folds else text.rstrip().lstrip("\n")


def _marker(lines: list[Line], frames: Sequence[Range]) -> int:
    """Where our own reply marker stands, below which nothing is new.

    Inside a quote, of `>` or of one of the HTML elements `frames`, it ends with that quote: such an element is our
    letter as a whole, and people write below it.
    """
    place = 0
    for number, line in enumerate(lines):
        if line.is_quoted or line.is_folded or not wording.is_marker(line.words):
            continue
        while place < len(frames) and frames[place][1] <= line.start:
            place += 1
        if place == len(frames) or line.start < frames[place][0]:
            return number
        fold_all(around(lines, number, frames[place]))
    return len(lines)


def _fold_old(lines: list[Line], rendered: Rendered, takes_header: bool) -> int:
    """Fold what is quoted. Where what is forwarded begins, below which nothing is folded."""
    fold_all(within(lines, rendered.quotes))
    for line in within(lines, rendered.blocks):
        line.is_block = True
    forwarded = _forwarded_from(lines)
    _fold_quotes(lines[:forwarded], takes_header)
    if any(line.is_folded for line in lines[:forwarded]):
        forwarded = len(lines)
        _fold_quotes(lines, takes_header)
    for line in lines[forwarded:]:
        line.is_folded = False
    return forwarded


def _forwarded_from(lines: list[Line]) -> int:
    """Where a forwarded mail begins; the number of lines if none does."""
    found = (n for n, line in enumerate(lines) if not line.is_code and wording.is_forward_line(line.words))
    return next(found, len(lines))


def _fold_quotes(lines: list[Line], takes_header: bool) -> None:
    _fold_quoted(lines)
    if takes_header:
        _fold_below_header(lines)
    _fold_attributions(lines, takes_header)


def _fold_quoted(lines: list[Line]) -> None:
    """Lines with `>`, and the loose ends of those that were wrapped on the way."""
    prompts = _prompts(lines)
    for number, line in enumerate(lines):
        if line.is_code or number in prompts:
            continue
        if line.is_quoted:
            line.is_folded = True
        elif 0 < number < len(lines) - 1 and not line.is_blank:
            before, after = lines[number - 1], lines[number + 1]
            is_between = before.words.startswith(">") and after.words.startswith(">")
            line.is_folded |= is_between and len(before.words) >= _WRAPPED and len(line.words) < len(before.words)


def _prompts(lines: list[Line]) -> set[int]:
    """Lines that begin with `>>> ` where no line bears any other mark: Python's prompt, not a quote."""
    marked = [number for number, line in enumerate(lines) if line.is_quoted]
    is_prompt = all(lines[number].words.startswith(_PROMPT) for number in marked)
    return (
        set(marked) if is_prompt and not any(wording.is_groupwise(lines[number].words) for number in marked) else set()
    )


def _fold_below_header(lines: list[Line]) -> None:
    """«-----Original Message-----» or a block of From, Sent, To, Subject: everything below is old.

    If the old words bear marks, what stands unmarked between them is an answer.
    """
    for number, line in enumerate(lines):
        if line.is_code or line.is_blank:
            continue
        end = _header_end(lines, number)
        if end:
            following = next_words(lines, end)
            is_marked = following is not None and following.is_quoted
            fold_all(lines[_lead_in(lines, number) : end if is_marked else len(lines)])
            return


def _header_end(lines: list[Line], number: int) -> int:
    """The line after the header of an old mail that begins at this line, 0 if none does."""
    words = lines[number].words
    if wording.is_groupwise(words) or (not lines[number].is_folded and wording.is_original_message(words)):
        return _end_of_block(lines, number + 1)
    if lines[number].is_folded:
        return 0
    if wording.is_framed(words):
        below = next_words(lines, number + 1)
        return _end_of_block(lines, number + 1) if below is not None and wording.is_from_line(below.words) else 0
    return _end_of_block(lines, number) if _starts_header(lines, number) else 0


def _end_of_block(lines: list[Line], number: int) -> int:
    """The line below the header lines from `number` on, blank ones between them included."""
    end = number
    for place in range(number, min(number + _HEADER_BLOCK, len(lines))):
        if wording.header_kinds(lines[place].words):
            end = place + 1
        elif not lines[place].is_blank and not lines[place - 1].words.endswith((",", ";")):
            break
    return max(end, number)


def _starts_header(lines: list[Line], number: int) -> bool:
    """A From line (or «От:») with two kinds of other header lines in the next few; one is enough if it tells when."""
    words = lines[number].words
    if not wording.is_from_line(words):
        return False
    found = wording.header_kinds(words) - {"from"}
    tells_when = False
    for line in lines[number + 1 : number + _HEADER_BLOCK]:
        if line.is_quoted:
            break
        kinds = wording.header_kinds(line.words)
        found |= kinds - {"from"}
        tells_when |= "sent" in kinds and wording.has_time(line.words)
    return len(found) >= 2 or (tells_when and wording.has_address(words))


def _lead_in(lines: list[Line], number: int) -> int:
    """The line from which to fold: with the rule and the header lines directly above («Кому: …», Yandex)."""
    place = number
    while place and wording.header_kinds(lines[place - 1].words) and not lines[place - 1].is_blank:
        place -= 1
    while place and (lines[place - 1].is_blank or _is_above_header(lines[place - 1].words)):
        place -= 1
    return place


def _is_above_header(words: str) -> bool:
    return wording.is_rule(words) or wording.is_bare_original(words)


def _fold_attributions(lines: list[Line], takes_header: bool) -> None:
    """«… пишет:» above a quote; from the last line up, so that a folded quote is known before its introduction."""
    prefixes: set[str] = set()
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number]
        if line.is_folded or line.is_code:
            continue
        if takes_header and wording.is_attribution(wording.attribution_in(line.words), False):
            fold_all(lines[number:])
        if not wording.may_end_attribution(line.words):
            continue
        following = next_words(lines, number + 1)
        prefix = wording.quote_prefix(following.words) if following is not None else ""
        is_above_quote = following is not None and (following.is_folded or following.is_block or bool(prefix))
        size = _attribution_size(lines, number, is_above_quote)
        if not size or not (is_above_quote or takes_header):
            continue
        start = _lead_in(lines, number - size + 1)
        fold_all(lines[start : number + 1] if is_above_quote else lines[start:])
        if prefix:
            prefixes.add(prefix)
        elif following is not None and following.is_block:
            _fold_block(lines, number + 1)
    if prefixes:
        fold_all(line for line in lines if wording.quote_prefix(line.words) in prefixes)


def _attribution_size(lines: list[Line], number: int, is_above_quote: bool) -> int:
    """How many lines up to this one introduce a quote, 0 if they do not; the smallest number that tells when."""
    words, least = "", 0
    for size in range(1, min(_MAX_ATTRIBUTION, number + 1) + 1):
        line = lines[number - size + 1]
        if line.is_blank or line.is_folded or line.is_code or (size > 1 and wording.ends_sentence(line.words)):
            break
        words = f"{line.words} {words}" if words else line.words
        if wording.is_attribution(words, is_above_quote):
            least = least or size
            if wording.tells_moment(words):
                return size
    return least


def _fold_block(lines: list[Line], number: int) -> None:
    """A block quotation below its introduction."""
    for line in lines[number:]:
        if not line.is_block and not line.is_blank:
            return
        line.is_folded = True
