"""Which Host names we answer to, and the header fields every answer carries (SPEC section 10)."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DEFAULT_PORTS = {"https": 443, "http": 80}
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")

PUBLIC_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
PORTAL_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
_PUBLIC = ("/a/", "/l/", "/f/", "/fields/")  # the pages of letters' links, SPEC section 10; all others are the portal's


def allowed_hosts(public_url: str, listeners: Iterable[tuple[str, int]]) -> frozenset[str]:
    """The values of Host that mean us: that of `public_url`, and on a desk without one (or on loopback) the listeners'.

    `listeners` are hosts and ports as bound. Any other name may be an attacker's that points here (DNS rebinding).
    """
    url = urlsplit(public_url)
    hosts = _forms(url.hostname, url.port, _DEFAULT_PORTS[url.scheme]) if url.hostname else set()
    if not url.hostname or _is_loopback(url.hostname):
        for host, port in listeners:
            for name in (host, *_LOCAL_NAMES):
                hosts |= _forms(name, port, _DEFAULT_PORTS["http"])
    return frozenset(hosts)


def _forms(host: str, port: int | None, default: int) -> set[str]:
    """With the port, and without it where it is the default one (RFC 9110 §4.2.1, §7.2)."""
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host.lower()
    port = port or default
    return {f"{name}:{port}", name} if port == default else {f"{name}:{port}"}


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Stands before an application: refuses foreign Host names, completes the header of every answer.

    What an answer sets itself (Cache-Control of a style sheet) is left alone.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], content_policy: str = "") -> None:
        """`content_policy` is for all answers; "" is that of the pages for customers, by their paths."""
        self._app = app
        self._hosts = hosts
        self._policy = content_policy
        self._fields = {
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""

        async def send_completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = MutableHeaders(scope=message)
                fields.setdefault("Content-Security-Policy", self._policy or _policy_of(scope["path"]))
                for name, value in self._fields.items():
                    fields.setdefault(name, value)
            await send(message)

        is_ours = Headers(scope=scope).get("host", "").lower() in self._hosts
        app = self._app if is_ours else PlainTextResponse("Misdirected Request\n", 421)  # RFC 9110 §15.5.20
        await app(scope, receive, send_completed)


def _policy_of(path: str) -> str:
    return PUBLIC_POLICY if path.startswith(_PUBLIC) else PORTAL_POLICY
