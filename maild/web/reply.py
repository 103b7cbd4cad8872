"""«Новое сообщение»: words and files for a thread, and what becomes of them if they cannot be taken now."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from maild.core.errors import NotAllowed, Transient
from maild.core.tokens import Action
from maild.core.typed import MAX_WORDS
from maild.desk.drafts import Refusal, Writer, attachments_of, discard, draft_for, draft_of, files_of, keep
from maild.desk.portal import Posted, answered_before, reply, settle
from maild.store.drafts import DRAFT_AGE, Draft, DraftFile
from maild.web.forms import is_blank
from maild.web.portal import Portal, Visitor, is_cross_site
from maild.web.uploads import MAX_FILES, Sent, Uploads

COOKIE = "maild_draft"  # what was typed when a session had ended, until its writer is back

_DRAFT = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{8})?")
_STATUS = {"stale": 403, "long": 413, "size": 413, "often": 429, "disk": 503, "busy": 503, "room": 503}


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form. `trouble` says why it could not be taken, "" before anything was sent."""

    words: str = ""
    draft: str = ""
    files: Sequence[DraftFile] = ()
    trouble: str = ""

    @property
    def status(self) -> int:
        """Of the page that shows it."""
        return _STATUS.get(self.trouble, 422) if self.trouble else 200


class Replies:
    """The form below a thread."""

    def __init__(self, portal: Portal, uploads: Uploads) -> None:
        self._portal, self._desk, self._uploads = portal, portal.desk, uploads

    @property
    def limit(self) -> int:
        """Octets of files that fit into one message."""
        return self._uploads.limits.max_size

    async def begun(self, request: Request, visitor: Visitor, number: int) -> Typed:
        """What was typed in that ticket before and not sent."""
        id_ = request.cookies.get(COOKIE, "")
        draft = await draft_of(self._desk, id_) if _DRAFT.fullmatch(id_) else None
        if draft is None or draft.ticket != number or draft.person not in ("", visitor.address):
            draft = await draft_for(self._desk, visitor.address, number)
        if draft is None:
            return Typed()
        return Typed(draft.words, draft.id, await files_of(self._desk, draft.id, visitor.address))

    async def take(self, request: Request, visitor: Visitor, number: int) -> str | Typed:
        """Take what was sent: where to go next, or what the form shows again. Raises BadLink for a foreign ticket."""
        async with self._uploads.read(request) as sent:
            return await self._take(request, visitor, number, sent)

    async def _take(self, request: Request, visitor: Visitor, number: int, sent: Sent) -> str | Typed:
        words, id_ = sent.get("words").strip("\n"), sent.get("draft")
        draft = Draft(id_ if _DRAFT.fullmatch(id_) else "", visitor.address, "", "", words, ticket=number)
        dropped = [int(one) for one in sent.all("drop") if one.isascii() and one.isdigit() and len(one) < 10]
        trouble = await self._trouble(request, visitor, draft, sent, dropped)
        mark = await asyncio.to_thread(sent.mark)
        if trouble and trouble != "stale" and (before := await answered_before(self._desk, number, draft.person, mark)):
            return _way_to(before, number)
        if not trouble:
            try:
                return await self._send(request, visitor, draft, sent, mark, dropped)
            except Transient:
                trouble = "busy"
        return await self._again(request, draft, sent, mark, dropped, trouble)

    async def keep_for_later(self, request: Request, number: int) -> Response:
        """His session has ended: what he typed waits in the database until he has signed in."""
        async with self._uploads.read(request) as sent:
            return await self._keep_for_later(request, number, sent)

    async def _keep_for_later(self, request: Request, number: int, sent: Sent) -> Response:
        answer = RedirectResponse(f"/login?t={number}", 303)
        words = sent.get("words").strip("\n")
        if is_cross_site(request) or not (words or sent.files):
            return answer
        draft, writer = Draft("", "", "", "", words, ticket=number), Writer("", _client(request))
        try:
            kept = await keep(self._desk, draft, sent.files, (), writer, await asyncio.to_thread(sent.mark))
        except Transient:
            return self._not_kept(request, number, words, "busy")
        if isinstance(kept, Refusal):
            return self._not_kept(request, number, words, kept.value)
        self._portal.set_cookie(request, answer, COOKIE, kept.id, DRAFT_AGE)
        return answer

    def _not_kept(self, request: Request, number: int, words: str, trouble: str) -> Response:
        """He shall save his text himself before he signs in."""
        language = self._portal.language(request)
        context = {
            "desk": {"name": self._desk.policy.name},
            "languages": (),
            "visitor": "",
            "here": "",
            "number": number,
            "words": words,
        }
        return self._portal.render("not_kept", language, context, _STATUS[trouble])

    async def _trouble(
        self, request: Request, visitor: Visitor, draft: Draft, sent: Sent, dropped: Sequence[int]
    ) -> str:
        try:
            self._portal.check(request, visitor, sent.get("nonce"))
        except NotAllowed:
            return "stale"
        if len(draft.words.encode()) > MAX_WORDS:
            return "long"
        kept = [one for one in await files_of(self._desk, draft.id, visitor.address) if one.position not in dropped]
        count = len(kept) + len(sent.files)
        size = sum(one.size for one in kept) + sum(len(one.content) for one in sent.files)
        if sent.fault or count > MAX_FILES or size > self.limit:
            return sent.fault or ("files" if count > MAX_FILES else "size")
        return "" if not is_blank(draft.words) or count or sent.has("solved") else "empty"

    async def _send(
        self, request: Request, visitor: Visitor, draft: Draft, sent: Sent, mark: str, dropped: Sequence[int]
    ) -> str:
        number = draft.ticket
        files = (*await attachments_of(self._desk, draft.id, dropped, visitor.address), *sent.files)
        if is_blank(draft.words) and not files:
            is_so = await settle(self._desk, number, visitor.address, Action.SOLVED)
            with suppress(Transient):  # as below
                await discard(self._desk, draft.id, visitor.address)
            return f"/t/{number}?note=thanks" if is_so else f"/t/{number}"
        async with self._uploads.turn:
            posted = await reply(
                self._desk,
                number,
                visitor.address,
                client=_client(request),
                nonce=sent.get("nonce"),
                mark=mark,
                words=draft.words,
                files=files,
                solves=sent.has("solved"),
            )
        with suppress(Transient):  # the mail is there: only its draft stays until it is old
            await discard(self._desk, draft.id, visitor.address)
        return _way_to(posted, number)

    async def _again(
        self, request: Request, draft: Draft, sent: Sent, mark: str, dropped: Sequence[int], trouble: str
    ) -> Typed:
        """Files cannot be put into a form by its page: they wait in the database."""
        typed = Typed(draft.words, draft.id, (), trouble)
        if not (sent.files or draft.id):
            return typed
        try:
            kept = await keep(self._desk, draft, sent.files, dropped, Writer(draft.person, _client(request)), mark)
        except Transient:
            return replace(typed, trouble="busy")
        if isinstance(kept, Refusal):
            return replace(typed, trouble=kept.value)
        return replace(typed, draft=kept.id, files=await files_of(self._desk, kept.id, draft.person))


def _way_to(posted: Posted, number: int) -> str:
    note = "late" if posted.ticket is None else "followed" if posted.is_followed else "taken"
    return f"/t/{posted.ticket or number}?note={note}"


def forget_draft(request: Request, response: Response, portal: Portal) -> None:
    """It is sent, or shown with the ticket from now on."""
    portal.set_cookie(request, response, COOKIE, "", timedelta())


def _client(request: Request) -> str:
    return request.client.host if request.client else ""
