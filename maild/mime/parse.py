"""Raw octets to a Mail. Never raises, on any bytes: what is too large or too odd comes back as a Mail with `error`.

Calls the other files of this folder in order; knows nothing of tickets, envelopes or trust.
"""

import re

from maild.core.courtesy import is_courtesy
from maild.core.languages import language_of
from maild.core.mail import Attachment, Kind, Mail
from maild.mime import addresses, attach, body, fields, kinds, parts, unpack
from maild.mime.looks import Looks

_MSG_ID = re.compile(r"<([^<>]{1,995})>")
_MAX_IDS = 1000
_TRACE_FIELDS = frozenset({"received", "authentication-results"})

_NO_BODY = body.Body("", "", (), "", False)


def parse(raw: bytes) -> Mail:
    """Understand one mail, whatever its line ends (CRLF, LF, CR)."""
    kept = fields.without_nul(raw)
    hint = fields.charset_hint(kept)
    try:
        tree = unpack.take_apart(kept, hint)
    except parts.LimitExceededError as limit:
        return _unparsed(kept, hint, str(limit))
    return _understood(kept, hint, tree)


def _unparsed(raw: bytes, hint: str, error: str) -> Mail:
    """What the header section says of a mail that cannot be taken apart."""
    section = parts.header_of(raw)
    found, _ = fields.split_section(section[: parts.MAX_HEADER])
    found = found[: parts.MAX_FIELDS]
    tree = parts.Tree(found, fields.message_of([], hint), [], ())
    return _mail(_Header(tree, hint), _NO_BODY, (), kinds.Sort(Kind.MAIL), (), error)


def _understood(raw: bytes, hint: str, tree: parts.Tree) -> Mail:
    header = _Header(tree, hint)
    text_leaves = body.text_leaves(tree.leaves)
    read = body.read_body(text_leaves or body.calendar_leaves(tree.leaves), hint, header.subject)
    attached = tuple(attach.describe(leaf, read.html_safe) for leaf in tree.leaves if _is_attachment(leaf, text_leaves))
    sort = kinds.sort_out(_looks(raw, tree, header, read))
    return _mail(header, read, attached, sort, tree.defects, None)


def _looks(raw: bytes, tree: parts.Tree, header: "_Header", read: body.Body) -> Looks:
    people = header.people
    return Looks(
        raw=raw,
        type=tree.head.get_content_type(),
        report_type=str(tree.head.get_param("report-type", "")).strip().lower(),
        fields=header.first,
        author=people.author.address if people.author else "",
        own=frozenset(one.address.lower() for one in (*people.to, *people.cc)),
        subject=header.subject,
        text=read.text,
        reply=read.reply,
        leaves=tree.leaves,
    )


def _is_attachment(leaf: parts.Leaf, text_leaves: list[parts.Leaf]) -> bool:
    """Everything but the text and its other forms; a named text inside a multipart is both (older clients send files
    so), as is a whole mail that is a named attachment."""
    is_named = bool(attach.name_of(leaf))
    if leaf in text_leaves:
        return is_named and (bool(leaf.path) or attach.disposition_of(leaf) == "attachment")
    return is_named or not _is_other_form(leaf)


def _is_other_form(leaf: parts.Leaf) -> bool:
    """A form of the text that nobody reads: unnamed, beside those that we read."""
    is_alternative = any(container.subtype == "alternative" for container in leaf.path)
    is_markup = leaf.type.startswith("text/") and leaf.type not in unpack.FILE_TYPES
    return is_markup and is_alternative and attach.disposition_of(leaf) != "attachment"


class _Header:
    """The fields of a mail, decoded once."""

    def __init__(self, tree: parts.Tree, hint: str) -> None:
        unfolded = [(name, fields.unfold(value, hint)) for name, value in tree.fields]
        self.all = tuple((name, _decoded(name, value)) for name, value in unfolded)
        self.first: dict[str, str] = {}
        for name, value in self.all:
            self.first.setdefault(name.lower(), value)
        encoded: dict[str, list[str]] = {}
        for name, value in unfolded:
            encoded.setdefault(name.lower(), []).append(value)
        self.people = addresses.read_people(encoded)
        self.subject = self.first.get("subject", "").strip()

    def ids(self, name: str) -> tuple[str, ...]:
        """The Message-IDs of a field, without brackets and blanks, each once (RFC 5322 §3.6.4)."""
        value = self.first.get(name, "")
        found = _MSG_ID.findall(value) or [word for word in value.split() if "@" in word]
        return tuple(dict.fromkeys("".join(one.split()).strip("<>") for one in found[-_MAX_IDS:]))


def _mail(
    header: _Header,
    read: body.Body,
    attached: tuple[Attachment, ...],
    sort: kinds.Sort,
    defects: tuple[str, ...],
    error: str | None,
) -> Mail:
    return Mail(
        headers=header.all,
        author=header.people.author,
        is_author_sole=header.people.is_author_sole,
        to=header.people.to,
        cc=header.people.cc,
        subject=header.subject,
        date=header.people.date,
        message_id=next(iter(header.ids("message-id")), ""),
        in_reply_to=header.ids("in-reply-to"),
        references=header.ids("references"),
        text=read.text,
        reply=read.reply,
        folds=read.folds,
        html_safe=read.html_safe,
        attachments=attached,
        kind=sort.kind,
        is_kind_guessed=sort.is_guessed,
        is_auto_generated=kinds.is_auto_generated(header.first.get("auto-submitted", "")),
        is_courtesy=is_courtesy(read.reply, bool(attached)),
        bounce=sort.bounce,
        language=language_of(read.reply) or language_of(header.subject),
        is_charset_guessed=read.is_charset_guessed,
        defects=header.people.defects + defects,
        error=error,
        calendar_method=sort.calendar_method,
        reply_to=header.people.reply_to,
        is_author_stand_in=header.people.is_author_stand_in,
        kind_reason=sort.reason,
        about=sort.about,
    )


def _decoded(name: str, value: str) -> str:
    """A client can put an encoded word into its envelope sender, to be decoded into a verdict of our border host."""
    return value if name.lower() in _TRACE_FIELDS else fields.decode_words(value)
