"""File links: attachments that were too large for a letter. Nothing a stranger wrote is ever shown on our pages."""

from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from maild.core.errors import Transient
from maild.core.mail import Attachment
from maild.desk.desk import Desk
from maild.desk.enclosures import content_of, look_for_file

_AT_ONCE = 8  # downloads: each holds its file in memory
_CHUNK = 64 * 1024  # octets
_POLICY = "default-src 'none'; sandbox"

# Types that programs open by themselves and that run nothing; all others are octets.
_KEPT = frozenset("application/pdf audio/mpeg image/gif image/jpeg image/png image/webp video/mp4".split())


class FileDownloads:
    """The endpoint of `/f/{token}`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._in_progress = 0

    async def answer(self, request: Request) -> Response:
        """The file, or the page that says its time is over. Raises BadLink; Transient when too many are fetched."""
        view = await look_for_file(self._desk, str(request.path_params["token"]))
        if view.file is None:
            context = {"desk": {"name": self._desk.policy.name}}
            return HTMLResponse(self._desk.renderer.page("expired", view.language, context), 410)
        if request.method == "HEAD":
            return Response(headers=_fields(view.file, view.file.size))
        if self._in_progress >= _AT_ONCE:
            raise Transient("too many downloads")
        self._in_progress += 1
        try:
            content = await content_of(self._desk, view)
        except BaseException:
            self._done()
            raise
        return _Download(_chunks(content), _fields(view.file, len(content)), self._done)

    def _done(self) -> None:
        self._in_progress -= 1


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


def _fields(file: Attachment, size: int) -> dict[str, str]:
    return {
        "Content-Type": file.type if file.type in _KEPT else "application/octet-stream",
        "Content-Disposition": _disposition(file.name),
        "Content-Length": str(size),
        "Content-Security-Policy": _POLICY,
    }


def _disposition(name: str) -> str:
    """Never inline. The name for browsers, and a plain one for what does not know RFC 8187 (RFC 6266 §4.3)."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
