"""The right pane: a thread, newest words first, and what its customer can do: write, confirm, go on."""

from collections.abc import Mapping
from datetime import date, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from maild.core.effects import Event, Role
from maild.core.facts import TicketFacts
from maild.core.policy import Topic
from maild.core.tokens import Action, FieldsClaim, fields_token
from maild.desk.cards import shown_fields
from maild.desk.conversation import PIECE, Conversation, look_at_message, look_at_ticket
from maild.desk.portal import settle
from maild.mime.dates import day
from maild.mime.plain import paragraphs
from maild.store.reading import Happened, Said
from maild.web.forms import form_in
from maild.web.portal import Portal, Visitor, number_in
from maild.web.reply import Replies, Typed, forget_draft
from maild.web.tickets import TicketPages, scope_of, url_of
from maild.web.uploads import MAX_FILES, Uploads

_WORDS = 12_000  # octets of one message on the page of its thread
_EARLIER = 4_000  # octets of what stood below it
_PAGE = 30_000  # octets of all words of a page


class ThreadPages:
    """The endpoints below `/t/{number}`."""

    def __init__(self, portal: Portal, lists: TicketPages, uploads: Uploads) -> None:
        self._portal, self._desk, self._lists = portal, portal.desk, lists
        self._replies = Replies(portal, uploads)

    async def answer(self, request: Request) -> Response:
        """The page of a thread. What somebody typed whose session has ended is kept until he is back."""
        if request.method == "POST" and await self._portal.visitor(request) is None:
            return await self._replies.keep_for_later(request, number_in(request))
        return await self._portal.signed_in(self.thread)(request)

    async def thread(self, request: Request, visitor: Visitor) -> Response:
        """GET shows a page of the thread, POST adds to it."""
        if request.method == "POST":
            return await self._send(request, visitor)
        return await self._page(request, visitor)

    async def confirm(self, request: Request, visitor: Visitor) -> Response:
        """«Спасибо, проблема решена»."""
        return await self._settle(request, visitor, Action.SOLVED)

    async def go_on(self, request: Request, visitor: Visitor) -> Response:
        """«Проблема не решена, продолжить общение»: the page that follows asks what is wrong."""
        return await self._settle(request, visitor, Action.CONTINUE)

    async def whole(self, request: Request, visitor: Visitor) -> Response:
        """A message that is too long for the page of its thread, a piece at a time."""
        start = request.query_params.get("from", "0")
        from_ = int(start) if start.isascii() and start.isdigit() and len(start) < 10 else 0
        number, message = number_in(request), number_in(request, "message")
        view = await look_at_message(self._desk, number, visitor.address, message, from_)
        url = f"/t/{view.ticket.number}/m/{view.said.id}"
        context = {
            "ticket": {"number": view.ticket.number, "subject": view.ticket.subject},
            "said": self._said(view.said, view.ticket.number, visitor),
            "text": view.piece,
            "previous_url": f"{url}?from={max(from_ - PIECE, 0)}" if from_ else "",
            "next_url": f"{url}?from={view.next_start}" if view.next_start else "",
        }
        return await self._portal.page(visitor, "message", context)

    async def _page(self, request: Request, visitor: Visitor, typed: Typed | None = None) -> Response:
        """`typed` stands in the form when it could not be taken."""
        before = request.query_params.get("before", "")
        is_before = before.isascii() and before.isdigit() and len(before) < 18
        view = await look_at_ticket(
            self._desk,
            number_in(request),
            visitor.address,
            int(before) if is_before else None,
            reads=request.method == "GET",
        )
        if view.ticket.number != number_in(request) and not (typed and (typed.words or typed.files)):
            return RedirectResponse(f"/t/{view.ticket.number}", 303)  # it was merged; what was typed is not lost
        typed = typed or await self._replies.begun(request, visitor, view.ticket.number)
        note = request.query_params.get("note", "")
        note = "" if note == "asked" and (view.may_continue or view.is_past) else note  # solved again since then
        context = {
            **await self._lists.pane(request, visitor, view.ticket.number, is_beside=True),
            **self._context(view, visitor),
            "latest_url": url_of(f"/t/{view.ticket.number}", scope_of(request)),
            "list_url": url_of("/", scope_of(request)),
            "words": typed.words,
            "trouble": typed.trouble,
            "draft": typed.draft,
            "files": typed.files,
            "limit": self._replies.limit,
            "most_files": MAX_FILES,
            "asks_new": "new" in request.query_params or bool(typed.words or typed.files or typed.trouble),
            "note": note,
            "writes_first": note == "asked" or "new" in request.query_params or typed.trouble,
        }
        return await self._portal.page(visitor, "thread", context, typed.status, here="tickets")

    async def _send(self, request: Request, visitor: Visitor) -> Response:
        taken = await self._replies.take(request, visitor, number_in(request))
        if isinstance(taken, Typed):
            return await self._page(request, visitor, taken)
        answer = RedirectResponse(taken, 303)
        forget_draft(request, answer, self._portal)
        return answer

    async def _settle(self, request: Request, visitor: Visitor, action: Action) -> Response:
        form, number = await form_in(request), number_in(request)
        self._portal.check(request, visitor, form.get("nonce", ""))
        is_so = await settle(self._desk, number, visitor.address, action)
        note = "thanks" if action is Action.SOLVED else "asked"
        return RedirectResponse(f"/t/{number}?note={note}" if is_so else f"/t/{number}", 303)

    def _context(self, view: Conversation, visitor: Visitor) -> dict[str, object]:
        policy, ticket, renderer = self._desk.policy, view.ticket, self._desk.renderer
        category = policy.category(ticket.category)
        topic = category.topic(ticket.topic)
        said = _fitting(view.said)
        form = fields_token(self._desk.keys, FieldsClaim(ticket.number, visitor.address))
        return {
            "ticket": {
                "number": ticket.number,
                "subject": ticket.subject,
                "status": ticket.status,
                "status_word": renderer.status_word(ticket.status, visitor.language),
                "category": category.title.into(visitor.language),
                "topic": topic.title.into(visitor.language) if topic else "",
                "fields": shown_fields(topic, _readable(topic, ticket.fields, visitor.language), visitor.language),
                "created_at": view.head.created_at,
                "is_incoming": view.head.is_incoming,
                "is_confirmed": ticket.confirmed_at is not None,
                "follow_up_of": view.head.follow_up_of,
                "follow_ups": view.follow_ups,
                "people": [person.shown or person.address for person in ticket.participants],
            },
            **self._parted(self._entries(view, said, visitor)),
            "before": said[-1].id if len(said) < len(view.said) or not view.is_all else 0,
            "is_newest": view.is_newest,
            "is_past": view.is_past,
            "may_confirm": view.may_confirm,
            "may_continue": view.may_continue,
            "reopen_until": ticket.reopen_until if ticket.status == "solved" else None,
            "labels": {one.value: renderer.label(one.value, visitor.language) for one in Action},
            "form_url": f"/fields/{form}" if ticket.status == "incomplete" else "",
        }

    def _parted(self, entries: list[dict[str, object]]) -> dict[str, object]:
        """The newest message, with what happened since: whoever comes wants to read that, then answer it."""
        first = next((index for index, entry in enumerate(entries) if entry["kind"] == "said"), len(entries) - 1) + 1
        return {"newest": entries[:first], "earlier": entries[first:]}

    def _entries(self, view: Conversation, said: list[Said], visitor: Visitor) -> list[dict[str, object]]:
        """Messages and history in one row, newest first; of what happened at one moment, the message came first."""
        number, is_cut = view.ticket.number, len(said) < len(view.said)
        lines: list[tuple[tuple[datetime, int, int], dict[str, object]]] = []
        lines += [((one.at, 0, one.id), self._said(one, number, visitor)) for one in said]
        happened = [
            one
            for one in view.happened
            if (not is_cut or one.at >= said[-1].at)
            and (one.event, one.number) != (Event.FOLLOW_UP, view.head.follow_up_of)  # the head says so
        ]
        for index, told in enumerate(reversed(happened)):
            lines.append(((told.at, _rank(told), index), self._happened(told, view.ticket, visitor)))
        return [entry for _, entry in sorted(lines, key=lambda line: line[0], reverse=True)]

    def _said(self, said: Said, number: int, visitor: Visitor) -> dict[str, object]:
        words, earlier = _cut(said.reply, _WORDS), _cut(said.text, _EARLIER) if _has_more(said) else ""
        is_whole = len(words) == said.reply_length and len(earlier) in (0, said.text_length)
        return {
            "kind": "said",
            "id": said.id,
            "at": said.at,
            "is_support": said.role is Role.AGENT,
            "is_own": said.author.address == visitor.address,
            "author": said.author.shown or ("" if said.role is Role.AGENT else said.author.address),
            "words": words,
            "earlier": earlier,
            "whole_url": "" if is_whole else f"/t/{number}/m/{said.id}",
            "files": [
                {"name": file.name, "size": file.size, "url": f"/t/{number}/files/{said.id}/{file.part}"}
                for file in said.attachments
            ],
            "delivery": said.delivery.value if said.delivery else "",
        }

    def _happened(self, one: Happened, ticket: TicketFacts, visitor: Visitor) -> dict[str, object]:
        """Support's people are not named: whoever takes no part in the ticket is support, or says nothing."""
        who = ""
        if one.who == visitor.address:
            who = "you"
        elif one.who == "maild":
            who = "desk"
        elif ticket.may_join(one.who):
            who = "other"
        elif one.who.startswith("cli:") or self._desk.policy.is_support(one.who):
            who = "support"
        return {"kind": "happened", "at": one.at, "event": one.event, "who": who, "name": one.who, "number": one.number}


def _readable(topic: Topic | None, values: Mapping[str, str], language: str) -> dict[str, str]:
    """The values of a card with dates as people write them."""
    dates = {entry.key for entry in topic.fields if entry.type == "date"} if topic else set()
    return {key: _date(value, language) if key in dates else value for key, value in values.items()}


def _date(value: str, language: str) -> str:
    try:
        return day(date.fromisoformat(value), language)
    except ValueError:
        return value  # the field was of another type before


def _rank(one: Happened) -> int:
    """Of what happened at the same moment: first the ticket was opened, then something was said, then it changed."""
    return -1 if one.event == Event.OPENED else 1


def _fitting(said: tuple[Said, ...]) -> list[Said]:
    """As many messages as fit a page, the newest at least."""
    fitting: list[Said] = []
    room = _PAGE
    for one in said:
        room -= min(_octets(one.reply), _WORDS) + (min(_octets(one.text), _EARLIER) if _has_more(one) else 0)
        if fitting and room < 0:
            break
        fitting.append(one)
    return fitting


def _has_more(said: Said) -> bool:
    """Was there anything besides the new words? Line ends at the end are nothing."""
    return said.text.rstrip() != said.reply.rstrip() or said.text_length > said.reply_length + 2


def _octets(text: str) -> int:
    return len(paragraphs(text).encode())


def _cut(text: str, octets: int) -> str:
    """The beginning of a text that takes no more than that on a page."""
    while _octets(text) > octets:
        text = text[: len(text) * 2 // 3]
    return text
