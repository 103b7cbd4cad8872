"""A row of the outbox becomes the bytes that go over the wire: made once, before the first attempt."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from maild.core.address import domain_of
from maild.core.effects import Role
from maild.core.letter import FOR_TEAM, WITH_ACTIONS, Letter
from maild.core.mail import Attachment, Mailbox
from maild.core.policy import Category, Topic
from maild.core.robots import LOOP_FIELD, TICKET_FIELD
from maild.core.scrub import without_tokens
from maild.core.tokens import (
    Action,
    Claim,
    FieldsClaim,
    FileClaim,
    action_code,
    action_token,
    bounce_address,
    fields_token,
    file_token,
    reply_address,
)
from maild.desk.cards import shown_fields, shown_problems
from maild.desk.catalogue import catalogue
from maild.desk.deliveries import undelivered
from maild.desk.desk import Desk
from maild.desk.enclosures import LINK_AGE, left_out, tell_left_out
from maild.desk.held_links import held_context
from maild.desk.languages import language_links
from maild.desk.notices import freeze_notice
from maild.mime.attach import cut
from maild.mime.compose import Outgoing, OutgoingAttachment, compose
from maild.mime.plain import beginning
from maild.mime.status import status_in
from maild.store import outbox
from maild.store.db import Tx
from maild.store.threads import Entry, Material, material_for

# Answers of a machine to somebody's mail; everything else automatic is "auto-generated" (RFC 3834 §5.2).
_REPLIES = frozenset(
    {
        Letter.ACKNOWLEDGEMENT,
        Letter.MINIMAL,
        Letter.MISSING_FIELDS,
        Letter.FOLLOW_UP,
        Letter.WHAT_IS_WRONG,
        Letter.COMMAND_HELP,
        Letter.COLLISION,
        Letter.ECHO,
    }
)
# Letters of the desk itself to support: nobody else's name stands in From.
_OWN = frozenset(
    {Letter.COMMAND_HELP, Letter.COLLISION, Letter.CLAIMED, Letter.ECHO, Letter.WOKEN, Letter.DELIVERY_FAILED}
)


# Characters of an earlier message that later letters repeat: its own letter has had it whole.
_REPEATED = 4_000


@dataclass(frozen=True, slots=True)
class _Draft:
    """What the parts of a letter are made from."""

    desk: Desk
    row: outbox.Letter
    letter: Letter
    material: Material
    category: Category
    left: frozenset[int] = frozenset()  # parts of the message that do not go along

    @property
    def is_for_team(self) -> bool:
        return self.letter in FOR_TEAM

    @property
    def is_copy(self) -> bool:
        """For Sent: what support reads holds no token of the customer's."""
        return bool(self.row.context.get("is_copy"))

    @property
    def topic(self) -> Topic | None:
        return self.category.topic(self.material.topic)

    @property
    def reply_to(self) -> str:
        """The address an answer goes to: a token of this person's, unless the provider knows no plus-addresses."""
        if not self.desk.policy.subaddress or self.row.context.get("has_token_address") is False:
            return self.category.address
        keys, to = self.desk.keys, self.row.to_address
        return reply_address(keys, self.category.address, self.material.number, to, self.row.purpose)


async def freeze(desk: Desk, row: outbox.Letter) -> outbox.Letter:
    """Write a letter, unless that has been done, and make its bytes durable; the row with them."""
    if row.frozen is not None:
        return row
    await desk.rush.pass_by()
    if row.ticket is None:
        return await freeze_notice(desk, row)
    letter = Letter(row.letter)
    material = await desk.store.read(material_for, row, with_notes=letter in FOR_TEAM)
    draft = _Draft(desk, row, letter, material, desk.policy.category(material.category))
    written = await asyncio.to_thread(_write, draft)
    mail_from = draft.category.address
    if desk.policy.verp and desk.policy.subaddress:
        mail_from = bounce_address(desk.keys, mail_from, row.id)
    await desk.store.run(_fix, written, mail_from)
    return replace(row, subject=written.subject, mail_from=mail_from, frozen=written.data)


async def sent_copy(desk: Desk, row: outbox.Letter, reader: str) -> bytes:
    """An answer to a customer as it lies in support's Sent folder: without what is only his, links and addresses.

    What was too large for the relay is behind links of that `reader` here as well.
    """
    context = {**row.context, "is_copy": True, "reader": reader, "has_token_address": False}
    row = replace(row, context=context)
    material = await desk.store.read(material_for, row, with_notes=False)
    draft = _Draft(desk, row, Letter(row.letter), material, desk.policy.category(material.category))
    return (await asyncio.to_thread(_write, draft)).data


@dataclass(frozen=True, slots=True)
class _Written:
    """A letter in its bytes, and what it was made from."""

    draft: _Draft
    subject: str
    data: bytes


def _fix(tx: Tx, written: _Written, mail_from: str) -> None:
    """Make the bytes durable; the first time, tell the team of files that its customer does not get."""
    draft = written.draft
    is_first = outbox.freeze(tx, draft.row.id, written.subject, mail_from, written.data)
    lost = [file for file in _files(draft) if file.part in draft.left]
    if is_first and lost and not draft.is_for_team and not draft.desk.policy.public_url:
        tell_left_out(tx, draft.desk, draft.row, draft.material, lost)


def _write(draft: _Draft) -> _Written:
    """The letter whole, or without the files that make it too large for the relay."""
    written, limit = _compose(draft), draft.desk.policy.max_letter
    if len(written.data) > limit and _files(draft):
        sizes = {file.part: file.size for file in _files(draft)}
        bare = _compose(replace(draft, left=frozenset(sizes)))
        written = _compose(replace(draft, left=left_out(sizes, limit - len(bare.data))))
    return written


def _compose(draft: _Draft) -> _Written:
    row, desk = draft.row, draft.desk
    rendered = desk.renderer.letter(draft.letter, row.language, context_of(draft))
    outgoing = Outgoing(
        from_name=_from_name(draft),
        from_address=draft.reply_to if draft.is_for_team else draft.category.address,
        to_name=row.to_name,
        to_address=row.to_address,
        reply_to="" if draft.is_for_team or draft.reply_to == draft.category.address else draft.reply_to,
        subject=rendered.subject,
        date=row.created_at,
        message_id=row.message_id,
        references=_references(draft),
        text=rendered.text,
        html=rendered.html,
        attachments=_attachments(draft),
        auto_submitted=_auto_submitted(draft),
        fields=((LOOP_FIELD, desk.instance), (TICKET_FIELD, str(draft.material.number))),
        smtputf8=not row.to_address.isascii(),
    )
    data = desk.sign(compose(outgoing), domain_of(outgoing.from_address))
    return _Written(draft, rendered.subject, data)


def _from_name(draft: _Draft) -> str:
    """Support sees who wrote, as in any mail program; the customer sees the desk."""
    desk_name = draft.desk.policy.from_name or draft.desk.policy.name
    if not draft.is_for_team or draft.letter in _OWN:
        return desk_name
    author = draft.material.message.author if draft.material.message else draft.material.customer
    return f"{author.shown or author.address} via {desk_name}" if author.address else desk_name


def _references(draft: _Draft) -> tuple[str, ...]:
    """Those of the ticket; a letter about an agent's own mail answers that one."""
    answered = str(draft.row.context.get("answers", ""))
    earlier = draft.material.references
    return (*(one for one in earlier if one != answered), answered) if answered else earlier


def _auto_submitted(draft: _Draft) -> str:
    """Nothing on a human answer that is only relayed; a solved letter without words is ours alone."""
    if draft.letter in _REPLIES:
        return "auto-replied"
    return "" if draft.letter in WITH_ACTIONS and draft.material.message else "auto-generated"


def _files(draft: _Draft) -> tuple[Attachment, ...]:
    """The files that the reader shall have. Nobody gets his own back: that would amplify them."""
    material = draft.material
    if material.message is None or material.raw is None or not (draft.is_for_team or draft.letter in WITH_ACTIONS):
        return ()
    return material.message.new_files


def _attachments(draft: _Draft) -> tuple[OutgoingAttachment, ...]:
    """Those that go along, cut out of the stored raw mail."""
    raw = draft.material.raw or b""
    return tuple(
        OutgoingAttachment(file.name, file.type, cut(raw, file.part), file.inline, file.content_id)
        for file in _files(draft)
        if file.part not in draft.left
    )


def context_of(draft: _Draft) -> dict[str, object]:
    """What the templates may use, as described in `mime.samples`."""
    desk, row, material = draft.desk, draft.row, draft.material
    kept: Mapping[str, Any] = row.context
    until = datetime.fromisoformat(kept["reopen_until"]) if "reopen_until" in kept else None
    return {
        "desk": {"name": desk.policy.name, "language": desk.policy.language},
        "ticket": _ticket(draft),
        "person": _person(material.customer if draft.is_for_team else Mailbox(row.to_name, row.to_address)),
        "author": _author(draft, material.message) if material.message else None,
        "words": without_tokens(material.message.reply, desk.policy) if material.message else "",
        "attachments": [_file(draft, file) for file in (material.message.new_files if material.message else ())],
        "thread": [_entry(draft, entry) for entry in material.earlier],
        "links": _links(draft),
        "mailtos": _mailtos(draft),
        "reopen_until": until,
        "is_too_late": until is not None and until <= desk.now(),
        "timezone": desk.policy.timezone,
        "other": [
            {"number": one.number, "subject": one.subject, "status_word": _status_word(draft, one.status)}
            for one in material.others
        ],
        "follow_up_of": kept.get("follow_up_of"),
        "verdict": kept.get("verdict", ""),
        "failure": _failure(draft, kept["failure"]) if "failure" in kept else None,
        "undelivered": undelivered(desk, material.answers, row.language),
        "left_out": kept.get("left_out"),
        "auto_solve_at": datetime.fromisoformat(kept["auto_solve_at"]) if "auto_solve_at" in kept else None,
        "is_auto_solved": bool(kept.get("is_auto_solved")),
        "is_question": bool(kept.get("is_question")),
        "token_address": "" if draft.reply_to == draft.category.address else draft.reply_to,
        "cc": kept.get("cc", []),
        "claims": kept.get("claims"),
        "is_open_trust": desk.policy.trusts_nobody,
        "claims_own": bool(kept.get("claims_own")),
        "languages": [] if draft.is_for_team or draft.is_copy else language_links(desk, row.to_address, row.language),
        "is_note": bool(kept.get("is_note")),
        "reply_is_note": row.purpose == "n",
        "has_links": bool(desk.policy.public_url),
        "hold": held_context(desk, row),
        "echo": kept.get("echo"),
        "by": _name_of(draft, str(kept.get("by", ""))),
        "how": kept.get("how", ""),
        "fields": shown_fields(draft.topic, material.fields, row.language) if draft.is_for_team else [],
        "catalogue": catalogue(desk.policy, row.language) if kept.get("is_general") else [],
        "problems": shown_problems(draft.topic, kept.get("problems", ()), row.language),
        "form_url": _form_url(draft),
    }


def _failure(draft: _Draft, kept: Mapping[str, Any]) -> dict[str, object]:
    """A letter that did not arrive, with the reason in words; a customer may have another address (`can_add`)."""
    policy, status = draft.desk.policy, status_in(kept["reason"])
    is_over = draft.material.status == "closed" or policy.is_support(kept["address"])
    return {
        **kept,
        "words": draft.desk.renderer.delivery_reason(status, draft.row.language),
        "is_stopped": bool(kept.get("is_stopped")),
        "can_add": not is_over,
    }


def _file(draft: _Draft, file: Attachment) -> dict[str, object]:
    """A file as letters list it: along with the letter, behind a link of this reader's own, or left out."""
    message, is_left, url = draft.material.message, file.part in draft.left, ""
    until = draft.row.created_at + LINK_AGE
    if message and is_left and draft.desk.policy.public_url:
        reader = str(draft.row.context.get("reader", "")) or draft.row.to_address
        claim = FileClaim(message.id, file.part, reader, until)
        url = f"{draft.desk.policy.public_url}/f/{file_token(draft.desk.keys, claim)}"
    return {
        "name": file.name,
        "type": file.type,
        "size": file.size,
        "url": url,
        "until": until if url else None,
        "is_left_out": is_left and not url,
    }


def _ticket(draft: _Draft) -> dict[str, object]:
    material, policy = draft.material, draft.desk.policy
    return {
        "number": material.number,
        "tag": policy.tag(material.number),
        "subject": material.subject,
        "status": material.status,
        "status_word": _status_word(draft, material.status),
        "category": draft.category.title.into(draft.row.language),
        "topic": draft.topic.title.into(draft.row.language) if draft.topic else "",
    }


def _status_word(draft: _Draft, status: str) -> str:
    return draft.desk.renderer.status_word(status, draft.row.language, for_team=draft.is_for_team)


def _person(person: Mailbox) -> dict[str, str]:
    return {"name": person.shown, "address": person.address}


def _author(draft: _Draft, entry: Entry) -> dict[str, str]:
    """Who wrote: customers see an agent's name, never his address; what the command line wrote has the desk's name."""
    if draft.is_for_team or entry.role is Role.CUSTOMER:
        return _person(entry.author)
    return {"name": _agent_name(draft, entry.author), "address": ""}


def _agent_name(draft: _Draft, author: Mailbox) -> str:
    agent = draft.desk.policy.agent(author.address)
    return (agent.name if agent else "") or author.shown or draft.desk.policy.name


def _name_of(draft: _Draft, address: str) -> str:
    agent = draft.desk.policy.agent(address)
    return (agent.name if agent else "") or address


def _entry(draft: _Draft, entry: Entry) -> dict[str, object]:
    is_support = entry.role is Role.AGENT
    author = _author(draft, entry)
    return {
        "author": author["name"] or author["address"],
        "is_support": is_support,
        "is_note": entry.is_note,
        "at": entry.at,
        "text": without_tokens(beginning(entry.reply, _REPEATED), draft.desk.policy),
    }


def _has_actions(draft: _Draft) -> bool:
    """An answer that asks something carries no buttons that would end the conversation (`#ask`)."""
    is_question = draft.letter is Letter.ANSWER and bool(draft.row.context.get("is_question"))
    return draft.letter in WITH_ACTIONS and not is_question and not draft.is_copy


def _links(draft: _Draft) -> dict[str, str]:
    url = draft.desk.policy.public_url
    if not _has_actions(draft) or not url:
        return {"solved": "", "continue_": ""}
    return {
        f"{action.value}{'_' if action is Action.CONTINUE else ''}": (
            f"{url}/a/{action_token(draft.desk.keys, Claim(draft.material.number, draft.row.to_address, action))}"
        )
        for action in Action
    }


def _form_url(draft: _Draft) -> str:
    """The web form of the card; "" where its reader gets no token (open trust), or there are no pages."""
    desk, row = draft.desk, draft.row
    has_tokens = row.context.get("has_token_address") is not False
    if draft.letter is not Letter.MISSING_FIELDS or not desk.policy.public_url or not has_tokens:
        return ""
    token = fields_token(desk.keys, FieldsClaim(draft.material.number, row.to_address))
    return f"{desk.policy.public_url}/fields/{token}"


def _mailtos(draft: _Draft) -> dict[str, str]:
    """The same two actions for people whose browser does not open: a ready mail with one word in it (RFC 6068)."""
    if not _has_actions(draft):
        return {"solved": "", "continue_": ""}
    return {"solved": _mailto(draft, Action.SOLVED), "continue_": _mailto(draft, Action.CONTINUE)}


def _mailto(draft: _Draft, action: Action) -> str:
    """Where the address carries no token, the subject carries a code."""
    subject = draft.desk.policy.tag(draft.material.number)
    if draft.reply_to == draft.category.address:
        claim = Claim(draft.material.number, draft.row.to_address, action)
        subject += f" {action_code(draft.desk.keys, claim)}"
    return f"mailto:{quote(draft.reply_to, safe='@')}?subject={quote(subject, safe='')}&body=%23{action}"
