"""Realistic contexts for action pages, pages of the demo and macros: what templates may use, shown by example."""

from datetime import timedelta

from maild.core.letter import Letter
from maild.mime.sample_common import LINK, NOW, Context, desk_of, offers, ticket_of, words_of

PAGES = (
    *("action", "done", "said", "fields", "past", "missing", "refused", "too_large", "busy", "expired", "held"),
    *("method", "language", "letters", "letter"),
)


def sample_macro(language: str) -> Context:
    """What a macro may use."""
    say = words_of(language)
    return {
        "desk": desk_of(language),
        "ticket": {"number": 1042, "tag": "[#1042]", "subject": say["subject"]},
        "person": {"name": say["person"], "address": "customer@firma.example"},
        "agent": {"name": say["agent"]},
    }


def sample_page(language: str) -> Context:
    """A full context for any of these pages, which all share one shape."""
    say = words_of(language)
    letters = [_sent(say, number, subject) for number, subject in ((1, say["subject"]), (2, say["other"]))]
    return {
        "desk": desk_of(language),
        "ticket": ticket_of(Letter.SOLVED, say),
        "action": {"name": "solved", "label": say["solved"]},
        "nonce": "1764000000.c2FtcGxl",
        "other": {"label": say["continue"], "url": f"{LINK}.c"},
        "form": {"nonce": "1764000000.c2FtcGxl", "words": say["more"], "is_too_long": False},
        "said_in": 1042,
        "said_tag": "[#1042]",
        "topic": say["topic"],
        "is_wrong": True,
        "inputs": _inputs(say),
        "reopen_until": NOW + timedelta(hours=48),
        "timezone": "Europe/Moscow",
        "category_address": "billing@kaktus.example",
        "address": "customer@firma.example",
        "is_done": False,
        "languages": offers(language),
        "letters": letters,
        "letter": letters[0],
        "held": {
            "from_": "anna@kaktus.example",
            "subject": say["subject"],
            "at": NOW,
            "reason": say["hold_reason"],
            "text": say["answer"],
            "outcome": "held",
            "button": say["solved"],
            "links": [{"label": say["continue"], "url": f"{LINK}.drop"}],
        },
    }


def _sent(say: dict[str, str], number: int, subject: str) -> Context:
    return {
        "number": number,
        "at": NOW,
        "from_": "billing@kaktus.example",
        "to": "customer@firma.example",
        "subject": f"[#1042] {subject}",
        "text": say["answer"],
        "links": [{"label": say["solved"], "url": f"{LINK}.s"}],
        "url": f"/letters/{number}",
        "html_url": f"/letters/{number}/html",
    }


def _inputs(say: dict[str, str]) -> list[Context]:
    one = {"is_required": True, "fault": "", "help": "", "choices": [], "type": "text"}
    return [
        {**one, "name": "f-a", "label": say["field"], "value": "12-04", "fault": "no_match", "help": say["field_help"]},
        {**one, "name": "f-b", "label": say["date"], "value": "2026-11-03", "type": "date"},
        {**one, "name": "f-c", "label": say["choice"], "value": "", "type": "choice", "is_required": False}
        | {"choices": say["choices"].split(", ")},
    ]
