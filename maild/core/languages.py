"""Which language somebody writes: what his mails tell of it, and when that is worth remembering."""

import re

from maild.core.mail import Mail

_WORD = re.compile(r"[^\W\d_]{2,}")
_ENOUGH = 4  # words: «ok», "#solved" and a name of a file are typed by people of every language
_SURE = "ru"  # nobody types Cyrillic by accident; Latin letters stand in logs and commands too


def language_told(mail: Mail, known: str) -> str:
    """The language a mail shows its author to write, "" if it tells nothing beyond what is `known` ("" for nothing).

    The first mail with some words in it counts. Later, only Cyrillic corrects what was thought of Latin.
    """
    if mail.language == known or (known and mail.language != _SURE):
        return ""
    words = _WORD.findall(mail.reply) or _WORD.findall(mail.subject)
    return mail.language if mail.language == _SURE or len(words) >= _ENOUGH else ""
