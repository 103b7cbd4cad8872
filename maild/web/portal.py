"""What every page of the portal begins with: who asks (`visitor`), his language, the frame, the check of a form.

A session is a random cookie; its hash is a row. Every form carries a nonce that only pages of that session have.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from maild.core.errors import BadLink, NotAllowed
from maild.core.tokens import is_page_nonce, new_nonce, page_nonce
from maild.desk.act import NONCE_AGE
from maild.desk.desk import Desk
from maild.desk.login import SESSION_AGE, session_id
from maild.store import mine, people, sessions
from maild.store.db import Tx

COOKIE = "maild_session"

_MOST_UNREAD = 99  # the badge says "99+" beyond
_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/?=&%+._~-]{0,500}")
_ONLY_SENT = re.compile(r"/(logout|language|access/revoke|t/[^/]+/(solved|continue))")  # there is no GET of these
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_RANGE = re.compile(r"\s*([a-zA-Z]{1,8})[a-zA-Z0-9-]*\s*(?:;\s*q\s*=\s*([0-9.]{1,5})\s*)?")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in: his (normalised) address, the language of his pages, the id of his session.

    `path` is what he looks at: the way back when he has chosen another language. `has` names the states of that page
    that his browser still holds, as the field If-None-Match writes them.
    """

    address: str
    language: str
    session: str
    path: str = "/"
    has: str = ""


Endpoint = Callable[[Request], Awaitable[Response]]
Page = Callable[[Request, Visitor], Awaitable[Response]]


class Portal:
    """The frame of all pages."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def visitor(self, request: Request) -> Visitor | None:
        """Who asks; None if he is not signed in."""
        secret = request.cookies.get(COOKIE, "")
        if not secret:
            return None
        session = session_id(secret)
        found = await self.desk.store.read(_person_of, self.desk, session)
        if found is None:
            return None
        address, language = found
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        path = "/" if _ONLY_SENT.fullmatch(request.url.path) else path
        has = request.headers.get("if-none-match", "") if request.method in ("GET", "HEAD") else ""
        return Visitor(address, language or self.language(request), session, path, has)

    def language(self, request: Request) -> str:
        """Of somebody whose language is not known: what the address says, the browser, or the desk's."""
        known = self.desk.renderer.languages
        asked = request.query_params.get("lang", "")
        wanted = (asked, *_accepted(request.headers.get("accept-language", "")))
        return next((one for one in wanted if one in known), self.desk.policy.language)

    def signed_in(self, page: Page) -> Endpoint:
        """An endpoint for those who are signed in; all others are led to the login.

        What the page raises is answered in the portal's frame: BadLink 404, NotAllowed 403.
        """

        async def endpoint(request: Request) -> Response:
            visitor = await self.visitor(request)
            if visitor is None:
                number = str(request.path_params.get("number", ""))
                return RedirectResponse(f"/login?t={number}" if _NUMBER.fullmatch(number) else "/login", 303)
            try:
                return await page(request, visitor)
            except BadLink:
                return await self.page(visitor, "nothing", {}, 404)
            except NotAllowed:
                return await self.page(visitor, "stale", {}, 403)

        return endpoint

    def nonce(self, visitor: Visitor) -> str:
        """The hidden field of a form."""
        desk = self.desk
        salt = new_nonce(secrets.token_bytes(10))
        return page_nonce(desk.keys, f"session {visitor.session}", salt, desk.now())

    def check(self, request: Request, visitor: Visitor, nonce: str) -> None:
        """Before a form does anything. Raises NotAllowed if it is from no page of this session, or from an old one."""
        desk, token = self.desk, f"session {visitor.session}"
        if is_cross_site(request) or not is_page_nonce(desk.keys, token, nonce, desk.now(), NONCE_AGE):
            raise NotAllowed("this form is not from this page")

    async def page(
        self, visitor: Visitor, name: str, context: Mapping[str, object], status: int = 200, *, here: str = ""
    ) -> Response:
        """A page in the frame. `here` names the entry of the navigation that it is: tickets, ask, access.

        Nothing of it is made for a browser that shows the very same: 304 (RFC 9110 §15.4.5).
        """
        unread = await self.desk.store.read(mine.unread_answers, visitor.address, _MOST_UNREAD + 1)
        frame = {
            "desk": {"name": self.desk.policy.name},
            "visitor": visitor.address,
            "path": visitor.path,
            "unread": f"{_MOST_UNREAD}+" if unread > _MOST_UNREAD else unread or "",
            "here": here,
            "timezone": self.desk.policy.timezone,
            "languages": self.others(visitor.language),
        }
        shown = {**frame, **context}
        tag = f'"{sha256(repr((name, visitor.language, shown)).encode()).hexdigest()[:24]}"'
        if status == 200 and tag in visitor.has:
            return Response(status_code=304, headers={"ETag": tag})
        answer = self.render(name, visitor.language, {**shown, "nonce": self.nonce(visitor), "tag": tag}, status)
        answer.headers["ETag"] = tag
        return answer

    def others(self, language: str) -> list[dict[str, str]]:
        """The languages that these pages have besides, each by its own name."""
        renderer = self.desk.renderer
        return [{"code": one, "name": renderer.language_name(one)} for one in renderer.languages if one != language]

    def render(self, name: str, language: str, context: Mapping[str, object], status: int = 200) -> HTMLResponse:
        """A page as it stands."""
        page = self.desk.renderer.page(f"portal/{name}", language, context)
        return HTMLResponse(page, status, {"Content-Language": language})

    def remember(self, request: Request, response: Response, secret: str) -> None:
        """Give the browser its session."""
        self.set_cookie(request, response, COOKIE, secret, SESSION_AGE)

    def forget(self, request: Request, response: Response) -> None:
        """Take it away."""
        self.set_cookie(request, response, COOKIE, "", timedelta())

    def set_cookie(self, request: Request, response: Response, name: str, value: str, age: timedelta) -> None:
        """A cookie that only these pages get, and no script."""
        response.set_cookie(
            name,
            value,
            max_age=int(age.total_seconds()),
            path="/",
            secure="https" in (request.url.scheme, self.desk.policy.public_url.partition(":")[0]),
            httponly=True,
            samesite="lax",
        )


def number_in(request: Request, name: str = "number") -> int:
    """A number in the path: of a ticket, a message. Raises BadLink for what can be none."""
    text = str(request.path_params[name])
    if not _NUMBER.fullmatch(text):
        raise BadLink("no such page")
    return int(text)


def local_path(text: str) -> str:
    """A way back on these pages; anything else leads to the first one."""
    return text if _PATH.fullmatch(text) else "/"


def is_cross_site(request: Request) -> bool:
    """Does the browser say that another site has sent this? Its Origin is null under our Referrer-Policy."""
    try:
        sender = urlsplit(request.headers.get("origin", "null")).hostname
    except ValueError:
        return True
    is_foreign = sender not in (None, request.url.hostname)
    return is_foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def _person_of(tx: Tx, desk: Desk, session: str) -> tuple[str, str] | None:
    person = sessions.person_of(tx, session, desk.now())
    return (person, people.languages(tx, [person]).get(person, "")) if person else None


def _accepted(field: str) -> list[str]:
    """The languages of an Accept-Language field, the most welcome first (RFC 9110 §12.5.4)."""
    found: list[tuple[float, str]] = []
    for one in field[:500].split(","):
        match = _RANGE.fullmatch(one)
        try:
            weight = float(match[2] or 1) if match else 0
        except ValueError:
            weight = 0
        if match and weight > 0:
            found.append((-weight, match[1].lower()))
    return [language for _, language in sorted(found, key=lambda pair: pair[0])]
