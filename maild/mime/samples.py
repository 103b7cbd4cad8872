"""Realistic contexts for every letter: what templates may use, shown by example. For checks and previews.

Every key of `bare_context` is always given; "", None or [] where it does not apply. `person` is the customer,
`author` who wrote the new `words`; `thread` holds the earlier messages, newest first. `verdict` is verified,
unverified, failed, open or "". An attachment with `url` is fetched there `until` then; one that `is_left_out` did not
fit at all, and `left_out` tells the team of those in a letter to a customer. Optional, with defaults from
`mime.render`: `cc` (people in Cc of the customer's mail, no participants), `reply_is_note` (an answer to this team
letter stays inside), `is_open_trust` (such an answer is held), `is_note` (a copy carries a note), `is_too_late` (the
deadline passed before the letter could leave), `claims` (number of a ticket the mail names but has not joined),
`claims_own` (the author has a part in it, but is not verified), `has_links` (there are web pages), `hold` (a mail of
support's own that was set aside), `echo` (what became of an agent's mail), `by` and `how` (who handed a ticket over,
and that it was assigned or moved), `login_url` and `minutes` (where one signs in, and how long), `days` (how long mails
are held), `languages` (in what else a customer can be written to: code, offer in its own words, page), `undelivered`
(people whom the last answer has not reached: state undelivered or delayed).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from maild.core.letter import FOR_TEAM, WITH_ACTIONS, Letter
from maild.mime.sample_common import LINK, NOW, Context, desk_of, offers, ticket_of, words_of

_ADDRESS = "billing+t1042.k7wq3n5x@kaktus.example"
_FORM_LINK = "https://help.kaktus.example/fields/WzEwNDIsIml2YW5AZmlybWEuZXhhbXBsZSJd.c2lnbmF0dXJl"
_FILE_LINK = "https://help.kaktus.example/f/WzEwNDIsMiwiaXZhbkBmaXJtYS5leGFtcGxlIiwxNzY2NDg3OTAwXQ.c2lnbmF0dXJl"
_LOGIN_LINK = "https://help.kaktus.example/login/WyJpdmFuQGZpcm1hLmV4YW1wbGUiLCJhYmMiLDE3NjQsMF0.c2lnbmF0dXJl"

_ABOUT_OWN = (Letter.COMMAND_HELP, Letter.COLLISION, Letter.CLAIMED)  # letters about a mail of support's own
_WITHOUT_TICKET = (
    Letter.HOLDS,
    Letter.HOLDS_OVER,
    Letter.BUDGET,
    Letter.MAILBOX,
    Letter.LIST,
    Letter.CATALOGUE,
    Letter.LOGIN,
)
_PERHAPS_WITHOUT_TICKET = (*_WITHOUT_TICKET, Letter.DELIVERY_FAILED, Letter.COMMAND_HELP, Letter.CLAIMED)


def bare_context(letter: Letter, language: str) -> Context:
    """The least a letter of that kind is written from: no words, links, files or earlier messages."""
    say = words_of(language)
    return {
        "desk": {**desk_of(language), "language": language},
        "ticket": None if letter in _PERHAPS_WITHOUT_TICKET else ticket_of(letter, say),
        "person": {"name": "", "address": "customer@firma.example"},
        "author": None,
        "words": "",
        "attachments": [],
        "thread": [],
        "links": {"solved": "", "continue_": ""},
        "mailtos": {"solved": "", "continue_": ""},
        "reopen_until": None,
        "timezone": "Europe/Moscow",
        "other": [],
        "follow_up_of": 987 if letter in (Letter.FOLLOW_UP, Letter.FOLLOW_UP_TEAM) else None,
        "verdict": "",
        "failure": _failure(say) if letter is Letter.DELIVERY_FAILED else None,
        "left_out": _left_out(say) if letter is Letter.LEFT_OUT else None,
        "holds": [],
        "hold": _own_hold(say, [])["hold"] if letter in _ABOUT_OWN else None,
        "echo": {"to": [], "commands": [], "stripped": [], "text": "", "note": ""} if letter is Letter.ECHO else None,
        "note": "",
        "auto_solve_at": None,
        "is_auto_solved": False,
        "is_question": False,
        "token_address": "",
        "form_url": "",
        "login_url": _LOGIN_LINK if letter is Letter.LOGIN else "",
        "asks": "",
        "minutes": 15,
        "fields": [],
        "problems": [],
        "catalogue": [],
        "tickets": [],
        "languages": [],
        "scope": "mine",
        "mailbox": "support",
    }


def sample_context(letter: Letter, language: str) -> Context:
    """A full, realistic context for a letter of that kind."""
    say = words_of(language)
    context = bare_context(letter, language)
    context["ticket"] = None if letter in _WITHOUT_TICKET else ticket_of(letter, say)
    context["person"] = {"name": say["person"], "address": "customer@firma.example"}
    fill = _FILLERS.get(letter)
    if fill:
        context |= fill(say)
    if letter in FOR_TEAM and context["words"]:
        context["other"] = [{"number": 1017, "subject": say["other"], "status_word": say["pending_status"]}]
    context["asks"] = say["category"] if letter is Letter.LOGIN else ""
    if letter not in FOR_TEAM and letter is not Letter.LOGIN:  # its one link is the one to enter by
        context["languages"] = offers(language)
    if letter in WITH_ACTIONS:
        context["links"] = {"solved": f"{LINK}.s", "continue_": f"{LINK}.c"}
        context["mailtos"] = {one: _mailto(body) for one, body in (("solved", "solved"), ("continue_", "continue"))}
    return context


def _mailto(body: str) -> str:
    return f"mailto:{_ADDRESS}?subject=%5B%231042%5D&body=%23{body}"


def _asked(say: dict[str, str]) -> Context:
    return {
        "author": {"name": say["person"], "address": "customer@firma.example"},
        "words": say["question"],
        "attachments": [_file(say["file"], "image/png", 184_320)],
        "verdict": "verified",
    }


def _asked_by_stranger(say: dict[str, str]) -> Context:
    return {**_asked(say), "verdict": "unverified", "cc": [{"name": "", "address": "colleague@firma.example"}]}


def _catalogue(say: dict[str, str]) -> list[Context]:
    topic = {"title": say["topic"], "address": "billing+refund@kaktus.example"}
    billing = {"title": say["category"], "address": "billing@kaktus.example", "mailto": "mailto:billing@kaktus.example"}
    return [{**billing, "topics": [{**topic, "mailto": "mailto:billing+refund@kaktus.example"}]}]


def _tickets(say: dict[str, str]) -> list[Context]:
    first = {**ticket_of(Letter.ANSWER, say), "created_at": NOW, "is_incoming": False, "is_unread": True}
    second = {**first, "number": 1017, "tag": "[#1017]", "subject": say["other"], "is_incoming": True}
    listed = ({**first, "mailto": _mailto("show")}, {**second, "is_unread": False, "mailto": _mailto("show")})
    return list(listed)


def _fields(say: dict[str, str]) -> list[Context]:
    return [{"label": say["field"], "value": say["field_value"]}]


def _problems(say: dict[str, str]) -> list[Context]:
    asked = {"is_required": True, "fault": "missing", "given": "", "help": "", "choices": []}
    return [
        {**asked, "label": say["field"], "help": say["field_help"]},
        {**asked, "label": say["date"], "fault": "not_a_date", "given": say["wrong_date"]},
        {**asked, "label": say["choice"], "choices": say["choices"].split(", ")},
    ]


def _wrote_again(say: dict[str, str]) -> Context:
    return {
        "author": {"name": say["person"], "address": "customer@firma.example"},
        "words": say["more"],
        "verdict": "verified",
        "undelivered": [{"address": "customer@firma.example", "state": "undelivered", "words": say["bounce_words"]}],
        "thread": [_entry(say, "note", 40), _entry(say, "answer", 60), _entry(say, "question", 200)],
    }


def _answered(say: dict[str, str]) -> Context:
    return {
        "author": {"name": say["agent"], "address": "anna@kaktus.example"},
        "words": say["answer"],
        "attachments": [
            _file(say["invoice"], "application/pdf", 1_468_006),
            _file(say["film"], "video/mp4", 48_234_496) | {"url": f"{_FILE_LINK}", "until": NOW + timedelta(days=30)},
            _file(say["backup"], "application/zip", 331_350_016) | {"is_left_out": True},
        ],
        "thread": [_entry(say, "question", 60)],
    }


def _solved(say: dict[str, str]) -> Context:
    return {**_answered(say), "reopen_until": NOW + timedelta(hours=48)}


def _reminded(say: dict[str, str]) -> Context:
    return {
        "reopen_until": NOW + timedelta(hours=6),
        "thread": [_entry(say, "answer", 2520), _entry(say, "question", 2600)],
    }


def _earlier(say: dict[str, str]) -> Context:
    return {"thread": [_entry(say, "answer", 2900), _entry(say, "question", 3000)]}


def _entry(say: dict[str, str], key: str, minutes_ago: int) -> Context:
    is_support = key in ("answer", "note")
    return {
        "author": say["agent"] if is_support else say["person"],
        "is_support": is_support,
        "is_note": key == "note",
        "at": NOW - timedelta(minutes=minutes_ago),
        "text": say[key],
    }


def _file(name: str, type_: str, size: int) -> Context:
    return {"name": name, "type": type_, "size": size, "url": "", "until": None, "is_left_out": False}


def _left_out(say: dict[str, str]) -> Context:
    return {"address": "customer@firma.example", "files": [{"name": say["backup"], "size": 331_350_016}]}


def _failure(say: dict[str, str]) -> Context:
    return {
        "address": "customer@firma.example",
        "reason": say["bounce"],
        "words": say["bounce_words"],
        "subject": f"[#1042] {say['subject']}",
        "is_stopped": True,
        "can_add": True,
    }


def _holds(say: dict[str, str]) -> Context:
    first = {"id": 311, "from_": "ceo@kaktus.example", "subject": say["hold"], "can": ["release", "show", "drop"]}
    second = {"id": 314, "from_": "", "subject": "", "can": ["show", "drop"]}
    third = {"id": 315, "from_": "ivan@firma.example", "subject": say["subject"], "can": ["release", "show", "drop"]}
    return {
        "holds": [
            {**first, "reason": say["hold_reason"], "command": "", "links": _held_links(first["can"])},
            {**second, "reason": say["hold_reason"], "command": "", "links": _held_links(second["can"])},
            {**third, "reason": say["hold_reason"], "command": "maild hold release 315", "links": {}},
        ]
    }


def _held_links(actions: Any) -> dict[str, str]:
    return {action: f"{LINK}.{action}" for action in actions}


def _own_hold(say: dict[str, str], actions: list[str], problem: str = "") -> Context:
    """A mail of an agent's own that waits for him."""
    return {
        "by": say["agent"],
        "hold": {
            "id": 317,
            "author": "anna@kaktus.example",
            "reason": say["hold_reason"],
            "problems": [{"line": problem, "why": say["problem"]}] if problem else [],
            "text": f"{problem}\n{say['answer']}".strip(),
            "subject": say["subject"],
            "can": actions,
            "links": _held_links(actions),
        },
    }


def _collided(say: dict[str, str]) -> Context:
    return {
        **_own_hold(say, ["send", "note", "drop"]),
        "thread": [_entry(say, "answer", 5), _entry(say, "question", 60)],
    }


def _echoed(say: dict[str, str]) -> Context:
    return {
        "echo": {
            "to": ["customer@firma.example"],
            "commands": ["#solved"],
            "stripped": ["quote", "tokens", "note", "lines"],
            "text": say["answer"],
            "note": say["note"],
        }
    }


def _handed(say: dict[str, str]) -> Context:
    return {"by": say["agent"], "how": "assigned", "thread": [_entry(say, "note", 40), _entry(say, "question", 200)]}


_FILLERS: dict[Letter, Callable[[dict[str, str]], Context]] = {
    Letter.ACKNOWLEDGEMENT: lambda say: {**_asked(say), "catalogue": _catalogue(say)},
    Letter.MINIMAL: lambda say: {"token_address": _ADDRESS, "verdict": "unverified"},
    Letter.MISSING_FIELDS: lambda say: {**_asked(say), "problems": _problems(say), "form_url": _FORM_LINK},
    Letter.NEW_TICKET: lambda say: {**_asked_by_stranger(say), "fields": _fields(say), "problems": _problems(say)},
    Letter.NEW_MESSAGE: _wrote_again,
    Letter.COPY: _answered,
    Letter.ANSWER: lambda say: {**_answered(say), "auto_solve_at": NOW + timedelta(days=7)},
    Letter.SOLVED: _solved,
    Letter.REMINDER: _reminded,
    Letter.REOPENED: _wrote_again,
    Letter.CLOSED: _earlier,
    Letter.WHAT_IS_WRONG: _earlier,
    Letter.FOLLOW_UP: _asked,
    Letter.FOLLOW_UP_TEAM: _asked,
    Letter.HOLDS: _holds,
    Letter.HOLDS_OVER: _holds,
    Letter.COMMAND_HELP: lambda say: _own_hold(say, ["send", "note", "drop"], "#solvd"),
    Letter.COLLISION: _collided,
    Letter.CLAIMED: lambda say: _own_hold(say, ["send", "drop"]),
    Letter.ECHO: _echoed,
    Letter.HANDED_OVER: _handed,
    Letter.WOKEN: _handed,
    Letter.SHOW: _reminded,
    Letter.LIST: lambda say: {"tickets": _tickets(say), "scope": "all"},
    Letter.CATALOGUE: lambda say: {"catalogue": _catalogue(say)},
    Letter.BUDGET: lambda say: {"note": say["budget"]},
}
