"""Pages about held mail (SPEC sections 5 and 8): GET shows the mail and what can be done, POST with the nonce does it.

They share `/a/{token}` and its rules with the action links of customers; `desk.holds` judges what is allowed.
"""

import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from maild.core.errors import NotAllowed
from maild.core.tokens import HeldAction, new_nonce, page_nonce
from maild.desk.desk import Desk
from maild.desk.holds import HeldView, look_held, press_held
from maild.web.forms import nonce_in


class HeldPages:
    """The endpoint of links about held mail."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Response:
        """The page of a link. Raises BadLink for a token that is none of ours."""
        token = str(request.path_params["token"])
        if request.method != "POST":
            return self._page(token, await look_held(self._desk, token))
        try:
            return self._page(token, await press_held(self._desk, token, await nonce_in(request)))
        except NotAllowed:
            view = await look_held(self._desk, token)
            context = {"desk": {"name": self._desk.policy.name}}
            return HTMLResponse(self._desk.renderer.page("refused", view.language, context), 403)

    def _page(self, token: str, view: HeldView) -> Response:
        desk = self._desk
        context = {
            "desk": {"name": desk.policy.name},
            "held": self._held(view),
            "nonce": page_nonce(desk.keys, token, new_nonce(secrets.token_bytes(10)), desk.now()),
            "timezone": desk.policy.timezone,
        }
        return HTMLResponse(desk.renderer.page("held", view.language, context))

    def _held(self, view: HeldView) -> dict[str, object]:
        """Words only while somebody still has to decide about them."""
        row, is_held = view.row, view.outcome == "held"
        author = view.mail.author
        return {
            "from_": (author.address if author else "") or row.sender,
            "subject": view.mail.subject,
            "at": row.received_at,
            "reason": self._desk.renderer.held_reason(view.reason, view.language) if is_held else "",
            "text": (view.mail.reply or view.mail.text) if is_held else "",
            "outcome": view.outcome,
            "button": self._label(view, view.claim.action) if view.may_act else "",
            "links": [
                {"label": self._label(view, action), "url": f"/a/{view.tokens[action]}"}
                for action in view.actions
                if action not in (view.claim.action, HeldAction.SHOW)
            ],
        }

    def _label(self, view: HeldView, action: HeldAction) -> str:
        is_own = action is HeldAction.DROP and self._desk.policy.is_support(view.row.sender)
        return self._desk.renderer.held_label("drop_own" if is_own else action.value, view.language)
