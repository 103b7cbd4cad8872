"""What an agent orders beside his words: command lines as values, or why one cannot be obeyed (SPEC section 8).

Grammar and feasibility only; what an order does to a ticket is `core.obey`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from maild.core.address import is_mailbox, normalise
from maild.core.commands import Command, read_commands
from maild.core.mail import Mail
from maild.core.policy import Category, Policy, Topic
from maild.core.words import Word

Named = TypeVar("Named", Category, Topic)

PRIORITIES = ("low", "normal", "high")
MAX_SNOOZE = timedelta(days=366)
_PRIORITY_WORDS = {
    "низкий": "low", "низкая": "low", "обычный": "normal", "обычная": "normal", "нормальный": "normal",
    "высокий": "high", "высокая": "high",
}  # fmt: skip
_ACCEPT = frozenset({"accept", "принять"})
_MINUS = str.maketrans(dict.fromkeys("−–—‑", "-"))  # what mail programs make of a hyphen
_TAG = re.compile(r"([+-])([\w.-]{1,50})")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"«»]+@[^\s<>()\[\],;:\"«»]+")
_TICKET = re.compile(r"\[?(?:№\s*|\D{0,30}#)?([1-9][0-9]{0,17})\]?", re.ASCII)
_SPAN = re.compile(r"(\d{1,4})\s*([^\W\d_]+)\.?")
_UNITS = {
    "minutes": ("m", "min", "minute", "minutes", "м", "мин", "минута", "минуту", "минуты", "минут"),
    "hours": ("h", "hour", "hours", "ч", "час", "часа", "часов"),
    "days": ("d", "day", "days", "д", "дн", "день", "дня", "дней"),
    "weeks": ("w", "week", "weeks", "н", "нед", "неделя", "неделю", "недели", "недель"),
}
_UNIT = {word: unit for unit, words in _UNITS.items() for word in words}


@dataclass(frozen=True, slots=True)
class Assign:
    """`#assign`: from now on this is that agent's."""

    address: str


@dataclass(frozen=True, slots=True)
class Move:
    """`#move`: another category, and its topic ("" for none)."""

    category: str
    topic: str


@dataclass(frozen=True, slots=True)
class Merge:
    """`#merge`: this ticket goes into that one."""

    number: int


@dataclass(frozen=True, slots=True)
class Tag:
    """`#tag`: labels that support gives tickets."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prioritise:
    """`#priority`: low, normal or high."""

    priority: str


@dataclass(frozen=True, slots=True)
class Invite:
    """`#cc`: these people join; None stands for everybody who is proposed."""

    addresses: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Snooze:
    """`#snooze`: remind support after that time."""

    time: timedelta


@dataclass(frozen=True, slots=True)
class Spam:
    """`#spam`: closed without a letter, and no automatic mail to its author any more."""


@dataclass(frozen=True, slots=True)
class UseMacro:
    """`#macro`: the words of a template of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Towards:
    """`#customer`: a new ticket towards that person."""

    address: str


Order = Assign | Move | Merge | Tag | Prioritise | Invite | Snooze | Spam | UseMacro | Towards


class Trouble(StrEnum):
    """Why a line is not obeyed, as the letter to its author explains it."""

    UNKNOWN = "unknown"
    MISPLACED = "misplaced"
    ARGUMENT = "argument"
    CONTRADICTION = "contradiction"
    NO_WORDS = "no_words"
    NOT_SUPPORT = "not_support"
    NO_PLACE = "no_place"
    NO_TICKET = "no_ticket"
    NOT_YOURS = "not_yours"
    CLOSED = "closed"
    NO_MACRO = "no_macro"
    NOBODY_PROPOSED = "nobody_proposed"
    DESK_ADDRESS = "desk_address"
    NEEDS_NEW_MAIL = "needs_new_mail"


@dataclass(frozen=True, slots=True)
class Problem:
    """A line and what is wrong with it."""

    line: str
    trouble: Trouble


def read_order(command: Command, policy: Policy) -> Order | Trouble | None:
    """The order in a command line. None for commands that are no order: `#solved`, `#ask`, `#open`."""
    if command.word is Word.MOVE:
        return _move(command.argument, policy)
    read = _READERS.get(command.word)
    return read(command.argument) if read else None


def ticket_number(text: str) -> int | None:
    """The number in `5`, `#5`, `№ 5` or `[#5]`, or None."""
    match = _TICKET.fullmatch(text.strip())
    return int(match[1]) if match else None


def looked_up_by_orders(mail: Mail, policy: Policy) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """What the orders in a mail of support's name and the rules have to know: tickets, and people."""
    if "#" not in mail.reply or mail.author is None or not policy.is_support(mail.author.address):
        return (), ()
    orders = [read_order(command, policy) for command in read_commands(mail.reply).commands]
    numbers = tuple(order.number for order in orders if isinstance(order, Merge))
    return numbers, tuple(order.address for order in orders if isinstance(order, Towards))


def _addresses(text: str) -> tuple[str, ...]:
    """The addresses in a line; programs write `a@b <mailto:a@b>` and `Anna <a@b>`."""
    found = (normalise(address.strip(".'")) for address in _ADDRESS.findall(text.replace("mailto:", " ")))
    return tuple(dict.fromkeys(address for address in found if is_mailbox(address)))


def _one_address(text: str) -> str:
    found = _addresses(text)
    return found[0] if len(found) == 1 else ""


def _move(text: str, policy: Policy) -> Move | Trouble:
    place, _, detail = (part.strip() for part in text.partition("/"))
    if not place or (detail == "" and "/" in text):
        return Trouble.ARGUMENT
    category = _called(place, policy.categories)
    if category is None:
        return Trouble.NO_PLACE
    topic = _called(detail, category.topics) if detail else None
    if detail and topic is None:
        return Trouble.NO_PLACE
    return Move(category.key, topic.key if topic else "")


def _called(name: str, things: Iterable[Named]) -> Named | None:
    """The category or topic of that key, or of that title in any language."""
    wanted = name.casefold()
    names = ((thing, (thing.key, thing.title.ru, thing.title.en)) for thing in things)
    return next((thing for thing, known in names if wanted in map(str.casefold, known)), None)


def _tag(text: str) -> Tag | Trouble:
    found = [_TAG.fullmatch(word) for word in text.translate(_MINUS).replace(",", " ").split()]
    signs = [(match[1], match[2].casefold()) for match in found if match]
    added, removed = (tuple(dict.fromkeys(name for sign, name in signs if sign == one)) for one in "+-")
    if not signs or len(signs) < len(found) or set(added) & set(removed):
        return Trouble.ARGUMENT
    return Tag(added, removed)


def _prioritise(text: str) -> Prioritise | Trouble:
    word = text.strip().casefold()
    priority = _PRIORITY_WORDS.get(word, word)
    return Prioritise(priority) if priority in PRIORITIES else Trouble.ARGUMENT


def _invite(text: str) -> Invite | Trouble:
    if text.strip().casefold() in _ACCEPT:
        return Invite(None)
    found = _addresses(text)
    return Invite(found) if found else Trouble.ARGUMENT


def _snooze(text: str) -> Snooze | Trouble:
    match = _SPAN.fullmatch(text.strip().casefold())
    unit = _UNIT.get(match[2]) if match else None
    if match is None or unit is None:
        return Trouble.ARGUMENT
    time = timedelta(**{unit: int(match[1])})
    return Snooze(time) if timedelta() < time <= MAX_SNOOZE else Trouble.ARGUMENT


def _assign(text: str) -> Assign | Trouble:
    address = _one_address(text)
    return Assign(address) if address else Trouble.ARGUMENT


def _towards(text: str) -> Towards | Trouble:
    address = _one_address(text)
    return Towards(address) if address else Trouble.ARGUMENT


def _merge(text: str) -> Merge | Trouble:
    number = ticket_number(text)
    return Merge(number) if number else Trouble.ARGUMENT


def _macro(text: str) -> UseMacro | Trouble:
    return UseMacro(text) if text else Trouble.ARGUMENT


_READERS: dict[Word, Callable[[str], Order | Trouble]] = {
    Word.ASSIGN: _assign,
    Word.CC: _invite,
    Word.CUSTOMER: _towards,
    Word.MACRO: _macro,
    Word.MERGE: _merge,
    Word.PRIORITY: _prioritise,
    Word.SNOOZE: _snooze,
    Word.SPAM: lambda _: Spam(),
    Word.TAG: _tag,
}
