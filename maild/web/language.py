"""The page of a language link: GET shows, POST with the page's nonce switches, once (as action links, SPEC section 10).

The page speaks the language that it offers: whoever follows the link reads that one.
"""

import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from maild.core.errors import NotAllowed
from maild.core.tokens import new_nonce, page_nonce
from maild.desk.desk import Desk
from maild.desk.languages import LanguageView, look_language, switch_language
from maild.web.forms import nonce_in


class LanguagePages:
    """The endpoint of `/l/{token}`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def answer(self, request: Request) -> Response:
        """The page of a link. Raises BadLink for a token that is none of ours."""
        token = str(request.path_params["token"])
        if request.method != "POST":
            return self._page(token, await look_language(self._desk, token))
        try:
            return self._page(token, await switch_language(self._desk, token, await nonce_in(request)))
        except NotAllowed:
            view = await look_language(self._desk, token)
            context = {"desk": {"name": self._desk.policy.name}}
            return HTMLResponse(self._desk.renderer.page("refused", view.claim.language, context), 403)

    def _page(self, token: str, view: LanguageView) -> Response:
        desk = self._desk
        context = {
            "desk": {"name": desk.policy.name},
            "address": view.claim.person,
            "is_done": view.is_done,
            "languages": view.others,
            "nonce": page_nonce(desk.keys, token, new_nonce(secrets.token_bytes(10)), desk.now()),
        }
        return HTMLResponse(desk.renderer.page("language", view.claim.language, context))
