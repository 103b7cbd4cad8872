"""The letters in a Maildir as pages: for trials on loopback, where nobody has set up a mail program.

Shows only what was written there; knows no tickets and changes nothing.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from maild.mime.render import Renderer
from maild.web.app import application, static_route
from maild.web.security import PUBLIC_POLICY, Guard

_PAGE_POLICY = f"{PUBLIC_POLICY}; frame-src 'self'"
# A letter is looked at as a mail program would show it: its own styles, no script, nothing loaded.
_LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
_HEAD = re.compile("<head>", re.IGNORECASE)
_LINK = re.compile(r"^(.+):\n(https?://\S+/a/\S+)$", re.MULTILINE)  # as templates/_actions.txt writes them


def letters_app(
    maildir: Path, renderer: Renderer, language: str, *, hosts: frozenset[str], static: Path, name: str, timezone: str
) -> ASGIApp:
    """All letters of a Maildir, newest first, at `/`; each at `/letters/{name}`.

    `name` is the desk's. Raises OSError when there is no style sheet in `static`.
    """
    context = {"desk": {"name": name}, "timezone": timezone}
    pages = LetterPages(maildir, renderer, language, context)
    routes = [
        Route("/", pages.index),
        Route("/letters/{name}", pages.letter),
        Route("/letters/{name}/html", pages.html),
        static_route(static, "style.css"),
    ]
    app = application(routes, lambda template: renderer.page(template, language, context))
    return Guard(app, hosts, _PAGE_POLICY)


class LetterPages:
    """The endpoints; the directory is read anew for each page."""

    def __init__(self, maildir: Path, renderer: Renderer, language: str, context: Mapping[str, object]) -> None:
        self._maildir, self._renderer, self._language, self._context = maildir, renderer, language, context

    async def index(self, request: Request) -> Response:
        """The list."""
        letters = [_shown(name, path) for name, path in self._files().items()]
        return self._page("letters", {"letters": letters})

    async def letter(self, request: Request) -> Response:
        """One letter."""
        name, path = self._asked_for(request)
        return self._page("letter", {"letter": _shown(name, path)})

    async def html(self, request: Request) -> Response:
        """Its HTML, for the frame; links leave the frame, since our pages refuse to be shown in one."""
        part = _read(self._asked_for(request)[1]).get_body(("html",))
        if part is None:
            raise HTTPException(404)
        html = _HEAD.sub('<head><base target="_top">', part.get_content(), count=1)
        return HTMLResponse(html, headers={"Content-Security-Policy": _LETTER_POLICY})

    def _page(self, template: str, context: Mapping[str, object]) -> Response:
        return HTMLResponse(self._renderer.page(template, self._language, {**self._context, **context}))

    def _files(self) -> dict[str, Path]:
        """The files by their unique name (what stands before the flags), newest first."""
        files = [path for folder in ("new", "cur") for path in (self._maildir / folder).glob("*")]
        files.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
        return {path.name.partition(":")[0]: path for path in files}

    def _asked_for(self, request: Request) -> tuple[str, Path]:
        name = str(request.path_params["name"])
        path = self._files().get(name)
        if path is None:
            raise HTTPException(404)
        return name, path


def _read(path: Path) -> EmailMessage:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _shown(name: str, path: Path) -> dict[str, Any]:
    message = _read(path)
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    text = plain.get_content().replace("\r\n", "\n") if plain else ""
    return {
        "url": f"/letters/{name}",
        "html_url": f"/letters/{name}/html" if html else "",
        "at": _moment(message, path),
        "from_": str(message["From"] or ""),
        "to": str(message["To"] or ""),
        "subject": str(message["Subject"] or ""),
        "text": text,
        "links": [{"label": label, "url": url} for label, url in _LINK.findall(text)],
    }


def _moment(message: EmailMessage, path: Path) -> datetime:
    try:
        return parsedate_to_datetime(str(message["Date"]))
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
