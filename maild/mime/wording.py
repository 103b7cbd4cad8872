"""How mail programs word the lines around a quote: attributions, quoted headers, "Original Message", forwards.

Russian, Ukrainian, English, many neighbours, and for the rest the shape alone: a date, an address, a colon. Each
question is asked of one line (or a few joined), and answered without backtracking over more than that.
"""

import re

from maild.mime import phrases

_MAX_LINE = 400  # characters; longer lines are prose

_ODD_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000\t]+")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad]")

_MARKER = re.compile(r"=-=-=.*=-=-=")
_FOREIGN_MARKER = re.compile(  # of other ticket desks
    r"\b(?:reply|answer|respon[ds]e?|type|write)\b[^.!?]{0,40}\babove this line\b|(?:ответ|пишите)[^.!?]{0,40}выше этой"
    r" (?:строки|линии|черты)\b|(?:відпові|пишіть)[^.!?]{0,40}вище (?:цієї|цього) (?:лінії|рядка|риски)\b",
    re.IGNORECASE,
)
_FRAMES = ("##", "==", "**", "--", "__", "~~", "––", "——")

_ORIGINAL = frozenset(phrases.ORIGINAL_MESSAGE.split("|"))
_FORWARDED = tuple(phrases.FORWARDED.split("|"))
_FORWARD_BEGINS = tuple(phrases.FORWARD_BEGINS.split("|"))
_FRAME = re.compile(r"[\s>*_]*[-—–=]{1,40}\s*([^\s—–=-].{0,100}?)\s*:?\s*[-—–=]{2,40}[\s*_]*(.{0,300})")
_DASHED = re.compile(r"[\s*_]*[-—–]{2,40}\s*([^\s-].{0,40})")
_FORWARD_SUBJECT = re.compile(
    r"\s*(?:\[[^\]]{0,40}\]\s*)*(?:fwd?|пересл?\.?|пер|переслано|wg|tr|rv|vs|enc|doorst|pd|fs|vl|i)\s*(?:\[\d+\])?\s*:",
    re.IGNORECASE,
)
_KINDS = {key: kind for kind, keys in reversed(phrases.HEADER_KEYS.items()) for key in keys.split("|")}
_MAX_KEY = 24  # characters
_INNER_KEY = re.compile(r"[\s*]([^\s:*]{1,16})[*_]*:")
_RULE = re.compile(r"[-_=–—*\s]{5,}")

_WROTE = frozenset(phrases.WROTE.split("|"))
_WROTE_ELSEWHERE = tuple(phrases.WROTE_ELSEWHERE.split("|"))
_LETTERS = re.compile(r"[^\W\d_]+")
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.h]\d{2}(?!\d)|\d{1,2}時|[上下]午")
_NUMERIC_DATE = re.compile(
    r"(?<!\d)\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{1,4}(?!\d)|\d{4}年|(?<!\d)\d{1,2}-[^\W\d_]{3,5}\.?-\d{2,4}"
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DAY_MONTH = re.compile(
    r"(?<!\d)\d{1,2}(?:-?(?:го|е|st|nd|rd|th))?\.?,? (?:de |of )?[^\W\d_]{3,10}\b"
    r"|\b[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?(?!\d)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_QUOTING = re.compile(r"<[^\s<>@]+@[^\s<>@]+>\s?:$")  # "Quoting X <x@y>:"
_PREPOSITION = re.compile(rf"[>*_\s]*(?:{phrases.DATE_PREPOSITIONS})\s", re.IGNORECASE)
_START = re.compile(
    rf"[>*_\s]*(?:-{{3,4}}\s)?(?:(?:{phrases.DATE_PREPOSITIONS}|a|la|от|від|от:|вы писали|you wrote)\s|在?\s?\d|\"|«|<"
    rf"|(?:{phrases.WEEKDAYS})[^\W\d_]*\.?[\s,])",
    re.IGNORECASE,
)
_SENDER_FIRST = re.compile(
    r"[^<>]{0,80}<[^\s<>@]+@[^\s<>@]+>,?\s\S.{0,40}\d{1,2}:\d{2}\s?:$"
)  # «Иван <a@b>, 6 мая 2025, 10:15:»
_NAME_START = re.compile(r"[A-ZА-ЯЁІЇЄҐÀ-ÞΆ-Ϋ\"«'<]")
_WORD_BEFORE_DATE = re.compile(r"[^\W\d_]{1,12}[.,]?\s\d")  # a weekday or "on" of a language that has no list here
_SENTENCE_END = re.compile(r"(?:[^\W\d_]{3,}|\))[.!?…]+$")
_ABBREVIATED = re.compile(
    r"(?:янв|февр?|мар|апр|авг|сент?|окт|нояб?|дек|січ|лют|бер|квіт|трав|черв|лип|серп|вер|жовт|лист|груд"
    r"|jan|janv|feb|févr|mar|apr|avr|aug|sept?|oct|okt|nov|de[cz]|déc|juil|[ap]\.m)\.$",
    re.IGNORECASE,
)
_GROUPWISE = re.compile(r">>>\s?\S.{0,200}\d{1,2}[:.]\d{2}.{0,160}?(?:>>>|wrote:|schrieb:)\s*")
_INLINE = re.compile(r"\S[^<>]{8,160}<[^<>\s@]+@[^<>\s]+>,? [^\s:]+(?: [^\s:]+)?\s?:\s(?=\s*\S)")
_INITIALS = re.compile(r"(?:[A-ZА-ЯЁІЇЄҐ][\w-]{0,3}|\|)>+(?:\s|$)|\|(?:\s|$)")


def plain_spaces(line: str) -> str:
    """The words of a line without odd spaces and invisible characters, which programs put into dates and names."""
    if line.isascii():
        return line.strip()
    return _ODD_SPACES.sub(" ", _INVISIBLE.sub("", line)).strip()


def is_marker(line: str) -> bool:
    """The line of a ticket desk above which one replies: ours is `=-=-= … =-=-=`."""
    if "=-=-=" in line:
        return _MARKER.search(line[:_MAX_LINE]) is not None
    is_framed_line = len(line) < 120 and line.startswith(_FRAMES) and line.endswith(_FRAMES)
    return is_framed_line and _FOREIGN_MARKER.search(line) is not None


def is_original_message(line: str) -> bool:
    """«-----Original Message-----» and its translations; Notes' «-----Ivan wrote: -----»."""
    words, below = _framed(line)
    if words.lower() in _ORIGINAL:
        return not below or bool(header_kinds(below))  # Samsung may put the header into the same line
    return not below and line.startswith("---") and words != "" and has_verb(words)


def is_bare_original(line: str) -> bool:
    """BlackBerry writes "Original Message" without dashes."""
    return len(line) < 40 and line.lower() in _ORIGINAL


def is_framed(line: str) -> bool:
    """`----- some words -----`: above a quoted header it means "Original Message" in any language."""
    words, below = _framed(line)
    return 3 < len(words) < 50 and not below


def _framed(line: str) -> tuple[str, str]:
    """The words between dashes and what follows them in the line, both "" if there are no such."""
    if len(line) > _MAX_LINE or not line.lstrip(" >*_").startswith(("--", "—", "–", "=", "- ")):
        return "", ""
    match = _FRAME.match(line)
    return (match[1], match[2]) if match else ("", "")


def is_forward_subject(subject: str) -> bool:
    """`Fwd: …`, `FW: …`, «Пересл.: …»: the mail passes another one on."""
    return _FORWARD_SUBJECT.match(subject) is not None


def is_forward_line(line: str) -> bool:
    """«-------- Пересылаемое сообщение --------», "Begin forwarded message:"."""
    bare = line[:_MAX_LINE].lstrip(" *_").lower()
    if bare.startswith(_FORWARD_BEGINS):
        return True
    match = _DASHED.match(bare) if bare.startswith(("--", "—", "–")) else None
    return match is not None and match[1].startswith(_FORWARDED)


def is_from_line(line: str) -> bool:
    """`From: …`, `От: …`: may begin a quoted header."""
    return len(line) <= _MAX_LINE and _kind_of(line) == "from"


def header_kinds(line: str) -> frozenset[str]:
    """What a line of a quoted header tells (from, sent, to, subject, other); several if all stands in one line."""
    kind = _kind_of(line)
    if not kind:
        return frozenset()
    if kind != "from":
        return frozenset({kind})
    inner = {_KINDS.get(key.lower(), "other") for key in _INNER_KEY.findall(line[:_MAX_LINE])}
    return frozenset({kind}) | (inner & {"sent", "to", "subject"})


def _kind_of(line: str) -> str:
    """By the word before the first colon, which may be bold as Outlook writes it in plain text (`*From:*`)."""
    key, colon, _ = line[: _MAX_KEY + 8].lstrip("*_> ").replace("：", ":").partition(":")
    return _KINDS.get(key.rstrip("*_ ").lower(), "") if colon else ""


def is_rule(line: str) -> bool:
    """A line of dashes or underscores."""
    return len(line) <= _MAX_LINE and _RULE.fullmatch(line) is not None


def has_address(line: str) -> bool:
    """Does an e-mail address stand in the line?"""
    return _ADDRESS.search(line[:_MAX_LINE]) is not None


def has_time(line: str) -> bool:
    """Does a time of day stand in the line?"""
    return _TIME.search(line[:_MAX_LINE]) is not None


def is_groupwise(line: str) -> bool:
    """`>>> Ivan <a@b> 02.11.2026 10:15 >>>`: the old mail stands below without marks."""
    return line.startswith(">>>") and len(line) <= _MAX_LINE and _GROUPWISE.match(line) is not None


def quote_prefix(line: str) -> str:
    """`IP> ` of The Bat!, `| ` of old programs: what quoted lines begin with there, "" for none."""
    match = _INITIALS.match(line)
    return match[0].strip().rstrip(">") if match else ""


def may_end_attribution(line: str) -> bool:
    """Only lines with a colon at the end introduce a quote."""
    return line.rstrip("*_ ").endswith((":", "：")) and len(line) <= _MAX_LINE


def attribution_in(line: str) -> str:
    """The attribution at the beginning of a line that goes on with the old words (Yahoo on Android), "" if none."""
    match = _INLINE.match(line) if "@" in line else None
    return match[0].rstrip() if match else ""


def ends_sentence(line: str) -> bool:
    """Does a line end a sentence of the author's, so that it cannot belong to the attribution below?"""
    return _SENTENCE_END.search(line) is not None and _ABBREVIATED.search(line) is None


def has_verb(words: str) -> bool:
    """«пишет», "wrote" in some language."""
    if not _WROTE.isdisjoint(_LETTERS.findall(words.lower())):
        return True
    return not words.isascii() and any(one in words for one in _WROTE_ELSEWHERE)


def tells_moment(words: str) -> bool:
    """Is there a time or a date with its year?"""
    return bool(_TIME.search(words) or _NUMERIC_DATE.search(words) or _YEAR.search(words))


def is_attribution(words: str, is_above_quote: bool) -> bool:
    """Do these words introduce a quote? Above something quoted less is asked of them."""
    words = words.rstrip("*_ ")
    if len(words) > _MAX_LINE or not (is_above_quote or tells_moment(words)):
        return False
    return _is_above_quote(words) if is_above_quote else _is_alone(words)


def _is_date(words: str) -> bool:
    """A date in figures, or a day and a month with a year or a time."""
    if _NUMERIC_DATE.search(words):
        return True
    return _DAY_MONTH.search(words) is not None and bool(_YEAR.search(words) or _TIME.search(words))


def _is_above_quote(words: str) -> bool:
    if not tells_moment(words):
        return len(words) < 100 and (has_verb(words) or _QUOTING.search(words) is not None)
    begins = _START.match(words) is not None
    if has_verb(words):
        return begins or _NAME_START.match(words) is not None or _WORD_BEFORE_DATE.match(words) is not None
    return _is_date(words) and (_ADDRESS.search(words) is not None or _TIME.search(words) is not None)


def _is_alone(words: str) -> bool:
    """Nothing marks the old words below: asks for a date, a time or a verb, and a beginning as programs write it."""
    if not _is_date(words):
        return False
    has_wrote, is_timed = has_verb(words), _TIME.search(words) is not None
    has_sender = _ADDRESS.search(words) is not None
    if is_timed and _SENDER_FIRST.match(words):
        return True
    if _START.match(words):
        if has_wrote:
            return is_timed or has_sender or _PREPOSITION.match(words) is not None
        return is_timed and has_sender and _ends_with_sender(words)
    return has_wrote and is_timed and _NAME_START.match(words) is not None


def _ends_with_sender(words: str) -> bool:
    """«…, Иван <a@b>:», "… <a@b> :"."""
    return words.rstrip(" :：").endswith((">", ")", "]")) or " от " in words
