"""Attachments, behind the link of a letter or in a thread. Nothing a stranger wrote is ever shown on our pages."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from maild.core.errors import BadLink, Transient
from maild.core.mail import Attachment
from maild.desk.desk import Desk
from maild.desk.enclosures import FileView, content_of, look_for_file, look_for_own_file
from maild.web.portal import Visitor, number_in

_AT_ONCE = 8  # downloads: each holds its file in memory
_OF_ONE = 2  # of them for the same person or the same link: one slow line must not take all the places
_CHUNK = 64 * 1024  # octets
_POLICY = "default-src 'none'; sandbox"

# Types that programs open by themselves and that run nothing; all others are octets.
_KEPT = frozenset("application/pdf audio/mpeg image/gif image/jpeg image/png image/webp video/mp4".split())

# What the browser may show instead of saving it: pictures that cannot hold anything else, known by their first octets.
_PICTURES: dict[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
_NOTHING: tuple[bytes, ...] = ()


class FileDownloads:
    """The endpoints of `/f/{token}` and of the files of a thread."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._in_progress: Counter[str] = Counter()

    async def answer(self, request: Request) -> Response:
        """The file, or the page that says its time is over. Raises BadLink; Transient when too many are fetched."""
        view = await look_for_file(self._desk, str(request.path_params["token"]))
        if view.file is None:
            context = {"desk": {"name": self._desk.policy.name}}
            return HTMLResponse(self._desk.renderer.page("expired", view.language, context), 410)
        return await self._download(request, view, view.file, str(request.path_params["token"]))

    async def own(self, request: Request, visitor: Visitor) -> Response:
        """A file of one's own ticket. Raises BadLink as the page of that ticket; Transient as above."""
        number, message = number_in(request), number_in(request, "message")
        part = 0 if request.path_params["part"] == "0" else number_in(request, "part")
        view = await look_for_own_file(self._desk, number, visitor.address, message, part)
        if view.file is None:
            raise BadLink("no such page")
        return await self._download(request, view, view.file, visitor.address, is_own=True)

    async def _download(
        self, request: Request, view: FileView, file: Attachment, whose: str, *, is_own: bool = False
    ) -> Response:
        if request.method == "HEAD" and not (is_own and file.type in _PICTURES):
            return Response(headers=_fields(file, file.size))
        if self._in_progress.total() >= _AT_ONCE or self._in_progress[whose] >= _OF_ONE:
            raise Transient("too many downloads")
        self._in_progress[whose] += 1
        try:
            content = await content_of(self._desk, view)
        except BaseException:
            self._done(whose)
            raise
        is_picture = is_own and content.startswith(_PICTURES.get(file.type, _NOTHING))
        fields = _fields(file, len(content), is_inline=is_picture)
        if request.method == "HEAD":
            self._done(whose)
            return Response(headers=fields)
        return _Download(_chunks(content), fields, partial(self._done, whose))

    def _done(self, whose: str) -> None:
        self._in_progress[whose] -= 1
        if not self._in_progress[whose]:
            del self._in_progress[whose]


class _Download(StreamingResponse):
    """Tells when it has ended, however that was."""

    def __init__(self, content: AsyncIterator[bytes], fields: dict[str, str], done: Callable[[], None]) -> None:
        super().__init__(content, headers=fields)
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._done()


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]


def _fields(file: Attachment, size: int, *, is_inline: bool = False) -> dict[str, str]:
    return {
        "Content-Type": file.type if file.type in _KEPT else "application/octet-stream",
        "Content-Disposition": _disposition(file.name, "inline" if is_inline else "attachment"),
        "Content-Length": str(size),
        "Content-Security-Policy": _POLICY,
    }


def _disposition(name: str, way: str) -> str:
    """The name for browsers, and a plain one for what does not know RFC 8187 (RFC 6266 §4.3)."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
