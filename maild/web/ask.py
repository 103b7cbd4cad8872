"""«Задать вопрос»: category, topic, the fields of that topic, text, files (SPEC section 2, sentences 1.1 to 1.4).

One form for everybody. Without script it is filled in step by step, and each step carries along what was typed; who is
not signed in gives his address, and the question waits for him to come back by the mailed link.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from maild.core.address import is_mailbox, normalise
from maild.core.errors import NotAllowed, Transient
from maild.core.forms import Card, fill_form
from maild.core.mail import Form
from maild.core.policy import Category, Topic
from maild.core.tokens import is_page_nonce, new_nonce, page_nonce
from maild.core.typed import MAX_WORDS
from maild.desk.act import NONCE_AGE
from maild.desk.drafts import Refusal, Writer, attachments_of, discard, draft_for, files_of, keep
from maild.desk.login import LOGIN_AGE, ask_to_enter
from maild.desk.portal import Posted, ask, posted_before
from maild.store.drafts import Draft, DraftFile
from maild.web.fields import PREFIX, input_of
from maild.web.forms import is_blank
from maild.web.portal import Portal, Visitor, is_cross_site
from maild.web.uploads import MAX_FILES, Sent, Uploads

_FORM = "ask form"  # what the nonce of somebody who is not signed in is bound to
_OTHER = "-"  # none of the topics
_DRAFT = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{8})?")
_STATUS = {"stale": 403, "support": 403, "often": 429, "size": 413, "long": 413, "disk": 503, "busy": 503, "room": 503}


@dataclass(frozen=True, slots=True)
class Question:
    """What is typed so far. `topic` is None until one was chosen; `values` are of all cards seen, by key."""

    category: Category | None = None
    topic: Topic | None = None
    is_topic_chosen: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    email: str = ""
    draft: str = ""
    language: str = ""

    @property
    def has_card(self) -> bool:
        """Is everything chosen that the card depends on?"""
        return self.category is not None and self.is_topic_chosen

    @property
    def topic_key(self) -> str:
        """As the select has it."""
        return self.topic.key if self.topic else _OTHER if self.is_topic_chosen else ""


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong: `lead` with the form as a whole, the others beside their fields; "" is nothing."""

    lead: str = ""
    category: str = ""
    topic: str = ""
    words: str = ""
    email: str = ""
    card: Card = field(default_factory=Card)

    def __bool__(self) -> bool:
        return bool(self.lead or self.category or self.topic or self.words or self.email or self.card.problems)


class AskPages:
    """The endpoint of `/ask`."""

    def __init__(self, portal: Portal, uploads: Uploads) -> None:
        self._portal, self._desk, self._uploads = portal, portal.desk, uploads

    async def answer(self, request: Request) -> Response:
        """GET shows the form, POST takes a step or sends the question."""
        visitor = await self._portal.visitor(request)
        if visitor is None and not self._desk.policy.public_url:
            raise HTTPException(404)  # no letter could carry a link
        if request.method == "POST":
            async with self._uploads.read(request) as sent:
                return await self._post(request, visitor, sent)
        draft = await draft_for(self._desk, visitor.address) if visitor else None
        if draft is None:
            return await self._page(request, visitor, self._chosen(request.query_params))
        typed = {"category": draft.category, "topic": draft.topic}
        question = replace(self._chosen(typed), values=draft.fields, words=draft.words, draft=draft.id)
        return await self._page(request, visitor, question, is_kept=True)

    async def _post(self, request: Request, visitor: Visitor | None, sent: Sent) -> Response:
        question = self._typed(sent)
        if visitor and sent.has("discard") and self._is_ours(request, visitor, sent):
            await discard(self._desk, question.draft, visitor.address)
            return RedirectResponse("/ask", 303)
        taken_off = [int(one) for one in sent.all("drop") if one.isascii() and one.isdigit() and len(one) < 10]
        is_step = sent.has("step") or sent.has("tongue")
        if is_step or not self._is_ours(request, visitor, sent):
            fault = Faults("" if is_step else "stale")
            return await self._again(request, visitor, question, sent, fault, taken_off)
        faults, mark = await self._faults(visitor, question, sent, taken_off), await asyncio.to_thread(sent.mark)
        if visitor and faults and question.category:
            before = await posted_before(self._desk, question.category.address, mark)
            if before:
                return _way_to(before)
        if faults or visitor is None:
            return await self._again(request, visitor, question, sent, faults, taken_off, is_ready=not faults)
        try:
            return await self._send(request, visitor, question, sent, mark, taken_off)
        except NotAllowed:
            fault = Faults("support")
        except Transient:
            fault = Faults("busy")
        return await self._again(request, visitor, question, sent, fault, taken_off)

    async def _send(
        self, request: Request, visitor: Visitor, question: Question, sent: Sent, mark: str, taken_off: list[int]
    ) -> Response:
        category, topic = question.category, question.topic
        card = fill_form(topic, {}, question.values) if topic else Card()
        async with self._uploads.turn:
            posted = await ask(
                self._desk,
                visitor.address,
                client=_client(request),
                nonce=sent.get("nonce"),
                mark=mark,
                category=category.key if category else "",
                form=Form(topic.key if topic else "", card.values),
                words=question.words,
                files=(*await attachments_of(self._desk, question.draft, taken_off, visitor.address), *sent.files),
            )
        with suppress(Transient):  # the mail is there: only its draft stays until it is old
            await discard(self._desk, question.draft, visitor.address)
        return _way_to(posted)

    async def taken(self, request: Request, visitor: Visitor) -> Response:
        """The question is on disk, its ticket is not opened yet."""
        return await self._portal.page(visitor, "taken", {}, here="ask")

    async def _faults(self, visitor: Visitor | None, question: Question, sent: Sent, taken_off: list[int]) -> Faults:
        person = visitor.address if visitor else ""
        kept = [one for one in await files_of(self._desk, question.draft, person) if one.position not in taken_off]
        count = len(kept) + len(sent.files)
        size = sum(one.size for one in kept) + sum(len(one.content) for one in sent.files)
        too_much = "files" if count > MAX_FILES else "size" if size > self._uploads.limits.max_size else ""
        is_long = len(question.words.encode()) > MAX_WORDS
        has_words = bool(not is_blank(question.words) or count or sent.fault)
        is_address = visitor is not None or (len(question.email) <= 254 and is_mailbox(question.email))
        return Faults(
            lead=sent.fault or too_much,
            category="" if question.category else "missing",
            topic="" if question.is_topic_chosen or not question.category else "missing",
            words="too_long" if is_long else "" if has_words else "missing",
            email="" if is_address else "not_an_address" if question.email else "missing",
            card=fill_form(question.topic, {}, question.values) if question.topic else Card(),
        )

    async def _again(
        self,
        request: Request,
        visitor: Visitor | None,
        question: Question,
        sent: Sent,
        faults: Faults,
        taken_off: list[int],
        *,
        is_ready: bool = False,
    ) -> Response:
        """The form once more with all that was typed; files, and what waits for a login, are kept in the database."""
        is_step = sent.has("step") or sent.has("tongue")
        if sent.files or question.draft or is_ready or (visitor is None and not is_step):
            draft = Draft(
                id=question.draft,
                person=visitor.address if visitor else normalise(question.email) if is_ready else "",
                category=question.category.key if question.category else "",
                topic=question.topic_key,
                words=question.words,
                fields=dict(question.values),
            )
            writer = Writer(visitor.address if visitor else "", _client(request))
            mark = await asyncio.to_thread(sent.mark)
            try:
                kept = await keep(self._desk, draft, sent.files, taken_off, writer, mark)
            except Transient:
                return await self._page(request, visitor, question, replace(faults, lead="busy"))
            if isinstance(kept, Refusal):
                return await self._page(request, visitor, question, replace(faults, lead=kept.value))
            question = replace(question, draft=kept.id)
        if is_ready:
            return await self._mail_link(request, question)
        return await self._page(request, visitor, question, faults)

    async def _mail_link(self, request: Request, question: Question) -> Response:
        """He shall prove that the address is his; nobody hears of the question before."""
        language, address = self._language(request, question), normalise(question.email)
        asks = question.category.key if question.category else ""
        if not await ask_to_enter(self._desk, address, _client(request), language, asks=asks):
            return await self._page(request, None, question, Faults("often"))
        context = {"address": question.email, "minutes": LOGIN_AGE.seconds // 60, "is_question": True}
        return self._portal.render("sent", language, {**self._frame(language), **context})

    def _typed(self, sent: Sent) -> Question:
        """What a form says; what the configuration does not know (any more) was not chosen."""
        chosen = self._chosen({"category": sent.get("category"), "topic": sent.get("topic")})
        values = {name.removeprefix(PREFIX): value for name, value in sent.fields if name.startswith(PREFIX)}
        draft = sent.get("draft")
        return replace(
            chosen,
            values=values,
            words=sent.get("words").strip("\n"),
            language=sent.get("tongue") or sent.get("lang"),
            email=sent.get("email").strip(),
            draft=draft if _DRAFT.fullmatch(draft) else "",
        )

    def _chosen(self, typed: Mapping[str, str]) -> Question:
        categories = self._desk.policy.categories
        category = next((one for one in categories if one.key == typed.get("category")), None)
        if category is None and len(categories) == 1:
            category = categories[0]
        if category is None:
            return Question()
        topic = category.topic(typed.get("topic", ""))
        is_chosen = topic is not None or not category.topics or typed.get("topic") == _OTHER
        return Question(category, topic, is_chosen)

    def _is_ours(self, request: Request, visitor: Visitor | None, sent: Sent) -> bool:
        """Is this form from a page of this session, or from one for those who are not signed in?"""
        nonce, desk = sent.get("nonce"), self._desk
        if visitor is None:
            is_ours = is_page_nonce(desk.keys, _FORM, nonce, desk.now(), NONCE_AGE)
            return is_ours and not is_cross_site(request)
        try:
            self._portal.check(request, visitor, nonce)
        except NotAllowed:
            return False
        return True

    async def _page(
        self,
        request: Request,
        visitor: Visitor | None,
        question: Question,
        faults: Faults | None = None,
        *,
        is_kept: bool = False,
    ) -> Response:
        faults = faults or Faults()
        language = visitor.language if visitor else self._language(request, question)
        files = await files_of(self._desk, question.draft, visitor.address if visitor else "")
        context = {**self._context(question, faults, language, files), "is_kept": is_kept}
        status = _STATUS.get(faults.lead, 422) if faults else 200
        if visitor:
            return await self._portal.page(visitor, "ask", context, status, here="ask")
        return self._portal.render("ask", language, {**self._frame(language), **context}, status)

    def _language(self, request: Request, question: Question) -> str:
        """Of somebody who is not signed in: that of the page he had before him."""
        is_known = question.language in self._desk.renderer.languages
        return question.language if is_known else self._portal.language(request)

    def _frame(self, language: str) -> dict[str, object]:
        """For somebody who is not signed in."""
        desk = self._desk
        return {
            "desk": {"name": desk.policy.name},
            "languages": self._portal.others(language),
            "visitor": "",
            "here": "ask",
            "nonce": page_nonce(desk.keys, _FORM, new_nonce(secrets.token_bytes(10)), desk.now()),
        }

    def _context(self, question: Question, faults: Faults, language: str, files: list[DraftFile]) -> dict[str, object]:
        shown = {one.key for one in question.topic.fields} if question.topic else set()
        return {
            "categories": [self._category(one, question, faults, language) for one in self._desk.policy.categories],
            "question": {
                "category": question.category.key if question.category else "",
                "topic": question.topic_key,
                "has_topics": bool(question.category and question.category.topics),
                "has_card": question.has_card,
                "words": question.words,
                "email": question.email,
                "draft": question.draft,
                "others": {PREFIX + key: value for key, value in question.values.items() if key not in shown},
            },
            "faults": faults,
            "is_wrong": bool(faults),
            "files": files,
            "limit": self._uploads.limits.max_size,
            "most_files": MAX_FILES,
        }

    def _category(self, category: Category, question: Question, faults: Faults, language: str) -> dict[str, object]:
        return {
            "key": category.key,
            "title": category.title.into(language),
            "is_chosen": category == question.category,
            "topics": [self._topic(one, question, faults, language) for one in category.topics],
        }

    def _topic(self, topic: Topic, question: Question, faults: Faults, language: str) -> dict[str, object]:
        is_chosen = topic == question.topic
        problems = {one.field.key: one for one in faults.card.problems} if is_chosen else {}
        return {
            "key": topic.key,
            "title": topic.title.into(language),
            "is_chosen": is_chosen,
            "inputs": [
                input_of(one, question.values.get(one.key, ""), problems.get(one.key), language) for one in topic.fields
            ],
        }


def _way_to(posted: Posted) -> Response:
    return RedirectResponse(f"/t/{posted.ticket}?note=created" if posted.ticket else "/ask/taken", 303)


def _client(request: Request) -> str:
    return request.client.host if request.client else ""
