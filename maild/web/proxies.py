"""Who asks, and over what, behind a proxy of our own (`http.trusted_proxies`); anybody else's word means nothing."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from maild.core.policy import Network


class Proxies:
    """Stands before an application: a request that came by a trusted proxy is its client's (X-Forwarded-For, -Proto).

    What connects to a unix socket is on this machine, and a proxy: nothing else would bother. A socket for both
    families tells IPv4 clients as ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2): behind this they are 192.0.2.1.
    """

    def __init__(self, app: ASGIApp, networks: tuple[Network, ...]) -> None:
        self._app, self._networks = app, networks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on (ASGI)."""
        if scope["type"] == "http":
            client = scope.get("client")
            peer = _plain(client[0]) if client else ""
            scope = {**scope, "client": (peer, client[1])} if client else scope
            if _is_in(peer, self._networks) or (not client and _is_unix(scope)):
                scope = {**scope, **self._told(Headers(scope=scope), peer)}
        await self._app(scope, receive, send)

    def _told(self, headers: Headers, peer: str) -> dict[str, object]:
        """The last hop that is none of our proxies is the client: what stands left of it, he may have written himself.

        Proxies add to the field at its end (RFC 7239 §5.2 tells the same of its successor).
        """
        fields = headers.getlist("x-forwarded-for")
        hops = [_plain(hop.strip()) for field in fields for hop in field.split(",") if hop.strip()]
        client = next((hop for hop in reversed(hops) if not _is_in(hop, self._networks)), hops[0] if hops else peer)
        scheme = headers.get("x-forwarded-proto", "").strip().lower()
        told: dict[str, object] = {"client": (client, 0)}
        return {**told, "scheme": scheme} if scheme in ("http", "https") else told


def _plain(address: str) -> str:
    """An IPv4 address as such, however it is written; anything else as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped) if mapped else address


def _is_unix(scope: Scope) -> bool:
    """A server on a network has an address and a port (ASGI); a client of it without one has hung up already."""
    server = scope.get("server")
    return not server or server[1] is None


def _is_in(peer: str, networks: Iterable[Network]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address.version == network.version and address in network for network in networks)
