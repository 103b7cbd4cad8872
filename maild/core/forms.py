"""The fields of a topic's card, read from a letter and checked (SPEC section 2, sentence 1.3).

A line `Label: value`, or `key: value`, gives a field, in any case, also inside the quote of our own letter that asked
for it. Code and addresses of web pages are never fields. What is wrong is told, never guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from maild.core.address import is_mailbox, normalise
from maild.core.days import read_day
from maild.core.policy import Field, Topic

_LIMIT = 1000  # characters of a value
_FENCE = "```"
_MARKER = "=-=-="  # above it in our letters stands what we ask for, below it what was written before
_LEAD = re.compile(r"[\s>|*_•\-–—]*")  # quotes, bullets, bold
_EDGES = " \t\u00a0\u200b\ufeff*_"
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


class Fault(StrEnum):
    """Why a field is not as it should be; templates have the words."""

    MISSING = "missing"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_DATE = "not_a_date"
    NOT_A_CHOICE = "not_a_choice"
    NOT_AN_ADDRESS = "not_an_address"
    NO_MATCH = "no_match"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that is missing or wrong; `given` is what stood there."""

    field: Field
    fault: Fault
    given: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A card as far as it is filled in. `fresh`: this letter said something about it, right or wrong."""

    values: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    fresh: bool = False

    @property
    def is_complete(self) -> bool:
        """Is every required field there? A wrong optional one keeps nobody waiting."""
        return not any(problem.field.is_required for problem in self.problems)


def read_card(topic: Topic | None, known: Mapping[str, str], reply: str, text: str) -> Card:
    """The card after a letter: what was `known`, and what its new words, then its quotes, say.

    `reply` are the new words; `text` is all of the letter: a field is often filled in where our letter asked for it.
    """
    if topic is None or not topic.fields:
        return Card(known)
    quoted = dict(reversed(list(_given(topic, text))))
    typed = dict(_given(topic, reply))
    missing = {entry.key for entry in topic.fields} - known.keys()
    return fill(topic, known, {key: value for key, value in quoted.items() if key in missing} | typed)


def fill(topic: Topic, known: Mapping[str, str], given: Mapping[str, str]) -> Card:
    """The card with values by key, as a letter or a form gives them. A wrong value replaces nothing."""
    values, problems = dict(known), []
    for entry in topic.fields:
        if said := given.get(entry.key, "").strip():
            value, fault = read_value(entry, said)
            if fault is None:
                values[entry.key] = value
            else:
                problems.append(Problem(entry, fault, said))
        elif entry.is_required and entry.key not in values:
            problems.append(Problem(entry, Fault.MISSING))
    return Card(values, tuple(problems), fresh=any(value.strip() for value in given.values()))


def carried_over(topic: Topic | None, known: Mapping[str, str]) -> Card:
    """The card of a ticket that is moved to that topic: what is there counts if it is right there too."""
    if topic is None:
        return Card(known)
    kept = {entry.key: known[entry.key] for entry in topic.fields if entry.key in known}
    return fill_form(topic, known, kept)


def fill_form(topic: Topic, known: Mapping[str, str], given: Mapping[str, str]) -> Card:
    """The card as a form leaves it, which shows every field: what is empty there is empty now."""
    shown = {entry.key for entry in topic.fields}
    return fill(topic, {key: value for key, value in known.items() if key not in shown}, given)


def read_value(entry: Field, said: str) -> tuple[str, Fault | None]:
    """What is stored for a value as a person writes it, and what is wrong with it."""
    if len(said) > _LIMIT:
        return "", Fault.TOO_LONG
    value, fault = _TYPES[entry.type](entry, said)
    if fault is None and entry.pattern and not re.fullmatch(entry.pattern, value):
        fault = Fault.NO_MATCH
    return value, fault


def _given(topic: Topic, text: str) -> Iterator[tuple[str, str]]:
    """The fields that lines of a letter give, in order."""
    text = text.partition(_MARKER)[0]
    names = {_folded(name): entry.key for entry in topic.fields for name in _names(entry)}
    for line in _lines(text):
        for end in [at for at, sign in enumerate(line[:200]) if sign in ":\uff1a"]:
            value = line[end + 1 :].strip(_EDGES)
            key = names.get(_folded(line[:end]))
            if key and value and not value.startswith("//"):
                yield key, value
                break


def _lines(text: str) -> Iterator[str]:
    in_code = False
    for line in text.splitlines():
        bare = line[_lead_of(line) :]
        if bare.startswith(_FENCE):
            in_code = not in_code
        elif not in_code:
            yield bare


def _lead_of(line: str) -> int:
    lead = _LEAD.match(line)
    return lead.end() if lead else 0


def _names(entry: Field) -> Iterable[str]:
    return (entry.key, entry.label.ru, entry.label.en)


def _folded(name: str) -> str:
    return " ".join(name.strip(_EDGES + ":").casefold().replace("ё", "е").split())


def _text(entry: Field, said: str) -> tuple[str, Fault | None]:
    return said, None


def _number(entry: Field, said: str) -> tuple[str, Fault | None]:
    """Spaces between thousands and a decimal comma are how people write numbers."""
    bare = re.sub(r"(?<=[0-9])[ \u00a0\u202f](?=[0-9]{3})", "", said).replace(",", ".").replace("\u2212", "-")
    return (bare, None) if _NUMBER.fullmatch(bare) else ("", Fault.NOT_A_NUMBER)


def _date(entry: Field, said: str) -> tuple[str, Fault | None]:
    day = read_day(said)
    return (day.isoformat(), None) if day else ("", Fault.NOT_A_DATE)


def _choice(entry: Field, said: str) -> tuple[str, Fault | None]:
    wanted = _folded(said.rstrip(".!"))
    found = next((choice for choice in entry.choices if _folded(choice) == wanted), None)
    return (found, None) if found else ("", Fault.NOT_A_CHOICE)


def _email(entry: Field, said: str) -> tuple[str, Fault | None]:
    address = normalise(said.removeprefix("mailto:").strip("<>"))
    return (address, None) if is_mailbox(address) else ("", Fault.NOT_AN_ADDRESS)


_TYPES = {"text": _text, "number": _number, "date": _date, "choice": _choice, "email": _email}
