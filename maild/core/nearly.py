"""Lines that look like a command and are none, as their writer meant one: what he wrote for colleagues must not go out.

Wider where `#note` could be meant, since everything below it is private; `# Title` and the like stay text (SPEC
section 8).
"""

import re
import unicodedata
from dataclasses import dataclass

from maild.core.words import WORDS, Word, seen

# On a Russian keyboard № stands where others have #; ＃ is full width.
_HASH = "[#＃﹟♯№]"
_NAME = r"(?:[^\W_]|[\u0300-\u036f])+"
# "#note: …", "*#note*" (bold in a plain text), "＃note", "- #notes", "##note", «#note»: whatever has no letters may
# stand in front, but no ` of code. Behind a note anything may follow that is no letter: "#note-…".
_AT_START = re.compile(
    rf"(?:[^\w#＃﹟♯№`]|_)*(?P<more>{_HASH}*){_HASH}(?P<name>{_NAME})(?:[*_:;,.!»\])]*(?:\s.*)?)?(?P<rest>\W.*)?"
)
_BETWEEN = re.compile(rf"(?<=[\s.,;:!?)…]){_HASH}(?P<name>{_NAME})(?=[\s.,;:!…]|$)")
_SPACED = re.compile(rf"[#＃﹟♯]+\s+(?P<name>{_NAME})(?P<end>[.:!]*)(?P<rest>\s.*)?")

# Other forms of «заметка», the wrong keyboard, and Russian words in Latin letters or the other way round.
_NOTES = ("заметки", "заметку", "тщеу", "pfvtnrf", "zametka", "ноте")

# Letters that look like others, one of each kind.
_ALIKE = str.maketrans("авекмнорстухзіјѕοαεικνρτυχ0", "abekmhopctyx3ijsoaeikvptyxo")


@dataclass(frozen=True, slots=True)
class Nearly:
    """The command that a line may have been meant for, and the words that stand before it on the line."""

    word: Word
    before: str = ""


def nearly(line: str, *, is_top: bool = False) -> Nearly | None:
    """What a line looks like that is no command, or one in a place where it is none. `is_top`: no words stand above."""
    line = seen(line)
    match = _AT_START.fullmatch(line)
    word = _called(match["name"], _FORMS) if match else None
    if match and word and (word is Word.NOTE or not (match["more"] or match["rest"])):
        return Nearly(word)
    return _spaced(line, is_top=is_top) or _between(line)


def _spaced(line: str, *, is_top: bool) -> Nearly | None:
    """`# note` and `# note: …`, which may be headings as well: `# Note to self` is one, and so is `# Вопрос`."""
    match = _SPACED.fullmatch(line)
    word = _called(match["name"], _EXACT) if match else None
    if match is None or word is None:
        return None
    is_alone, is_small = not match["rest"], match["name"].islower()
    if word is Word.NOTE:
        return Nearly(word) if is_alone or is_small or ":" in match["end"] else None
    return Nearly(word) if is_top and (is_small or (is_alone and word is Word.SOLVED)) else None


def _between(line: str) -> Nearly | None:
    """`Done. #note he is angry`: a note that begins in the middle of a line."""
    for match in _BETWEEN.finditer(line):
        if _called(match["name"], _EXACT) is Word.NOTE:
            return Nearly(Word.NOTE, line[: match.start()].rstrip())
    return None


def _called(name: str, names: dict[str, Word]) -> Word | None:
    return names.get(_shape(name))


def _shape(name: str) -> str:
    """A name by its looks: small letters without accents, those that look alike as one."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("ё", "е"))
    return "".join(one for one in letters if not unicodedata.combining(one)).translate(_ALIKE)


_EXACT = {_shape(name): word for name, word in WORDS.items()}
_FORMS = _EXACT | {f"{name}s": word for name, word in _EXACT.items()} | {_shape(name): Word.NOTE for name in _NOTES}
