"""What somebody types into the search field, as beginnings of words; and texts folded so that these are found in them.

Russian and English endings are cut off what is typed, never off the texts: «счетов» finds «счёт», "invoices" "invoice".
"""

import re
import unicodedata

_MOST = 8  # words of one question
_BETWEEN = re.compile(r"[\W_]+")
_KEPT = 3  # letters of a word that stay
_ENDINGS = re.compile(
    "(?:иями|ями|ами|ого|его|ому|ему|ыми|ими|иях|ях|ах|ов|ев|ей|ий|ый|ой|ая|яя|ое|ее|ые|ие|ых|их|ую|юю|ам|ям|ом|ем|ью"
    "|[аеиоуыьэюяй]|es|s)$"
)


def folded(text: str) -> str:
    """Words in small letters with spaces between them, ё as е."""
    plain = unicodedata.normalize("NFC", text).casefold().replace("ё", "е")
    return _BETWEEN.sub(" ", plain).strip()


def beginnings(asked: str) -> tuple[str, ...]:
    """How the words begin that all have to be there; () if nothing is asked for."""
    return tuple(dict.fromkeys(_beginning(word) for word in folded(asked).split()))[:_MOST]


def _beginning(word: str) -> str:
    return _ENDINGS.sub("", word) if len(_ENDINGS.sub("", word)) >= _KEPT else word
