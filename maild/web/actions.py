"""Action links (SPEC section 10): GET shows what a link can do, POST with the page's nonce does it, once.

The page after «Проблема не решена» asks what is wrong; the words are sent to the same address.

What is allowed is judged by `desk.act` from the ticket as it is at that moment.
"""

import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from maild.core.clicks import other
from maild.core.errors import NotAllowed
from maild.core.ticket import Status
from maild.core.tokens import Action, new_nonce, next_nonce, page_nonce
from maild.core.typed import MAX_WORDS
from maild.desk.act import LinkView, click, look
from maild.desk.desk import Desk
from maild.web.forms import form_in


class ActionPages:
    """The endpoint of `/a/{token}`. HEAD is GET without a body; the server leaves it out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Response:
        """The page of a link. Raises BadLink for a token that is none of ours."""
        token = str(request.path_params["token"])
        if request.method != "POST":
            return self._page(token, await look(self._desk, token))
        form = await form_in(request)
        nonce, words = form.get("nonce", ""), form.get("words")
        if words is not None:
            words = words.strip()
        is_too_long = len((words or "").encode()) > MAX_WORDS
        try:
            view = await click(self._desk, token, nonce, "" if is_too_long else words)
        except NotAllowed:
            return self._refused(await look(self._desk, token))
        form_after = self._form_after(token, view, nonce, words or "", is_too_long=is_too_long)
        return self._page(token, view, form_after, 413 if is_too_long else 200)

    def _page(self, token: str, view: LinkView, form: dict[str, object] | None = None, status: int = 200) -> Response:
        page = self._desk.renderer.page(
            _page_of(view, form), view.language, self._context(token, view) | {"form": form}
        )
        return HTMLResponse(page, status)

    def _form_after(
        self, token: str, view: LinkView, nonce: str, words: str, *, is_too_long: bool
    ) -> dict[str, object] | None:
        """What the page after «Проблема не решена» asks. Words that could not be taken stay in it."""
        is_open = view.ticket.status not in (Status.SOLVED, Status.CLOSED) and not view.said_in
        if view.claim.action is not Action.CONTINUE or not (is_open or words):
            return None
        return {"nonce": next_nonce(self._desk.keys, token, nonce), "words": words, "is_too_long": is_too_long}

    def _refused(self, view: LinkView) -> Response:
        context = {"desk": {"name": self._desk.policy.name}}
        return HTMLResponse(self._desk.renderer.page("refused", view.language, context), 403)

    def _context(self, token: str, view: LinkView) -> dict[str, object]:
        desk, policy = self._desk, self._desk.policy
        return {
            "desk": {"name": policy.name},
            "ticket": self._ticket(view),
            "action": self._action(view.claim.action, view.language),
            "nonce": page_nonce(desk.keys, token, new_nonce(secrets.token_bytes(10)), desk.now()),
            "other": self._other(view),
            "said_in": view.said_in,
            "said_tag": policy.tag(view.said_in),
            "reopen_until": view.ticket.reopen_until,
            "timezone": policy.timezone,
            "category_address": policy.category(view.ticket.category).address,
        }

    def _ticket(self, view: LinkView) -> dict[str, object]:
        policy, ticket = self._desk.policy, view.ticket
        return {
            "number": ticket.number,
            "tag": policy.tag(ticket.number),
            "subject": ticket.subject,
            "status": ticket.status,
            "status_word": self._desk.renderer.status_word(ticket.status, view.language),
            "category": policy.category(ticket.category).title.into(view.language),
        }

    def _action(self, action: Action, language: str) -> dict[str, str]:
        return {"name": action.value, "label": self._desk.renderer.label(action.value, language)}

    def _other(self, view: LinkView) -> dict[str, str] | None:
        """The link to the other page, where its button would do something."""
        if not view.possible.may_other:
            return None
        action = self._action(other(view.claim.action), view.language)
        return {**action, "url": f"/a/{view.other_token}"}


def _page_of(view: LinkView, form: dict[str, object] | None) -> str:
    if view.said_in:
        return "said"
    if form and form["words"]:
        return "done"  # whatever has become of the ticket: what was typed is shown again
    return "past" if view.possible.is_past else "action" if view.possible.may_act else "done"
