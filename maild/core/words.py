"""The commands that support types, by their names in both languages (SPEC section 8)."""

import re
from enum import StrEnum


class Word(StrEnum):
    """Every command, by its English name."""

    SOLVED = "solved"
    ASK = "ask"
    NOTE = "note"
    OPEN = "open"
    ASSIGN = "assign"
    MOVE = "move"
    MERGE = "merge"
    TAG = "tag"
    PRIORITY = "priority"
    CUSTOMER = "customer"
    CC = "cc"
    MACRO = "macro"
    SNOOZE = "snooze"
    SPAM = "spam"


_RUSSIAN = {
    "решено": Word.SOLVED,
    "вопрос": Word.ASK,
    "заметка": Word.NOTE,
    "открыть": Word.OPEN,
    "назначить": Word.ASSIGN,
    "переместить": Word.MOVE,
    "объединить": Word.MERGE,
    "метка": Word.TAG,
    "приоритет": Word.PRIORITY,
    "клиент": Word.CUSTOMER,
    "копия": Word.CC,
    "шаблон": Word.MACRO,
    "отложить": Word.SNOOZE,
    "спам": Word.SPAM,
}
WORDS: dict[str, Word] = {word.value: word for word in Word} | _RUSSIAN

_CUSTOMERS = frozenset({"continue", "продолжить"})
_BEGIN = re.compile(r"#([^\W\d_]+)(?!\S)")

EDGES = " \t\u00a0"
_UNSEEN = re.compile(r"[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # what programs leave


def seen(line: str) -> str:
    """The line as its reader sees it: without blanks around it, and without marks that nobody sees."""
    return _UNSEEN.sub("", line).strip(EDGES)


def begins_with_command(line: str) -> bool:
    """Does the line begin with a command of support's or a customer's, whoever wrote it?"""
    match = _BEGIN.match(seen(line))
    return match is not None and (match[1].lower() in WORDS or match[1].lower() in _CUSTOMERS)
