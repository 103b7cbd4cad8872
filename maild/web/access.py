"""«Доступ»: whom somebody has let into his account, whom he lets in or out, and whose accounts are open to him."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from maild.core.address import normalise
from maild.core.errors import NotAllowed
from maild.core.rights import Actor, Standing
from maild.desk.access import grant, look_at_access, revoke
from maild.web.forms import form_in
from maild.web.portal import Portal, Visitor


class AccessPages:
    """The endpoints of `/access` and `/access/revoke`."""

    def __init__(self, portal: Portal) -> None:
        self._portal, self._desk = portal, portal.desk

    async def access(self, request: Request, visitor: Visitor) -> Response:
        """GET shows who has access, POST lets one more in."""
        if request.method != "POST":
            return await self._page(visitor, note=request.query_params.get("note", ""))
        form = await form_in(request)
        self._portal.check(request, visitor, form.get("nonce", ""))
        typed = form.get("email", "").strip()
        try:
            await grant(self._desk, visitor.address, normalise(typed), _actor(visitor), "portal")
        except NotAllowed:
            return await self._page(visitor, typed, status=422)
        return RedirectResponse("/access?note=granted", 303)

    async def revoke(self, request: Request, visitor: Visitor) -> Response:
        """Let a guest out, or leave somebody's account."""
        form = await form_in(request)
        self._portal.check(request, visitor, form.get("nonce", ""))
        owner, guest = (normalise(form.get(name, "")) or visitor.address for name in ("owner", "guest"))
        await revoke(self._desk, owner, guest, _actor(visitor), "portal")
        return RedirectResponse("/access?note=revoked", 303)

    async def _page(self, visitor: Visitor, typed: str = "", status: int = 200, note: str = "") -> Response:
        found = await look_at_access(self._desk, visitor.address)
        context = {
            "guests": [{"address": one.guest, "at": one.at} for one in found.guests],
            "hosts": [{"address": one.owner, "at": one.at} for one in found.hosts],
            "typed": typed,
            "fault": "address" if status != 200 else "",
            "note": note,
        }
        return await self._portal.page(visitor, "access", context, status, here="access")


def _actor(visitor: Visitor) -> Actor:
    return Actor(visitor.address, Standing.CONFIRMED)
