"""The CPU that single steps take, measured in this process: understanding a mail, writing a letter."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from bench import mails
from maild.core.letter import Letter
from maild.mime.compose import Outgoing, compose
from maild.mime.parse import parse
from maild.mime.render import Renderer, templates_dir
from maild.mime.samples import sample_context

T = TypeVar("T")

LANGUAGES = ("ru", "en")


def parse_cost(make: Callable[[int], bytes], count: int) -> float:
    """Milliseconds of CPU for each of `count` different mails."""
    made = [make(number) for number in range(count + 1)]
    parse(made.pop())
    return _milliseconds(parse, made)


def letter_cost(rounds: int) -> float:
    """Milliseconds of CPU for one letter, templates and RFC 5322 bytes: the mean of all kinds in both languages."""
    renderer = Renderer(templates_dir())
    kinds = [(letter, language) for letter in Letter for language in LANGUAGES]
    for kind in kinds:  # templates are compiled at their first use
        _write(renderer, *kind)
    return _milliseconds(lambda kind: _write(renderer, *kind), kinds * rounds)


def _write(renderer: Renderer, letter: Letter, language: str) -> bytes:
    rendered = renderer.letter(letter, language, sample_context(letter, language))
    return compose(
        Outgoing(
            from_name="Кактус",
            from_address=mails.TO,
            to_name="Иван Петров",
            to_address=mails.author(1),
            reply_to="",
            subject=rendered.subject,
            date=datetime(2026, 11, 23, tzinfo=UTC),
            message_id=mails.message_id(1),
            references=(mails.message_id(2),),
            text=rendered.text,
            html=rendered.html,
        )
    )


def _milliseconds(do: Callable[[T], object], things: Sequence[T]) -> float:
    started = time.process_time()
    for thing in things:
        do(thing)
    return (time.process_time() - started) * 1000 / len(things)
