"""Who asks, and over what, behind a proxy of our own (`http.trusted_proxies`); anybody else's word means nothing."""

from collections.abc import Iterable
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from maild.core.policy import Network


class Proxies:
    """Stands before an application: a request that came by a trusted proxy is its client's (X-Forwarded-For, -Proto).

    What connects to a unix socket is on this machine, and a proxy: nothing else would bother.
    """

    def __init__(self, app: ASGIApp, networks: tuple[Network, ...]) -> None:
        self._app, self._networks = app, networks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on (ASGI)."""
        peer = scope["client"][0] if scope.get("client") else ""
        if scope["type"] == "http" and self._is_trusted(peer):
            scope = {**scope, **self._told(Headers(scope=scope), peer)}
        await self._app(scope, receive, send)

    def _is_trusted(self, peer: str) -> bool:
        return not peer or _is_in(peer, self._networks)

    def _told(self, headers: Headers, peer: str) -> dict[str, object]:
        """The last hop that is none of our proxies is the client: what stands left of it, he may have written himself.

        Proxies add to the field at its end (RFC 7239 §5.2 tells the same of its successor).
        """
        hops = [hop.strip() for field in headers.getlist("x-forwarded-for") for hop in field.split(",")]
        client = next((hop for hop in reversed(hops) if not self._is_trusted(hop)), hops[0] if hops else peer)
        scheme = headers.get("x-forwarded-proto", "").strip().lower()
        told: dict[str, object] = {"client": (client, 0)}
        return {**told, "scheme": scheme} if scheme in ("http", "https") else told


def _is_in(peer: str, networks: Iterable[Network]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address.version == network.version and address in network for network in networks)
