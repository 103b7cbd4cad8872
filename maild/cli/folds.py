"""By which sign a stretch of a mail was folded away, in words for a person: read from how the stretch begins."""

from collections.abc import Callable

from maild.mime import signoffs, wording


def fold_sign(text: str) -> str:
    """«a quote», «a signature» …; the sign is that of the first lines of the folded text."""
    lines = [line.strip() for line in text.split("\n") if line.strip()][:3]
    if not lines:
        return "blank lines"
    return next((sign for sign, is_so in _SIGNS if is_so(lines)), "what its HTML marks as quoted")


def _begins_mail(lines: list[str]) -> bool:
    first = lines[0]
    is_title = wording.is_original_message(first) or wording.is_forward_line(first)
    return is_title or any(wording.is_from_line(line) for line in lines)


def _is_signature(lines: list[str]) -> bool:
    first = lines[0]
    return signoffs.is_delimiter(first) or signoffs.is_closing(first) or signoffs.is_dashed_name(first)


def _is_introduced(lines: list[str]) -> bool:
    """An attribution may be broken over two lines."""
    is_quoted = any(line.startswith(">") for line in lines[1:])
    return is_quoted or any(wording.is_attribution(" ".join(lines[:count]), False) for count in (1, 2))


_SIGNS: tuple[tuple[str, Callable[[list[str]], bool]], ...] = (
    ("what stands below our marker", lambda lines: wording.is_marker(lines[0])),
    ("quoted lines", lambda lines: lines[0].startswith((">", "|"))),
    ("a quote with its introduction", _is_introduced),
    ("an earlier mail with its header", _begins_mail),
    ("the line of a phone or mail program", lambda lines: signoffs.is_phone_line(lines[0])),
    ("a signature", _is_signature),
    ("the footer of a list", lambda lines: signoffs.is_list_footer(lines[0])),
    ("a disclaimer", lambda lines: signoffs.is_disclaimer(lines[0])),
)
