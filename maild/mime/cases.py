"""The cases a kind of letter has: all its samples, by name. For previews, and for tests that look at every letter."""

from collections.abc import Mapping
from datetime import timedelta

from maild.core.letter import Letter
from maild.mime.sample_common import NOW, Context
from maild.mime.samples import bare_context, sample_context

FULL, BARE = "full", "bare"

_NO_LINKS = {"links": {"solved": "", "continue_": ""}}
_NO_ACTIONS = {**_NO_LINKS, "mailtos": {"solved": "", "continue_": ""}}
_NO_WORDS: Context = {"author": None, "words": "", "attachments": []}
_OPEN_TRUST = {"verdict": "open", "is_open_trust": True}
_UNTIL = NOW + timedelta(hours=48)

# What differs from the full sample.
_CASES: Mapping[Letter, Mapping[str, Context]] = {
    Letter.ACKNOWLEDGEMENT: {"without-catalogue": {"catalogue": []}},
    Letter.MISSING_FIELDS: {
        "stranger": {**_NO_WORDS, "person": {"name": "", "address": "customer@firma.example"}},
        "moved": {**_NO_WORDS, "how": "moved"},
    },
    Letter.NEW_TICKET: {
        "verified": {"verdict": "verified", "problems": [], "cc": []},
        "failed": {"verdict": "failed"},
        "open-trust": _OPEN_TRUST,
        "open-trust-without-links": {**_OPEN_TRUST, "has_links": False},
        "names-other-ticket": {"claims": 987},
        "names-own-ticket": {"claims": 987, "claims_own": True},
    },
    Letter.NEW_MESSAGE: {"open-trust": _OPEN_TRUST},
    Letter.COPY: {"note": {"is_note": True}},
    Letter.ANSWER: {
        "without-links": _NO_LINKS,
        "question": {**_NO_ACTIONS, "auto_solve_at": None, "is_question": True},
        "in-follow-up": {"follow_up_of": 987},
        "after-solving": {"reopen_until": _UNTIL, "auto_solve_at": None},
    },
    Letter.SOLVED: {
        "without-words": _NO_WORDS,
        "without-links": _NO_LINKS,
        "automatically": {**_NO_WORDS, "is_auto_solved": True},
        "too-late": {"is_too_late": True},
    },
    Letter.REMINDER: {"without-links": _NO_LINKS},
    Letter.CLOSED: {"without-thread": {"thread": []}},
    Letter.FOLLOW_UP: {"without-words": _NO_WORDS},
    Letter.HANDED_OVER: {"moved": {"how": "moved"}},
    Letter.LIST: {one: {"scope": one} for one in ("mine", "incoming", "outgoing")},
    Letter.DELIVERY_FAILED: {"open-trust": {"is_open_trust": True}},
    Letter.COMMAND_HELP: {"without-ticket": {"ticket": None}},
    Letter.CLAIMED: {"without-ticket": {"ticket": None}},
}
_WITHOUT_LINKS = (Letter.COMMAND_HELP, Letter.COLLISION, Letter.CLAIMED, Letter.HOLDS)


def cases(letter: Letter, language: str) -> dict[str, Context]:
    """All contexts of a kind of letter, by the name of the case; "full" and "bare" are always among them."""
    full = sample_context(letter, language)
    found = {FULL: full, BARE: bare_context(letter, language)}
    found |= {name: full | changes for name, changes in _CASES.get(letter, {}).items()}
    if letter is Letter.SHOW:
        found["solved"] = full | {"ticket": sample_context(Letter.SOLVED, language)["ticket"], "reopen_until": _UNTIL}
    if letter in (Letter.MINIMAL, Letter.MISSING_FIELDS):
        found["to-general-address"] = full | {"catalogue": sample_context(Letter.CATALOGUE, language)["catalogue"]}
    if letter in _WITHOUT_LINKS:
        found["without-links"] = full | _held_without_links(full)
    return found


def _held_without_links(context: Context) -> Context:
    """As a desk without web pages writes it: commands instead of links."""
    hold = context["hold"]
    return {
        "hold": {**hold, "links": {}} if hold else None,
        "holds": [{**one, "links": {}, "command": _command(one)} for one in context["holds"]],
        "has_links": False,
    }


def _command(hold: Context) -> str:
    return f"maild hold release {hold['id']}" if "release" in hold["can"] else ""
