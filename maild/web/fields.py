"""The web form of an incomplete ticket: GET shows it, POST with the page's nonce fills it in, once.

Names of inputs begin with `f-`, so that no key of a field can be taken for anything else.
"""

import re
import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from maild.core.errors import NotAllowed
from maild.core.forms import Problem
from maild.core.policy import Field
from maild.core.tokens import new_nonce, page_nonce
from maild.desk.card_form import FormView, look_at_form, send_form
from maild.desk.desk import Desk
from maild.web.forms import form_in

PREFIX = "f-"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class FieldPages:
    """The endpoint of `/fields/{token}`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Response:
        """The form, or what has become of it. Raises BadLink for a token that is none of ours."""
        token = str(request.path_params["token"])
        if request.method != "POST":
            return self._page(token, await look_at_form(self._desk, token), {})
        form = await form_in(request)
        given = {name.removeprefix(PREFIX): value for name, value in form.items() if name.startswith(PREFIX)}
        try:
            view = await send_form(self._desk, token, form.get("nonce", ""), given)
        except NotAllowed:
            view = await look_at_form(self._desk, token)
            context = {"desk": {"name": self._desk.policy.name}}
            return HTMLResponse(self._desk.renderer.page("refused", view.language, context), 403)
        return self._page(token, view, given)

    def _page(self, token: str, view: FormView, given: dict[str, str]) -> Response:
        desk = self._desk
        nonce = page_nonce(desk.keys, token, new_nonce(secrets.token_bytes(10)), desk.now())
        is_wrong = bool(view.topic and view.card.problems)
        context = self._context(view) | {"nonce": nonce, "is_wrong": is_wrong, "inputs": self._inputs(view, given)}
        page = desk.renderer.page("past" if view.is_past else "fields", view.language, context)
        return HTMLResponse(page, 422 if is_wrong else 200)

    def _context(self, view: FormView) -> dict[str, object]:
        policy, ticket = self._desk.policy, view.ticket
        return {
            "desk": {"name": policy.name},
            "ticket": {
                "number": ticket.number,
                "tag": policy.tag(ticket.number),
                "subject": ticket.subject,
                "status": ticket.status,
                "status_word": self._desk.renderer.status_word(ticket.status, view.language),
            },
            "topic": view.topic.title.into(view.language) if view.topic else "",
            "reopen_until": ticket.reopen_until,
            "timezone": policy.timezone,
            "category_address": policy.category(ticket.category).address,
        }

    def _inputs(self, view: FormView, given: dict[str, str]) -> list[dict[str, object]]:
        problems = {problem.field.key: problem for problem in view.card.problems}
        fields = view.topic.fields if view.topic else ()
        values = given if problems else view.ticket.fields
        return [input_of(one, values.get(one.key, ""), problems.get(one.key), view.language) for one in fields]


def input_of(entry: Field, value: str, problem: Problem | None, language: str) -> dict[str, object]:
    """A field of a card as templates show it, with what is wrong with it."""
    return {
        "name": PREFIX + entry.key,
        "label": entry.label.into(language),
        "type": _type(entry, value),
        "choices": _choices(entry, value),
        "value": value,
        "is_required": entry.is_required,
        "help": entry.help.into(language),
        "fault": problem.fault.value if problem else "",
    }


def _type(entry: Field, value: str) -> str:
    """A browser's picker of dates shows nothing of what is no date: then it is text, to be mended by hand.

    Numbers are text, too: people write `12 000,50`, and number inputs clear what they cannot read.
    """
    if entry.type == "date":
        return "date" if not value or _DATE.fullmatch(value) else "text"
    return entry.type if entry.type in ("email", "choice", "number") else "text"


def _choices(entry: Field, value: str) -> list[str]:
    """What was chosen stays, though the configuration may not have it any more."""
    return [*entry.choices, *([value] if value and value not in entry.choices else [])] if entry.choices else []
