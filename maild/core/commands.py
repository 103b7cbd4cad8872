"""Lines that an agent or customer types: `#solved`, `#note`, «решено» (SPEC section 8)."""

import re
from dataclasses import dataclass, field
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
_WORDS: dict[str, Word] = {word.value: word for word in Word} | _RUSSIAN
_WITHOUT_ARGUMENT = frozenset({Word.SOLVED, Word.ASK, Word.OPEN, Word.SPAM})

# `#` and letters only: "# Title", "#1" and "#!/bin/sh" are text.
_LINE = re.compile(r"#([^\W\d_]+)(?:\s+(\S.*))?")  # \s: HTML mail programs put no-break spaces between words
# "#note: …", "*#note*" (bold in a plain text), "＃note" (full width), "- #notes", "##note", «#note»: must not be
# relayed as text. Behind a note anything may follow that is no letter: "#note-…".
_NEARLY = re.compile(
    r"(?:[^\w#＃`]|_)*(?P<more>[#＃]*)[#＃](?P<word>[^\W\d_]+)(?:[*_:;,.!»\])]*(?:\s.*)?)?(?P<rest>\W.*)?"
)
_UNSEEN = re.compile(r"[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # what programs leave
_EDGES = " \t\u00a0"
_FORMS = {"заметки": Word.NOTE, "заметку": Word.NOTE}
_FENCE = "```"

_CUSTOMER_SOLVED = frozenset({"#solved", "#решено"})
_CUSTOMER_CONTINUE = frozenset({"#continue", "#продолжить"})
_BARE_SOLVED = frozenset({"solved", "решено"})


class Wish(StrEnum):
    """What a customer typed."""

    SOLVED = "solved"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Command:
    """One command with the rest of its line; `line` is all of it as it was typed."""

    word: Word
    argument: str
    line: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Typed:
    """An agent's mail taken apart.

    `words` go to the customer, `note` stays inside (None without `#note`); `unclear` are the lines that make relaying
    unsafe: unknown commands at the top, known ones below the first words, commands with words they do not take.
    """

    commands: tuple[Command, ...]
    words: str
    note: str | None
    unclear: tuple[str, ...]

    def has(self, word: Word) -> bool:
        """Was that command given?"""
        return any(command.word is word for command in self.commands)


def read_commands(text: str, *, is_approved: bool = False) -> Typed:
    """Take an agent's new words apart. Lines inside ``` fences are never commands.

    `is_approved`: he was shown his mail and said that it shall go out. Then unknown commands are text, and what looks
    like a known one does not go out: neither the line, nor anything below one that looks like `#note`.
    """
    commands: list[Command] = []
    words: list[str] = []
    unclear: list[str] = []
    lines = text.splitlines()
    hidden, is_open = _fenced(lines)
    for index, line in enumerate(lines):
        is_hidden = hidden[index] and not (is_approved and is_open)
        match = None if is_hidden else _LINE.fullmatch(_seen(line))
        word = _WORDS.get(match[1].lower()) if match else None
        if word is Word.NOTE or (is_approved and not is_hidden and _is_nearly_note(line)):
            first = (match[2] or "") if match else line
            note = "\n".join([first, *lines[index + 1 :]]).strip("\n")
            return Typed(tuple(commands), _trimmed(words), note, tuple(unclear))
        is_top = not any(entry.strip() for entry in words)
        if match and word and is_top and not (match[2] and word in _WITHOUT_ARGUMENT):
            commands.append(Command(word, (match[2] or "").strip(), line.strip()))
        elif not is_hidden and (_is_nearly_command(line) or (match and is_top and not is_approved)):
            unclear.append(line.strip())
        else:
            words.append(line)
    if is_open and not is_approved:
        # A fence that is never closed hides nothing: what looks like a command below it may well be one.
        unclear += [line.strip() for line in lines if _is_nearly_command(line)]
    return Typed(tuple(commands), _trimmed(words), None, tuple(unclear))


def _fenced(lines: list[str]) -> tuple[list[bool], bool]:
    """Which lines stand in ``` fences, and whether the last fence is left open."""
    hidden: list[bool] = []
    in_code = False
    for line in lines:
        in_code ^= line.lstrip().startswith(_FENCE)
        hidden.append(in_code)
    return hidden, in_code


def is_known(line: str) -> bool:
    """Does that line name a command of ours, or nearly?"""
    return _is_nearly_command(line)


def _is_nearly_command(line: str) -> bool:
    return _nearly(line) is not None


def _is_nearly_note(line: str) -> bool:
    return _nearly(line) is Word.NOTE


def _nearly(line: str) -> Word | None:
    match = _NEARLY.fullmatch(_seen(line))
    if match is None:
        return None
    typed = match["word"].lower()
    found = _FORMS.get(typed) or next((word for name, word in _WORDS.items() if typed in (name, f"{name}s")), None)
    return found if found is Word.NOTE or not (match["more"] or match["rest"]) else None


def _seen(line: str) -> str:
    """The line as its reader sees it: without blanks around it, and without marks that nobody sees."""
    return _UNSEEN.sub("", line).strip(_EDGES)


def _trimmed(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def read_wish(text: str) -> Wish | None:
    """What a customer asks for in so many words: a command on a line of its own, or a mail that only says «решено»."""
    bare = _seen(text.strip()).strip(_EDGES + ".!").lower()
    if bare in _BARE_SOLVED:
        return Wish.SOLVED
    in_code = False
    for line in text.splitlines():
        in_code ^= line.lstrip().startswith(_FENCE)
        typed = _seen(line).lower()
        if in_code:
            continue
        if typed in _CUSTOMER_SOLVED:
            return Wish.SOLVED
        if typed in _CUSTOMER_CONTINUE:
            return Wish.CONTINUE
    return None


def without_wish(text: str) -> str:
    """A customer's words without the command lines: is there anything else in the mail?"""
    typed = _CUSTOMER_SOLVED | _CUSTOMER_CONTINUE
    return "\n".join(line for line in text.splitlines() if _seen(line).lower() not in typed).strip()
