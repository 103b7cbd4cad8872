"""Octets to text: the declared charset, else UTF-8, else a guess (SPEC section 4).

Labels lie: cp1251 comes labelled koi8-r or iso-8859-1, UTF-8 comes labelled anything. What reads as Russian in
another Cyrillic charset, or as valid UTF-8, is believed more than the label.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_ALIASES = {
    "x-gbk": "gb18030",
    "gb2312": "gb18030",  # declared by clients that write GBK
    "gbk": "gb18030",
    "windows-874": "cp874",
    "x-windows-874": "cp874",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "cp-866": "cp866",
    "x-cp866": "cp866",
    "ibm-866": "cp866",
    "dos-866": "cp866",
    "x-cp1251": "cp1251",
    "cp-1251": "cp1251",
    "win-1251": "cp1251",
    "win1251": "cp1251",
    "koi8": "koi8_r",
    "koi-8": "koi8_r",
    "koi8r": "koi8_r",
    "koi8-ru": "koi8_u",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "iso-8859-1": "cp1252",  # WHATWG Encoding: the label stands for windows-1252
    "latin1": "cp1252",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "utf8mb4": "utf_8",
    "unicode-1-1-utf-8": "utf_8",
}
# UTF-7 hides markup from every filter; the others are not charsets of mail, or can make lone surrogates.
_REFUSED = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_CYRILLIC = ("cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5", "mac-cyrillic")
_LATIN = frozenset({"ascii", "cp1252", "iso8859-15", "cp1250", "iso8859-2", "cp437", "cp850", "mac-roman"})
_SAMPLE = 1500  # high octets looked at when weighing charsets
_RUSSIAN = 0.25  # mean weight a letter above which a text reads as Russian
_CLEARLY_BETTER = 0.6
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_WORDS = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
# Weight of each letter: log2 of its frequency in Russian over the mean of the alphabet.
_WEIGHTS = dict(
    zip(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґ",
        (
            *(1.9, 1.5, 1.4, 1.3, 1.2, 1.1, 0.9, 0.7, 0.6, 0.6, 0.3, 0.2, 0.0, 0.0, -0.1, -0.4, -0.6, -0.7, -0.8),
            *(
                -0.8,
                -0.8,
                -0.9,
                -1.1,
                -1.4,
                -1.5,
                -1.8,
                -2.0,
                -2.4,
                -2.8,
                -3.0,
                -3.2,
                -5.0,
                -2.5,
                0.0,
                -1.5,
                -1.5,
                -3.0,
            ),
        ),
        strict=True,
    )
)
_MARKS = frozenset("«»—–…№„“”’‘•\u00a0°§©®™±·")
_CASE_BREAK = 3.0
_NO_LETTER = -3.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text, and whether its charset is a guess of ours against or without a usable label."""

    text: str
    is_guessed: bool


@lru_cache(maxsize=256)
def codec_of(label: str) -> str:
    """Python's name of a charset label's codec; "" if there is none we trust with mail (UTF-7 among others)."""
    cleaned = label.strip().strip("\"'").lower().partition("*")[0].replace("\u2010", "-")
    try:
        name = codecs.lookup(_ALIASES.get(cleaned, cleaned)).name
        "".encode(name)  # LookupError: base64, rot13 and the like are no text encodings
    except (LookupError, ValueError, UnicodeError):
        return ""
    name = name.replace("_", "-")
    return "" if name in _REFUSED or name.replace("-", "_") in _REFUSED else name


def decode(data: bytes, label: str = "", hint: str = "") -> Decoded:
    """The text of some octets. `label` is what the mail declares, `hint` what its neighbours declare; both may lie."""
    if data.isascii() and not _is_stateful(codec_of(label)):
        return Decoded(data.decode("ascii"), False)
    codec = codec_of(label) or codec_of(hint)
    if _is_stateful(codec) and (text := _strict(data, codec)):
        return Decoded(text, False)
    if utf8 := _strict(data, "utf-8"):
        return Decoded(utf8, codec not in ("", "utf-8"))
    if codec in ("", "utf-8", "ascii"):
        return _without_label(data)
    return _with_label(data, codec)


def _is_stateful(codec: str) -> bool:
    """Charsets whose text can be all ASCII octets (ISO-2022-JP, HZ, UTF-16)."""
    return codec.startswith(("iso2022", "hz", "utf-16", "utf-32"))


def _strict(data: bytes, codec: str) -> str:
    """The text, "" if the octets do not fit the codec."""
    if _is_stateful(codec) and codec.startswith("utf") and len(data) % 2:
        return ""
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError):
        return ""


def _with_label(data: bytes, codec: str) -> Decoded:
    """Believe the label, unless it is Cyrillic or Latin and another Cyrillic charset reads clearly better."""
    if codec in _CYRILLIC or codec in _LATIN:
        own = weigh(data, codec) if codec in _CYRILLIC else _NO_LETTER
        if own < _RUSSIAN and (codec in _CYRILLIC or _is_mostly_high(data)):
            best, weight = _best_cyrillic(data)
            if best != codec and weight > _RUSSIAN and weight > own + _CLEARLY_BETTER:
                return Decoded(data.decode(best, "replace"), True)
    text = _strict(data, codec)
    return Decoded(text, False) if text else Decoded(data.decode(codec, "replace"), False)


def _without_label(data: bytes) -> Decoded:
    """No usable label, not UTF-8 as a whole: lines of UTF-8 stay so, the other lines are guessed together."""
    lines = data.splitlines(keepends=True)
    odd = [line for line in lines if not line.isascii() and not _strict(line, "utf-8")]
    if all(_is_broken_utf8(line) for line in odd):
        return Decoded(data.decode("utf-8", "replace"), True)
    codec = guess(b"".join(odd))
    is_odd = set(odd)
    return Decoded("".join(line.decode(codec if line in is_odd else "utf-8", "replace") for line in lines), True)


def _is_broken_utf8(line: bytes) -> bool:
    """UTF-8 with a few octets lost: far more good characters than bad octets."""
    text = line.decode("utf-8", "replace")
    return sum(char > "\x7f" and char != "\ufffd" for char in text) > 3 * text.count("\ufffd")


def guess(data: bytes) -> str:
    """The codec of octets outside UTF-8: the best Cyrillic one if they read as Russian in it, else chardet's."""
    best, weight = _best_cyrillic(data)
    if weight > _RUSSIAN and _is_mostly_high(data):
        return best
    import chardet  # noqa: PLC0415 (heavy, seldom needed)

    found = chardet.detect(data[:50_000])
    return codec_of(str(found["encoding"] or "")) or ("cp1251" if weight > 0 else "cp1252")


def _best_cyrillic(data: bytes) -> tuple[str, float]:
    weights = [(weigh(data, codec), codec) for codec in _CYRILLIC]
    weight, codec = max(weights, key=lambda pair: pair[0])
    return codec, weight


def _is_mostly_high(data: bytes) -> bool:
    """Are the words with high octets made of them? So in Cyrillic; in Latin text they are the accented few."""
    words = _HIGH_WORDS.findall(data[: 20 * _SAMPLE])
    high = sum(len(_HIGH.findall(word)) for word in words)
    return high >= 3 and high > 0.7 * sum(map(len, words))


def weigh(data: bytes, codec: str) -> float:
    """How Russian the octets read in that codec: the mean weight of their letters outside ASCII; higher is better."""
    words = _HIGH_WORDS.findall(data[: 20 * _SAMPLE])
    total, count = 0.0, 0
    for word in _first(words, _SAMPLE):
        text = word.decode(codec, "replace")
        total += _weight_of(text)
        count += sum(char > "\x7f" for char in text)
    return total / count if count else _NO_LETTER


def _first(words: Iterable[bytes], limit: int) -> Iterable[bytes]:
    """Words up to that many octets in all."""
    for word in words:
        yield word
        limit -= len(word)
        if limit < 0:
            return


def _weight_of(word: str) -> float:
    """Sum of the letters' weights; a capital after a small letter is what a wrong charset looks like."""
    total, before = 0.0, ""
    for char in word:
        if char > "\x7f":
            weight = _WEIGHTS.get(char.lower())
            total += weight if weight is not None else 0.0 if char in _MARKS else _NO_LETTER
            total -= _CASE_BREAK if char.isupper() and before.islower() else 0.0
        before = char
    return total
