"""A real server on a loopback port, in a thread with an event loop of its own, and a plain HTTP client for it."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from urllib.parse import urlencode

from starlette.types import ASGIApp

from maild.web.security import allowed_hosts
from maild.web.server import HttpServer


def listen() -> socket.socket:
    """A listening loopback socket on a free port."""
    return socket.create_server(("127.0.0.1", 0))


def local_hosts(bound: socket.socket) -> frozenset[str]:
    """The Host values of a desk without a public URL."""
    return allowed_hosts("", [bound.getsockname()[:2]])


@contextmanager
def serving(app: ASGIApp, bound: socket.socket) -> Iterator[HttpServer]:
    """The application, answering; its end is waited for."""
    server = HttpServer(app, [bound])
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), name="http")
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(60)
        assert not thread.is_alive(), "the server does not stop"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    fields: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Client:
    """Asks one server, a connection for each request, no redirects followed."""

    port: int

    def ask(self, method: str, path: str, body: bytes | None = None, fields: Mapping[str, str] | None = None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(fields or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str, **fields: str) -> Answer:
        return self.ask("GET", path, fields=fields)

    def post(self, path: str, **values: str) -> Answer:
        body = urlencode(values).encode()
        # As a browser sends it from a page under `Referrer-Policy: no-referrer`.
        return self.ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"})
