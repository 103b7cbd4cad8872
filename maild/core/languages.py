"""Which language somebody writes: what his mails tell of it, and when that is worth remembering."""

import re

from maild.core.mail import Mail

_WORD = re.compile(r"[^\W\d_]{2,}")
_ENOUGH = 4  # words: «ok», "#solved" and a name of a file are typed by people of every language
_CYRILLIC = re.compile("[\u0400-\u04ff]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)
_NO_WORDS = re.compile(r"https?://\S+|[^\s@]{1,64}@[^\s@]+")
_MAX_SAMPLE = 5_000  # characters that tell the language
_SURE = "ru"  # nobody types Cyrillic by accident; Latin letters stand in logs and commands too


def language_told(mail: Mail, known: str) -> str:
    """The language a mail shows its author to write, "" if it tells nothing beyond what is `known` ("" for nothing).

    The first mail with some words in it counts. Later, only Cyrillic corrects what was thought of Latin.
    """
    if mail.language == known or (known and mail.language != _SURE):
        return ""
    words = _WORD.findall(mail.reply) or _WORD.findall(mail.subject)
    return mail.language if mail.language == _SURE or len(words) >= _ENOUGH else ""


def language_of(text: str) -> str:
    """ru for Cyrillic (pasted logs in Latin may be twice as long), en for other letters, "" for none or mere code."""
    words = _NO_WORDS.sub(" ", _CODE.sub(" ", text[:_MAX_SAMPLE]))
    letters = sum(map(len, _LETTERS.findall(words)))
    if not letters:
        return ""
    return "ru" if 3 * sum(map(len, _CYRILLIC.findall(words))) >= letters else "en"
