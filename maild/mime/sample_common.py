"""What the examples of letters and those of pages have in common: one moment, one ticket, the words of a language."""

from datetime import UTC, datetime
from typing import Any

from maild.core.letter import Letter
from maild.mime.sample_words import ENGLISH, RUSSIAN

NOW = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)
LINK = "https://help.kaktus.example/a/eyJ0IjoxMDQyLCJhIjoic29sdmVkIn0.aWx5"
_LANGUAGE_LINK = "https://help.kaktus.example/l/WyJpdmFuQGZpcm1hLmV4YW1wbGUiLCJlbiJd.c2lnbmF0dXJl"

Context = dict[str, Any]


def words_of(language: str) -> dict[str, str]:
    """What the people of the examples say, by a key."""
    return RUSSIAN if language == "ru" else ENGLISH


def desk_of(language: str) -> Context:
    """The desk as pages and macros see it."""
    return {"name": "Кактус" if language == "ru" else "Kaktus"}


def offers(language: str) -> list[Context]:
    """Links to other languages than the one that is read."""
    other, label = ("en", "Letters in English") if language == "ru" else ("ru", "Письма на русском")
    return [{"language": other, "label": label, "url": f"{_LANGUAGE_LINK}.{other}"}]


def ticket_of(letter: Letter, say: dict[str, str]) -> Context:
    """The ticket, in the status that such a letter tells of."""
    is_solved = letter in (Letter.SOLVED, Letter.REMINDER)
    return {
        "number": 1042,
        "tag": "[#1042]",
        "subject": say["subject"],
        "status": "solved" if is_solved else "open",
        "status_word": say["solved_status"] if is_solved else say["status"],
        "category": say["category"],
        "topic": say["topic"],
    }
