"""The server itself: it ends in time, and slow or greedy clients do not keep it busy."""

import socket
import threading
import time

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from maild.web import server
from tests.web.serving import Client, listen, serving

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HELLO = PlainTextResponse("hello\n")


def answered(client: socket.socket) -> bool:
    """Read one whole answer."""
    got = b""
    while not got.endswith(b"hello\n"):
        data = client.recv(1000)
        assert data, "closed"
        got += data
    return got.startswith(b"HTTP/1.1 200 ")


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 60)


def test_idle_and_half_open_clients_do_not_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_REQUEST_SECONDS", "_KEEP_ALIVE_SECONDS", "_STOP_SECONDS"):
        monkeypatch.setattr(server, name, 600)
    bound = listen()
    port = bound.getsockname()[1]
    with serving(HELLO, bound):
        idle, half, silent = connect(port), connect(port), connect(port)
        for client in (idle, half):
            client.sendall(REQUEST)
            assert answered(client)
        half.sendall(REQUEST[:10])
        before = time.monotonic()
    assert time.monotonic() - before < 60
    for client in (idle, half, silent):
        assert client.recv(100) == b""
        client.close()
    with pytest.raises(ConnectionRefusedError):
        connect(port)


def test_a_request_in_progress_is_answered_before_the_end() -> None:
    started, bound = threading.Event(), listen()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        while (await receive())["more_body"]:
            pass
        await HELLO(scope, receive, send)

    with serving(slow, bound) as running, connect(bound.getsockname()[1]) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        assert started.wait(60)
        running.stop()
        client.sendall(b"b")
        assert b"hello" in b"".join(iter(lambda: client.recv(1000), b""))


def test_clients_that_leave_and_requests_that_are_cut_off_leave_no_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "_STOP_SECONDS", 0)
    left, waits, bound = threading.Event(), threading.Event(), listen()

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            waits.set()
            await Request(scope, receive).body()
        finally:
            left.set()

    with serving(reads, bound):
        for _ in range(2):  # the first one leaves by itself
            waits.clear()
            client = connect(bound.getsockname()[1])
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
            assert waits.wait(60)
            if not left.is_set():
                client.close()
                assert left.wait(60)
    client.close()
    assert not [record for record in caplog.records if record.exc_info]


def test_a_client_that_takes_its_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_REQUEST_SECONDS", 0.2)
    bound = listen()
    port = bound.getsockname()[1]
    with serving(HELLO, bound):
        for beginning in (b"", REQUEST[:10], b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"):
            with connect(port) as client:
                client.sendall(beginning)
                rest = drained(client)
                assert b"hello" in rest if beginning.startswith(b"POST") else rest == b""
        with connect(port) as client:
            for _ in range(3):
                client.sendall(REQUEST)
                assert answered(client), "each request has its own time"


def drained(client: socket.socket) -> bytes:
    """Everything until the server is gone, however it left."""
    got = b""
    try:
        while data := client.recv(1000):
            got += data
    except ConnectionResetError:
        pass
    return got


def test_whoever_asks_for_another_protocol_gets_this_one_and_no_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bound = listen()
    with serving(HELLO, bound), connect(bound.getsockname()[1]) as client:
        client.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
        assert answered(client)
    assert [record.message for record in caplog.records if "pgrade" in record.message] == []


def test_a_head_without_end_is_refused() -> None:
    bound = listen()
    with serving(HELLO, bound):
        assert Client(bound.getsockname()[1]).get("/", **{"X-Long": "x" * 15_000}).status == 200
        with connect(bound.getsockname()[1]) as client:
            client.sendall(REQUEST[:-2] + b"X-Long: " + b"x" * 20_000)
            assert drained(client).startswith(b"HTTP/1.1 400 ")


def test_more_connections_than_we_can_serve_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_CONNECTIONS", 3)
    bound = listen()
    port = bound.getsockname()[1]
    with serving(HELLO, bound):
        others = [connect(port) for _ in range(2)]
        for one in others:
            one.sendall(REQUEST)
            assert answered(one)
        assert Client(port).get("/").status == 503
        for one in others:
            one.close()
