"""The public pages as one application: routes, and the one place where errors become answers."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from maild.core.errors import BadLink, Transient
from maild.core.policy import Network
from maild.core.tokens import read_held_token
from maild.desk.desk import Desk
from maild.web.access import AccessPages
from maild.web.actions import ActionPages
from maild.web.ask import AskPages
from maild.web.fields import FieldPages
from maild.web.files import FileDownloads
from maild.web.forms import MAX_READ
from maild.web.held import HeldPages
from maild.web.language import LanguagePages
from maild.web.login import LoginPages
from maild.web.portal import Page, Portal
from maild.web.proxies import Proxies
from maild.web.security import Guard
from maild.web.thread import ThreadPages
from maild.web.tickets import TicketPages
from maild.web.uploads import Limits, Uploads

Endpoint = Callable[[Request], Awaitable[Response]]

_FILES = ("style.css", "portal.css", "ask.css", "ask.js", "live.js", "icon.svg")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_STYLE_AGE = 3600  # seconds
_RETRY_AFTER = 30  # seconds


def web_app(
    desk: Desk,
    hosts: frozenset[str],
    static: Path,
    proxies: tuple[Network, ...] = (),
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
) -> ASGIApp:
    """The pages for customers. `hosts` is from `allowed_hosts`; `static` is the directory with the style sheets, read
    once; `proxies` are those that tell whose request they pass on; `limits` is how much may be sent to us.

    Raises OSError when there is no style sheet.
    """
    routes = [
        Route("/a/{token}", _links(desk), methods=["GET", "POST"], max_body_size=MAX_READ),
        Route("/fields/{token}", FieldPages(desk).answer, methods=["GET", "POST"], max_body_size=MAX_READ),
        Route("/l/{token}", LanguagePages(desk).answer, methods=["GET", "POST"], max_body_size=MAX_READ),
        Route("/f/{token}", FileDownloads(desk).answer, methods=["GET"]),
        *portal_routes(desk, limits),
        *(static_route(static, name) for name in _FILES),
    ]

    def plain_page(name: str) -> str:
        return desk.renderer.page(name, desk.policy.language, {"desk": {"name": desk.policy.name}})

    return Proxies(Guard(application(routes, plain_page), hosts), proxies)


def portal_routes(desk: Desk, limits: Limits) -> list[Route]:
    """The pages of those who are signed in, and how they get there."""
    portal = Portal(desk)
    login, lists = LoginPages(portal), TicketPages(portal)
    access = AccessPages(portal)
    uploads, files = Uploads(limits), FileDownloads(desk)
    threads, ask = ThreadPages(portal, lists, uploads), AskPages(portal, uploads)

    def route(path: str, page: Page, *methods: str) -> Route:
        return Route(path, portal.signed_in(page), methods=list(methods), max_body_size=MAX_READ)

    async def home(request: Request) -> Response:
        """The list, or the way to it."""
        is_in = await portal.visitor(request) is not None
        return await (portal.signed_in(lists.list) if is_in else login.form)(request)

    return [
        Route("/login", login.form, methods=["GET", "POST"], max_body_size=MAX_READ),
        Route("/login/{token}", login.link, methods=["GET", "POST"], max_body_size=MAX_READ),
        route("/logout", login.logout, "POST"),
        route("/language", login.language, "POST"),
        Route("/", home, methods=["GET"]),
        route("/access", access.access, "GET", "POST"),
        route("/access/revoke", access.revoke, "POST"),
        route("/search", lists.search, "GET"),
        Route("/ask", ask.answer, methods=["GET", "POST"]),
        route("/ask/taken", ask.taken, "GET"),
        Route("/t/{number}", threads.answer, methods=["GET", "POST"]),
        route("/t/{number}/files/{message}/{part}", files.own, "GET"),
        route("/t/{number}/solved", threads.confirm, "POST"),
        route("/t/{number}/continue", threads.go_on, "POST"),
        route("/t/{number}/m/{message}", threads.whole, "GET"),
    ]


def _links(desk: Desk) -> Endpoint:
    """Links of customers about their ticket, and of support about held mail: the token says which."""
    actions, held = ActionPages(desk), HeldPages(desk)

    async def answer(request: Request) -> Response:
        is_held = read_held_token(desk.keys, str(request.path_params["token"])) is not None
        return await (held if is_held else actions).answer(request)

    return answer


def application(routes: Sequence[BaseRoute], plain_page: Callable[[str], str]) -> Starlette:
    """Routes, and a page for everything that is not there or cannot be done now; `plain_page` makes it by name.

    An unknown path and a token that is none of ours get the same page: it tells nothing.
    """

    def page(name: str, status: int, fields: dict[str, str]) -> Callable[[Request, Exception], Response]:
        return lambda request, error: HTMLResponse(plain_page(name), status, fields)

    def wrong_method(request: Request, error: Exception) -> Response:
        fields = error.headers if isinstance(error, HTTPException) else None
        return HTMLResponse(plain_page("method"), 405, fields)  # with Allow (RFC 9110 §15.5.6)

    missing, busy = page("missing", 404, {}), page("busy", 503, {"Retry-After": str(_RETRY_AFTER)})
    errors = {404: missing, 405: wrong_method, 413: page("too_large", 413, {}), BadLink: missing, Transient: busy}
    app = Starlette(routes=routes, exception_handlers=errors)
    app.router.redirect_slashes = False
    return app


def static_route(static: Path, name: str) -> Route:
    """A file that the pages load. Raises OSError when it is not there."""
    return Route(f"/static/{name}", _static((static / name).read_bytes(), _TYPES[Path(name).suffix]))


def _static(content: bytes, type_: str) -> Endpoint:
    tag = f'"{sha256(content).hexdigest()[:16]}"'
    fields = {"ETag": tag, "Cache-Control": f"public, max-age={_STYLE_AGE}"}

    async def answer(request: Request) -> Response:
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=fields)
        return Response(content, media_type=type_, headers=fields)

    return answer
