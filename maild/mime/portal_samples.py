"""A realistic context for the pages of the portal, which all share one shape: for the check of templates at the start.

What is in it is what these templates may use.
"""

from maild.mime.ask_samples import ASK_PAGES, sample_question
from maild.mime.sample_common import NOW, Context, desk_of

PORTAL_PAGES = ASK_PAGES + tuple(
    f"portal/{name}"
    for name in (
        *("login", "sent", "enter", "login_over", "nothing_here", "nothing", "stale"),
        *("tickets", "thread", "message", "access"),
    )
)


def sample_portal(language: str) -> Context:
    """A full context for any page of the portal."""
    return {
        **sample_question(),
        "desk": desk_of(language),
        "visitor": "customer@firma.example",
        "path": "/",
        "nonce": "1764000000.c2FtcGxl.bWFj",
        "tag": "a0b1c2",
        "unread": 2,
        "here": "tickets",
        "timezone": "Europe/Moscow",
        "languages": [{"code": "ru", "name": "Русский"}],
        "fault": "address",
        "trouble": "long",
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
        "ticket": _TICKET,
        "newest": [_HAPPENED, {**_HAPPENED, "who": "you", "number": 0}, _SAID],
        "earlier": [{**_SAID, "is_support": False}],
        "writes_first": False,
        "before": 7,
        "is_newest": True,
        "is_past": False,
        "asks_new": False,
        "may_confirm": True,
        "may_continue": True,
        "reopen_until": NOW,
        "labels": {"solved": "Спасибо, проблема решена", "continue": "Проблема не решена, продолжить общение"},
        "form_url": "",
        "words": "Счёт пришёл.",
        "note": "taken",
        "latest_url": "/t/1042?tab=all",
        "list_url": "/?tab=all",
        "said": _SAID,
        "guests": [{"address": "olga@firma.example", "at": NOW}],
        "hosts": [{"address": "director@firma.example", "at": NOW}],
        "text": "Счёт пришёл.",
        "previous_url": "/t/1042/m/7?from=0",
        "next_url": "/t/1042/m/7?from=16000",
    }


_TICKET: Context = {
    "number": 1042,
    "subject": "Не приходит счёт за ноябрь",
    "status": "solved",
    "status_word": "Проблема решена",
    "category": "Счета и оплата",
    "topic": "Возврат",
    "fields": [{"label": "Номер договора", "value": "1017"}],
    "created_at": NOW,
    "is_incoming": False,
    "is_confirmed": True,
    "follow_up_of": 1017,
    "follow_ups": [1050],
    "people": ["Иван Петров", "olga@firma.example"],
}
_SAID: Context = {
    "kind": "said",
    "id": 7,
    "at": NOW,
    "is_support": True,
    "is_own": False,
    "author": "Анна Смирнова",
    "words": "Счёт во вложении.",
    "earlier": "Счёт во вложении.\n\n> Где счёт?",
    "whole_url": "/t/1042/m/7",
    "files": [{"name": "Счёт.pdf", "size": 43210, "url": "/t/1042/files/7/1"}],
    "delivery": "delivered",
}
_HAPPENED: Context = {
    "kind": "happened",
    "at": NOW,
    "event": "follow_up",
    "who": "other",
    "name": "olga@firma.example",
    "number": 1050,
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
