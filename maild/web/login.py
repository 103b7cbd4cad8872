"""The pages of signing in and out: one field for an address, the link of the letter, the button behind it."""

import secrets
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from maild.core.address import is_mailbox, normalise
from maild.core.errors import BadLink, NotAllowed
from maild.core.tokens import is_page_nonce, new_nonce, page_nonce
from maild.desk.act import NONCE_AGE
from maild.desk.drafts import draft_for
from maild.desk.languages import choose_language
from maild.desk.login import LOGIN_AGE, LoginView, ask_to_enter, enter, leave, look_at_login
from maild.web.forms import form_in
from maild.web.portal import Portal, Visitor, is_cross_site, local_path

_FORM = "login form"  # what the nonce of the first form is bound to: there is no session yet
_LONGEST = 254  # characters of an address (RFC 5321 §4.5.3.1.3, erratum 1690)


class LoginPages:
    """The endpoints of `/login`, `/login/{token}`, `/logout` and `/language`."""

    def __init__(self, portal: Portal) -> None:
        self._portal, self._desk = portal, portal.desk

    async def form(self, request: Request) -> Response:
        """GET shows the field, POST has the letter written. The same page follows whoever has that address."""
        if not self._desk.policy.public_url:
            raise HTTPException(404)  # no letter could carry a link
        if request.url.path != "/" and await self._portal.visitor(request):
            return RedirectResponse("/", 303)
        language = self._portal.language(request)
        if request.method != "POST":
            return self._form(language, number=_number(request.query_params.get("t", "")))
        form = await form_in(request)
        typed, number = form.get("email", "").strip(), _number(form.get("t", ""))
        language = form["lang"] if form.get("lang") in self._desk.renderer.languages else language
        if is_cross_site(request) or not self._is_nonce(_FORM, form.get("nonce", "")):
            return self._form(language, typed, number, "stale", 403)
        if len(typed) > _LONGEST or not is_mailbox(typed):
            return self._form(language, typed, number, "address", 422)
        if not await ask_to_enter(self._desk, normalise(typed), _client(request), language, number):
            return self._form(language, typed, number, "often", 429)
        return self._render("sent", language, {"address": typed, "minutes": LOGIN_AGE.seconds // 60})

    async def link(self, request: Request) -> Response:
        """GET shows one button, POST uses the link up. Raises BadLink for a token that is none of ours."""
        token = str(request.path_params["token"])
        try:
            if request.method != "POST":
                return await self._link(request, token, await look_at_login(self._desk, token))
            nonce = (await form_in(request)).get("nonce", "")
            if is_cross_site(request):
                raise NotAllowed("from another site")
            secret, view = await enter(self._desk, token, nonce, _client(request))
        except BadLink:
            return self._render("nothing_here", self._portal.language(request), {}, 404)
        except NotAllowed:
            view = await look_at_login(self._desk, token)
            return await self._link(request, token, view, 403)
        if not secret:
            return await self._link(request, token, view)
        answer = RedirectResponse(await self._wanted(view), 303)
        self._portal.remember(request, answer, secret)
        return answer

    async def logout(self, request: Request, visitor: Visitor) -> Response:
        """Sign out, with `everywhere` in the form on all devices."""
        form = await form_in(request)
        self._portal.check(request, visitor, form.get("nonce", ""))
        await leave(self._desk, visitor.session, visitor.address, everywhere="everywhere" in form)
        answer = RedirectResponse("/login", 303)
        self._portal.forget(request, answer)
        return answer

    async def language(self, request: Request, visitor: Visitor) -> Response:
        """Choose the language of one's pages and letters."""
        form = await form_in(request)
        self._portal.check(request, visitor, form.get("nonce", ""))
        await choose_language(self._desk, visitor.address, form.get("language", ""))
        return RedirectResponse(local_path(form.get("back", "")), 303)

    def _form(self, language: str, typed: str = "", number: int = 0, fault: str = "", status: int = 200) -> Response:
        context = {"nonce": self._nonce(_FORM), "typed": typed, "number": number, "fault": fault}
        return self._render("login", language, context, status)

    async def _wanted(self, view: LoginView) -> str:
        """The page that somebody signed in for."""
        if view.claim.number:
            return f"/t/{view.claim.number}"
        return "/ask" if await draft_for(self._desk, view.claim.person) is not None else "/"

    async def _link(self, request: Request, token: str, view: LoginView, status: int = 200) -> Response:
        """The button; whoever is in already, and comes to his letter once more, needs none."""
        language = view.language or self._portal.language(request)
        if not view.is_good:
            visitor = await self._portal.visitor(request)
            if visitor and visitor.address == view.claim.person:
                return RedirectResponse(await self._wanted(view), 303)
            return self._render("login_over", language, {}, 410)
        context = {"nonce": self._nonce(token), "address": view.claim.person}
        return self._render("enter", language, context, status)

    def _render(self, name: str, language: str, context: Mapping[str, object], status: int = 200) -> Response:
        frame = {
            "desk": {"name": self._desk.policy.name},
            "languages": self._portal.others(language),
            "visitor": "",
            "here": "",
        }
        return self._portal.render(name, language, {**frame, **context}, status)

    def _nonce(self, token: str) -> str:
        return page_nonce(self._desk.keys, token, new_nonce(secrets.token_bytes(10)), self._desk.now())

    def _is_nonce(self, token: str, nonce: str) -> bool:
        return is_page_nonce(self._desk.keys, token, nonce, self._desk.now(), NONCE_AGE)


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _number(text: str) -> int:
    """The ticket somebody came for, 0 if that is no number of one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
