"""uvicorn inside our own event loop: no signals, no access log (paths hold tokens), limits against slow clients.

Takes listening sockets and an application; knows nothing of what the application serves.
"""

import asyncio
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_CONNECTIONS = 500
_BACKLOG = 512
_HEADER = 16 * 1024  # octets of a request's head
_REQUEST_SECONDS = 30  # from the connection, or the answer before, to the end of the answer or of its next buffer
_SLOWEST = 16 * 1024  # octets a second of a request's body: as long as they come, a file gets through
_KEEP_ALIVE_SECONDS = 5
_STOP_SECONDS = 3


class _Connection(H11Protocol):
    """uvicorn waits for ever for a request that has begun, or never begins: such a connection is cut off here."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.access_log = False  # uvicorn's own switch is a logger, which others can turn on again
        self._wind_up()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A file takes its time: every octet of it buys some more."""
        if self._deadline is not None:
            self._wind_up(self._deadline.when() - self.loop.time() + len(data) / _SLOWEST)
        super().data_received(data)

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol gets this one (RFC 9110 §7.8), and writes nothing into the log."""

    def on_response_complete(self) -> None:
        self._wind_up()
        super().on_response_complete()

    def resume_writing(self) -> None:
        """The client takes what it asked for: however slow its line, a file gets to its end."""
        self._wind_up()
        super().resume_writing()

    def _wind_up(self, seconds: float | None = None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(_REQUEST_SECONDS if seconds is None else seconds, self.transport.abort)


def _is_an_error(record: logging.LogRecord) -> bool:
    """Not that a client left in the middle of a form, nor that a request was cut off at the end of the program."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, ClientDisconnect | asyncio.CancelledError)


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the daemon's."""
        yield


class HttpServer:
    """Serves one application on listening sockets, which are closed at the end."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket]) -> None:
        self._sockets = list(sockets)
        logging.getLogger("uvicorn.error").addFilter(_is_an_error)  # once, however many servers there are
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                interface="asgi3",
                http=_Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=_BACKLOG,
                limit_concurrency=_CONNECTIONS,
                h11_max_incomplete_event_size=_HEADER,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )

    async def serve(self) -> None:
        """Answer until `stop()`: then requests in progress get 3 s, idle connections are closed at once."""
        await self._server.serve(sockets=self._sockets)

    def stop(self) -> None:
        """Let `serve()` come to its end."""
        self._server.should_exit = True
