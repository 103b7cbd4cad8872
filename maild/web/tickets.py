"""The left pane: the tickets of whoever is signed in, by tabs, newest first, a page at a time."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from maild.core.requests import Scope
from maild.core.search import beginnings
from maild.store.mine import OwnTicket, Place, may_read, tickets_of
from maild.store.words import find
from maild.web.portal import Portal, Visitor

_PAGE = 20  # tickets
_LONGEST = 200  # characters of a search
_NUMBER = re.compile(
    r"[\[\s]*[^\d\[\]]{0,40}?([1-9][0-9]{0,17})\s*\]?", re.ASCII
)  # 1042, #1042, № 1042, [Кактус #1042]
_BARE = re.compile(r"\[[^\]]*\]|[#№\s0-9]+")  # nothing but a number, as subjects have it
_DIGITS = re.compile(r"[1-9][0-9]{0,17}")
_PLACE = re.compile(r"([0-9]{1,17})-([1-9][0-9]{0,17})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TicketPages:
    """The endpoint of `/`, and the list for the pages that show it beside a thread."""

    def __init__(self, portal: Portal) -> None:
        self._portal, self._desk = portal, portal.desk

    async def list(self, request: Request, visitor: Visitor) -> Response:
        """The list alone."""
        context = await self.pane(request, visitor)
        return await self._portal.page(visitor, "tickets", context, here="tickets")

    async def search(self, request: Request, visitor: Visitor) -> Response:
        """A number leads to its ticket, beside a word only to one of his own; words find tickets that have them all."""
        asked = request.query_params.get("q", "").replace("\0", "")[:_LONGEST].strip()
        named = _NUMBER.fullmatch(asked)
        is_his = await self._desk.store.read(may_read, int(named[1]) if named else 0, visitor.address)
        if named and (is_his or _BARE.fullmatch(asked)):
            return RedirectResponse(f"/t/{named[1]}", 303)
        typed = beginnings(asked)
        if not typed:
            return RedirectResponse("/", 303)
        before = _before(request.query_params.get("before", ""))
        found = await self._desk.store.read(find, visitor.address, typed, before=before, limit=_PAGE + 1)
        tickets, query = found[:_PAGE], f"/search?q={quote(asked, safe='')}"
        context = {
            **await self.pane(request, visitor, is_beside=True),
            "tabs": [{"name": one.value, "url": url_of("/", one), "is_current": False} for one in Scope],
            "tickets": [self._listed(one, Scope.MINE, visitor.language) for one in tickets],
            "newer": query if request.query_params.get("before") else "",
            "older": f"{query}&before={tickets[-1].number}" if len(found) > _PAGE else "",
            "query": asked,
        }
        return await self._portal.page(visitor, "tickets", context, here="tickets")

    async def pane(
        self, request: Request, visitor: Visitor, shown: int = 0, *, is_beside: bool = False
    ) -> dict[str, object]:
        """What the template of the left pane needs; `shown` is the number of the ticket at the right.

        `is_beside` a thread, whose pages the address is about: then it is the first page of the list.
        """
        scope = scope_of(request)
        before = None if is_beside else _place(request.query_params.get("before", ""))
        found = await self._desk.store.read(tickets_of, visitor.address, scope, before=before, limit=_PAGE + 1)
        tickets = found[:_PAGE]
        return {
            "tabs": [{"name": one.value, "url": url_of("/", one), "is_current": one is scope} for one in Scope],
            "tickets": [self._listed(one, scope, visitor.language) for one in tickets],
            "newer": url_of("/", scope) if before else "",
            "older": url_of("/", scope, tickets[-1].place) if len(found) > _PAGE else "",
            "shown": shown,
            "query": "",
        }

    def _listed(self, ticket: OwnTicket, scope: Scope, language: str) -> dict[str, object]:
        return {
            "number": ticket.number,
            "url": url_of(f"/t/{ticket.number}", scope),
            "subject": ticket.subject,
            "status": ticket.status,
            "status_word": self._desk.renderer.status_word(ticket.status, language),
            "category": self._desk.policy.category(ticket.category).title.into(language),
            "created_at": ticket.created_at,
            "is_incoming": ticket.is_incoming,
            "is_unread": ticket.is_unread,
        }


def _before(text: str) -> int:
    """The number that a page of found tickets begins below."""
    return int(text) if _DIGITS.fullmatch(text) else 2**63 - 1


def scope_of(request: Request) -> Scope:
    """The tab that an address names; the first one without."""
    asked = request.query_params.get("tab", "")
    return Scope(asked) if asked in tuple(Scope) else Scope.MINE


def _place(text: str) -> Place | None:
    found = _PLACE.fullmatch(text)
    return (_EPOCH + timedelta(microseconds=int(found[1])), int(found[2])) if found else None


def url_of(path: str, scope: Scope, before: Place | None = None) -> str:
    """The first tab is what the bare address shows."""
    query = [] if scope is Scope.MINE else [f"tab={scope}"]
    if before:
        query.append(f"before={(before[0] - _EPOCH) // timedelta(microseconds=1)}-{before[1]}")
    return f"{path}?{'&'.join(query)}" if query else path
