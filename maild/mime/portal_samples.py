"""A realistic context for the pages of the portal, which all share one shape: for the check of templates at the start.

What is in it is what these templates may use.
"""

from typing import Any

from maild.mime.samples import NOW

PORTAL_PAGES = tuple(
    f"portal/{name}" for name in ("login", "sent", "enter", "login_over", "nothing_here", "nothing", "stale", "tickets")
)

Context = dict[str, Any]


def sample_portal(language: str) -> Context:
    """A full context for any page of the portal."""
    return {
        "desk": {"name": "Кактус" if language == "ru" else "Kaktus"},
        "visitor": "customer@firma.example",
        "path": "/",
        "nonce": "1764000000.c2FtcGxl.bWFj",
        "unread": 2,
        "here": "tickets",
        "timezone": "Europe/Moscow",
        "languages": [{"code": "ru", "name": "Русский"}],
        "fault": "address",
        "typed": "customer@firma",
        "number": 1042,
        "address": "customer@firma.example",
        "minutes": 15,
        "tabs": [_tab(name, is_current=name == "mine") for name in ("mine", "all", "incoming", "outgoing")],
        "tickets": [_listed(1042, is_incoming=False), _listed(1017, is_incoming=True)],
        "newer": "/",
        "older": "/?before=1764000000000000-1017",
        "shown": 1042,
        "query": "1042",
    }


def _tab(name: str, *, is_current: bool) -> Context:
    return {"name": name, "url": f"/?tab={name}", "is_current": is_current}


def _listed(number: int, *, is_incoming: bool) -> Context:
    return {
        "number": number,
        "url": f"/t/{number}",
        "subject": "Не приходит счёт за ноябрь",
        "status": "pending",
        "status_word": "Ожидает вашего ответа",
        "category": "Счета и оплата",
        "created_at": NOW,
        "is_incoming": is_incoming,
        "is_unread": is_incoming,
    }
