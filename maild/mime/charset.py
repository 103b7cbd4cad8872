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
    "windows-31j": "cp932",
    "windows-936": "gb18030",
    "windows-949": "cp949",
    "windows-950": "cp950",
    "windows-932": "cp932",
    "x-windows-949": "cp949",
    "x-cp1250": "cp1250",
    "x-ibm866": "cp866",
    "iso-8859-6-i": "iso8859_6",
    "gb-2312-80": "gb18030",
    "gb_2312-80": "gb18030",
    "iso-ir-111": "koi8_r",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "ucs-2": "utf_16",
    "unicode": "utf_16",
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
    "utf-8-mac": "utf_8",
    "utf8-mac": "utf_8",
    "x-utf-8": "utf_8",
    "windows1251": "cp1251",
    "windows-cp1251": "cp1251",
    "x-windows-1251": "cp1251",
    "x-windows-1252": "cp1252",
    "win-1252": "cp1252",
    "cp-1252": "cp1252",
    "cp-850": "cp850",
    "koi8_r": "koi8_r",
    "x-koi8-r": "koi8_r",
    "koi-8-r": "koi8_r",
    "koi8-rum": "koi8_r",
    "x-euc-jp": "euc_jp",
    "x-euc-kr": "cp949",
    "x-big5": "big5",
    "x-iso-8859-1": "cp1252",
    "iso-8859-9": "cp1254",  # WHATWG Encoding, as with iso-8859-1
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "x-x-big5": "big5",
    "big5": "big5hkscs",
    "cn-gb": "gb18030",
    "x-euc-cn": "gb18030",
    "hz-gb-2312": "hz",
    "iso-2022-jp": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "csiso2022jp": "iso2022_jp_ext",
    "x-mac-greek": "mac_greek",
    "x-mac-turkish": "mac_turkish",
    "x-mac-ce": "mac_latin2",
    "x-mac-centraleurroman": "mac_latin2",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "iso-latin-1": "cp1252",
    "iso88591": "cp1252",
    "us-ascii": "ascii",
    "iso-646": "ascii",
}
# UTF-7 hides markup from every filter; the others are not charsets of mail, or can make lone surrogates.
_REFUSED = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_CYRILLIC = ("cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5", "mac-cyrillic")
_LATIN = frozenset({"ascii", "cp1252", "iso8859-15", "cp1250", "iso8859-2", "cp437", "cp850", "mac-roman"})
_LATIN_GUESSES = _LATIN | frozenset("cp1254 iso8859-9 cp1257 iso8859-4 iso8859-13 cp852 gb18030 cp932 big5".split())
_SAMPLE = 1500  # high octets looked at when weighing charsets
_RUSSIAN = 0.25  # mean weight a letter above which a text reads as Russian
_CLEARLY_BETTER = 0.6
_SHORT = 12  # high octets below which chardet only guesses
_FEW = 6  # accents below which it takes Latin text for Greek
_ALL_LETTERS = -1.6  # mean weight above which octets are Cyrillic letters, if rare ones
_PRINTABLE = re.compile(rb"[\t\r\n -~]*")  # UTF-16 of any language has other octets than these
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
_CAPITAL = 0.3
_RARE = {"mac-cyrillic": 0.8, "iso8859-5": 0.3, "koi8-u": 0.05}  # what their use in mail takes off the weight
_NO_LETTER = -3.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text, and whether its charset is a guess of ours against or without a usable label."""

    text: str
    is_guessed: bool


@lru_cache(maxsize=256)
def codec_of(label: str) -> str:
    """Python's name of a charset label's codec; "" if there is none we trust with mail (UTF-7 among others)."""
    cleaned = label.strip(" \t\"'=`;,<>").lower().partition("*")[0].replace("\u2010", "-").replace(" ", "")
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
    if codec.startswith("utf-") and codec != "utf-8" and _PRINTABLE.fullmatch(data):
        return Decoded(data.decode("ascii"), False)
    if _is_stateful(codec) and (text := _strict(data, codec)):
        return Decoded(text, False)
    if utf8 := _strict(data, "utf-8") or _paired(data):
        return Decoded(utf8, codec not in ("", "utf-8"))
    if codec in ("", "utf-8", "ascii"):
        return _without_label(data, 1 if codec == "utf-8" else 3)
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


def _paired(data: bytes) -> str:
    """UTF-8 in which a character stands as two surrogates (CESU-8, written by Java), "" if it is not that."""
    if b"\xed" not in data:
        return ""
    try:
        return data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeError:
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


def _without_label(data: bytes, good_for_bad: int) -> Decoded:
    """No usable label, not UTF-8 as a whole: lines of UTF-8 stay so, the other lines are guessed together.

    Where more than `good_for_bad` characters are right for one that is not, it is UTF-8 with some octets lost.
    """
    lines = data.splitlines(keepends=True)
    odd = [line for line in lines if not line.isascii() and not _strict(line, "utf-8")]
    if all(_is_broken_utf8(line, good_for_bad) for line in odd):
        return Decoded(data.decode("utf-8", "replace"), True)
    codec = guess(b"".join(odd))
    is_odd = set(odd)
    return Decoded("".join(line.decode(codec if line in is_odd else "utf-8", "replace") for line in lines), True)


def _is_broken_utf8(line: bytes, good_for_bad: int) -> bool:
    text = line.decode("utf-8", "replace")
    return sum(char > "\x7f" and char != "\ufffd" for char in text) > good_for_bad * text.count("\ufffd")


def guess(data: bytes) -> str:
    """The codec of octets outside UTF-8: the best Cyrillic one if they read as Russian in it, else chardet's."""
    best, weight = _best_cyrillic(data)
    is_mostly_high = _is_mostly_high(data)
    high = len(_HIGH.findall(data[:_SAMPLE]))
    if is_mostly_high and weight > (_ALL_LETTERS if high < _SHORT else _RUSSIAN):
        return best
    if high < _FEW and not is_mostly_high:
        return "cp1252"
    import chardet  # noqa: PLC0415 (heavy, seldom needed)

    codec = codec_of(str(chardet.detect(data[:50_000])["encoding"] or ""))
    if not is_mostly_high and codec not in _LATIN_GUESSES:
        return "cp1251" if weight > 0 else "cp1252"
    return codec or ("cp1251" if weight > 0 else "cp1252")


def _best_cyrillic(data: bytes) -> tuple[str, float]:
    weights = {codec: weigh(data, codec) for codec in _CYRILLIC}
    codec = max(weights, key=lambda one: weights[one] - _RARE.get(one, 0.0))
    return codec, weights[codec]


def _is_mostly_high(data: bytes) -> bool:
    """Are the words with high octets made of them? So in Cyrillic; in Latin text they are the accented few."""
    words = _HIGH_WORDS.findall(data[: 20 * _SAMPLE])
    high = sum(len(_HIGH.findall(word)) for word in words)
    return high >= 2 and high > 0.7 * sum(map(len, words)) and any(len(_HIGH.findall(word)) > 1 for word in words)


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
            if char.isupper():
                total -= _CASE_BREAK if before.islower() else _CAPITAL if before.isupper() else 0.0
        before = char
    return total
