"""Action links (SPEC section 10): GET shows what a link can do, POST with the page's nonce does it, once.

What is allowed is judged by `desk.act` from the ticket as it is at that moment.
"""

import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from maild.core.clicks import other
from maild.core.errors import NotAllowed
from maild.core.tokens import Action, new_nonce, page_nonce
from maild.desk.act import LinkView, click, look
from maild.desk.desk import Desk
from maild.web.forms import nonce_in


class ActionPages:
    """The endpoint of `/a/{token}`. HEAD is GET without a body; the server leaves it out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Response:
        """The page of a link. Raises BadLink for a token that is none of ours."""
        token = str(request.path_params["token"])
        if request.method != "POST":
            return self._page(token, await look(self._desk, token))
        try:
            return self._page(token, await click(self._desk, token, await nonce_in(request)))
        except NotAllowed:
            return self._refused(await look(self._desk, token))

    def _page(self, token: str, view: LinkView) -> Response:
        name = "past" if view.possible.is_past else "action" if view.possible.may_act else "done"
        return HTMLResponse(self._desk.renderer.page(name, view.language, self._context(token, view)))

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
