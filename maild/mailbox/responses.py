"""Octets from an IMAP server → responses → values (RFC 3501 §9). Pure; never raises but for what would fill the memory.

Iterative, however many responses come in one piece and wherever a piece ends.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import TypeAlias

MAX_LINE = 16 * 2**20  # octets; the UIDs of a million messages
MAX_LITERAL = 256 * 2**20  # octets

Parts = list[bytes]
Value: TypeAlias = "bytes | list[Value] | None"

_LITERAL = re.compile(rb"\{(\d{1,10})\}$")
# The text of these is for people; "{5}" at its end announces nothing.
_STATUS = re.compile(rb"\+|\S+ (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)
_TOKEN = re.compile(
    rb'(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    rb"|(?P<atom>(?i:BODY|BINARY)\[[^\]]*\](?:<\d+>)?|[^\s()\"]+)"
)


class ResponseReader:
    """Cuts what the server sends into responses: lines, and the literals between them."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._parts: Parts = []
        self._literal = BytesIO()
        self._missing = 0

    def feed(self, data: bytes) -> Iterator[Parts]:
        """The responses that are complete now. Parts are line, literal, line, … Raises ValueError for a giant."""
        at = 0
        while at < len(data):
            if self._missing:
                at += self._take_literal(memoryview(data)[at : at + self._missing])
                continue
            end = data.find(b"\n", at)
            self._line += data[at : end if end >= 0 else len(data)]
            if len(self._line) > MAX_LINE:
                raise ValueError("a line without an end")
            if end < 0:
                return
            at = end + 1
            yield from self._end_line()

    def _take_literal(self, piece: memoryview) -> int:
        self._literal.write(piece)
        self._missing -= len(piece)
        if not self._missing:
            self._end_literal()
        return len(piece)

    def _end_literal(self) -> None:
        # A BytesIO gives away its buffer without copying it, so that a mail of 25 MiB is there only once.
        self._parts.append(self._literal.getvalue())
        self._literal = BytesIO()

    def _end_line(self) -> Iterator[Parts]:
        line = bytes(self._line).removesuffix(b"\r")
        self._line.clear()
        announced = _LITERAL.search(line)
        if announced is None or (not self._parts and _STATUS.match(line)):
            complete, self._parts = [*self._parts, line], []
            yield complete
            return
        self._parts.append(line[: announced.start()])
        self._missing = int(announced[1])
        if self._missing > MAX_LITERAL:
            raise ValueError("a literal that is too large")
        if not self._missing:
            self._end_literal()


def values_of(parts: Parts) -> list[Value]:
    """The words, strings and lists of a response; NIL is None. What makes no sense is passed over."""
    top: list[Value] = []
    open_lists = [top]
    for index, part in enumerate(parts):
        if index % 2:
            open_lists[-1].append(part)
            continue
        for token in _TOKEN.finditer(part):
            if token["open"]:
                inner: list[Value] = []
                open_lists[-1].append(inner)
                open_lists.append(inner)
            elif token["close"]:
                if len(open_lists) > 1:
                    open_lists.pop()
            else:
                open_lists[-1].append(_word(token))
    return top


def _word(token: re.Match[bytes]) -> bytes | None:
    if token["quoted"] is not None:
        return re.sub(rb"\\(.)", rb"\1", token["quoted"])
    return None if token["atom"].upper() == b"NIL" else token["atom"]


def fetched(parts: Parts) -> dict[str, Value]:
    """The items of a FETCH response by their names in upper case; {} for any other response."""
    match values_of(parts):
        case [b"*", _, bytes() as kind, list() as items] if kind.upper() == b"FETCH":
            names = [item.decode("latin-1").upper() if isinstance(item, bytes) else "" for item in items[::2]]
            return dict(zip(names, items[1::2], strict=False))
    return {}


def searched(parts: Parts) -> list[int] | None:
    """The numbers of a SEARCH or ESEARCH response (RFC 4731), None for any other."""
    match values_of(parts[:1]):
        case [b"*", bytes() as kind, *found] if kind.upper() == b"SEARCH":
            return [int(word) for word in found if isinstance(word, bytes) and word.isdigit()]
        case [b"*", bytes() as kind, *found] if kind.upper() == b"ESEARCH":
            words = [word.upper() if isinstance(word, bytes) else b"" for word in found]
            return numbers_in(words[words.index(b"ALL") + 1].decode()) if b"ALL" in words[:-1] else []
    return None


def numbers_in(sequence: str) -> list[int]:
    """`1:3,7` → 1, 2, 3, 7, in the order written (RFC 3501 §9, sequence-set). Ranges may be written backwards."""
    numbers: list[int] = []
    for part in sequence.split(","):
        first, _, last = part.partition(":")
        if first.isdigit() and (last or first).isdigit():
            ends = sorted((int(first), int(last or first)))
            numbers += range(ends[0], min(ends[1], ends[0] + MAX_LINE) + 1)
    return numbers


def sequence_of(numbers: list[int]) -> str:
    """1, 2, 3, 7 → `1:3,7`; the numbers are ascending."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def code_of(text: bytes) -> tuple[str, list[str]]:
    """The response code at the beginning of a status text, `[APPENDUID 38505 3955] …`: its name and words."""
    match = re.match(rb"\s*\[([^\]]*)\]", text)
    words = match[1].decode("latin-1").split() if match else []
    return (words[0].upper(), words[1:]) if words else ("", [])
