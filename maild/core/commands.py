"""Lines that an agent or customer types: `#solved`, `#note`, «решено» (SPEC section 8)."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from maild.core.nearly import Nearly, nearly
from maild.core.words import EDGES, WORDS, Word, seen

_WITHOUT_ARGUMENT = frozenset({Word.SOLVED, Word.ASK, Word.OPEN, Word.SPAM})

# `#` and letters only: "# Title", "#1" and "#!/bin/sh" are text.
_LINE = re.compile(r"#([^\W\d_]+)(?:\s+(\S.*))?")  # \s: HTML mail programs put no-break spaces between words
_FENCE = "```"

_CUSTOMER_SOLVED = frozenset({"#solved", "#решено"})
_CUSTOMER_CONTINUE = frozenset({"#continue", "#продолжить"})
# All that a mail says: the word, or what the button says, copied from the letter.
_BARE_SOLVED = frozenset(
    {"solved", "решено", "проблема решена", "спасибо, проблема решена", "thank you, the problem is solved"}
)
_BARE_CONTINUE = frozenset({"проблема не решена, продолжить общение", "the problem is not solved, continue"})


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
        is_top = not any(entry.strip() for entry in words)
        match = None if is_hidden else _LINE.fullmatch(seen(line))
        word = WORDS.get(match[1].lower()) if match else None
        meant = None if is_hidden else nearly(line, is_top=is_top)
        if word is Word.NOTE or (is_approved and meant and meant.word is Word.NOTE):
            return Typed(
                commands=tuple(commands),
                words=_trimmed([*words, _before(meant)]),
                note=_trimmed([(match[2] or "") if match and word else _behind(line, meant), *lines[index + 1 :]]),
                unclear=tuple(unclear),
            )
        if match and word and is_top and not (match[2] and word in _WITHOUT_ARGUMENT):
            commands.append(Command(word, (match[2] or "").strip(), line.strip()))
        elif meant or (match and is_top and not is_approved):
            unclear.append(line.strip())
        else:
            words.append(line)
    if is_open and not is_approved:
        # A fence that is never closed hides nothing: what looks like a command below it may well be one.
        unclear += [line.strip() for line in lines if nearly(line)]
    return Typed(tuple(commands), _trimmed(words), None, tuple(unclear))


def _before(meant: Nearly | None) -> str:
    """The words in front of a note that begins in the middle of a line; a command there is none of them."""
    return meant.before if meant and not is_known(meant.before) else ""


def _behind(line: str, meant: Nearly | None) -> str:
    return seen(line).removeprefix(meant.before if meant else "").strip()


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
    return nearly(line, is_top=True) is not None


def _trimmed(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def read_wish(text: str) -> Wish | None:
    """What a customer asks for in so many words: a command on a line of its own, or a mail that only says «решено»."""
    if bare := _bare_wish(text):
        return bare
    in_code = False
    for line in text.splitlines():
        in_code ^= line.lstrip().startswith(_FENCE)
        typed = _typed(line)
        if in_code:
            continue
        if typed in _CUSTOMER_SOLVED:
            return Wish.SOLVED
        if typed in _CUSTOMER_CONTINUE:
            return Wish.CONTINUE
    return None


def _bare_wish(text: str) -> Wish | None:
    bare = _typed(" ".join(text.split()))
    if bare in _BARE_SOLVED:
        return Wish.SOLVED
    return Wish.CONTINUE if bare in _BARE_CONTINUE else None


def _typed(line: str) -> str:
    return seen(line).lower().rstrip(EDGES + ".!")


def without_wish(text: str) -> str:
    """A customer's words without those that ask for something: is there anything else in the mail?"""
    if _bare_wish(text):
        return ""
    typed = _CUSTOMER_SOLVED | _CUSTOMER_CONTINUE
    return "\n".join(line for line in text.splitlines() if _typed(line) not in typed).strip()
