"""A letter becomes RFC 5322 bytes: 7-bit, CRLF, the same bytes for the same letter.

Knows MIME and nothing of tickets. Boundaries come from the Message-ID, so that a retry is identical; the bodies are
base64 or quoted-printable, in which a boundary with "=_" cannot occur (RFC 2045 §6.7).
"""

import re
from base64 import encodebytes
from binascii import b2a_qp
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import quote

from maild.mime.headers import check_header_section, clean_header, encoded_words, field, folded, mailbox_field

_MAX_REFERENCES = 100  # more is cut in the middle: some servers refuse very long fields
_MAX_NAME = 240  # octets; three times that, percent-encoded, still fits a line
_FILE_HEAD = 2048  # octets; a name of 150 octets stands there twice, percent-encoded
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,900}")
_EXTRA_NAME = re.compile(r"X-[A-Za-z0-9-]+|List-[A-Za-z-]+|Precedence|Feedback-ID")
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,120}")
_BARE_END_OCTETS = re.compile(rb"\r\n|\r|\n")
_OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class OutgoingAttachment:
    """A file to send along. `type` is like image/png; `content_id` (without brackets) only for inline images."""

    name: str
    type: str
    content: bytes
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One letter to one person.

    Message-IDs stand without angle brackets. `auto_submitted` is "", "auto-replied" or "auto-generated" (RFC 3834).
    `fields` are extra header fields. `smtputf8` allows addresses outside ASCII; the bytes are then not 7-bit.
    """

    from_name: str
    from_address: str
    to_name: str
    to_address: str
    reply_to: str
    subject: str
    date: datetime
    message_id: str
    references: tuple[str, ...]
    text: str
    html: str
    attachments: tuple[OutgoingAttachment, ...] = ()
    auto_submitted: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    smtputf8: bool = False


def compose(outgoing: Outgoing) -> bytes:
    """The letter as bytes, lines of at most 998 octets, with CRLF.

    Raises ValueError for addresses, names of extra fields or a Message-ID that cannot be written.
    """
    lines = [*_header_fields(outgoing), *_extra_fields(outgoing), "MIME-Version: 1.0\r\n"]
    names = [line.partition(":")[0] for line in lines]
    head, body = _body(outgoing)
    raw = "".join(lines).encode() + head + b"\r\n" + body
    check_header_section(raw, names + [line.partition(b":")[0].decode() for line in _logical_lines(head)])
    return raw


def _header_fields(outgoing: Outgoing) -> list[str]:
    if not _MESSAGE_ID.fullmatch(outgoing.message_id):
        raise ValueError(f"not a Message-ID: {outgoing.message_id!r}")
    wide = outgoing.smtputf8
    lines = [
        folded("Date", [format_datetime(outgoing.date.astimezone(UTC))]),
        mailbox_field("From", outgoing.from_name, outgoing.from_address, smtputf8=wide),
        mailbox_field("To", outgoing.to_name, outgoing.to_address, smtputf8=wide),
        field("Subject", outgoing.subject),
        folded("Message-ID", [f"<{outgoing.message_id}>"]),
    ]
    if outgoing.reply_to:
        lines.insert(2, mailbox_field("Reply-To", "", outgoing.reply_to, smtputf8=wide))
    return lines + _thread_fields(outgoing.references)


def _thread_fields(references: tuple[str, ...]) -> list[str]:
    """In-Reply-To and References (RFC 5322 §3.6.4); ids of strangers that cannot be written are left out."""
    ids = [f"<{one}>" for one in dict.fromkeys(references) if _MESSAGE_ID.fullmatch(one)]
    if len(ids) > _MAX_REFERENCES:
        ids = [ids[0], *ids[1 - _MAX_REFERENCES :]]
    return [folded("In-Reply-To", ids[-1:]), folded("References", ids)] if ids else []


def _extra_fields(outgoing: Outgoing) -> list[str]:
    for name, _ in outgoing.fields:
        if not _EXTRA_NAME.fullmatch(name):
            raise ValueError(f"not a name for an extra field: {name!r}")
    lines = [field(name, value) for name, value in outgoing.fields]
    if outgoing.auto_submitted:
        lines.append(field("Auto-Submitted", outgoing.auto_submitted))
        lines.append("X-Auto-Response-Suppress: All\r\n")  # Exchange heeds this one, not RFC 3834
    return lines


Part = tuple[bytes, bytes]  # Content-… fields with their CRLF, encoded body


def _body(outgoing: Outgoing) -> Part:
    """Text and HTML as alternatives; pictures the HTML shows beside it, other files behind both."""
    seed = sha256(outgoing.message_id.encode()).hexdigest()[:32]
    shown = [one for one in outgoing.attachments if _is_shown(one, outgoing.html)]
    files = [one for one in outgoing.attachments if one not in shown]
    part = _text_part("plain", outgoing.text)
    if outgoing.html:
        html = _text_part("html", outgoing.html)
        if shown:
            html = _multipart("related", f"r{seed}", [html, *(_file_part(one, seed) for one in shown)])
        part = _multipart("alternative", f"a{seed}", [part, html])
    if files:
        part = _multipart("mixed", f"m{seed}", [part, *(_file_part(one, seed) for one in files)])
    return part


def _is_shown(attachment: OutgoingAttachment, html: str) -> bool:
    # Gmail and Apple Mail hide parts of multipart/related that the HTML does not name.
    return attachment.inline and bool(attachment.content_id) and f"cid:{attachment.content_id}" in html


def _multipart(subtype: str, boundary: str, parts: list[Part]) -> Part:
    boundary = f"=_{boundary}"
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n'.encode()
    mark = f"--{boundary}".encode()
    pieces = [mark + b"\r\n" + fields + b"\r\n" + body + b"\r\n" for fields, body in parts]
    return head, b"".join(pieces) + mark + b"--\r\n"


def _text_part(subtype: str, text: str) -> Part:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").replace("\n", "\r\n") + "\r\n"
    data = lines.encode(errors="replace")
    is_foreign = (len(data) - len(lines)) * 3 > len(lines)  # Cyrillic in base64 is less than half of quoted-printable
    encoding, body = "quoted-printable", b"" if is_foreign else b2a_qp(data, istext=True)
    if is_foreign or b"\nFrom " in b"\n" + body:  # writers of mbox files would change that line
        encoding, body = "base64", _base64(data)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return head.encode(), body


def encoded_size(octets: int) -> int:
    """How many octets a file of that size takes in a letter: base64 in lines of 76, and its header fields."""
    return -(-octets // 57) * 78 + _FILE_HEAD


def _base64(data: bytes) -> bytes:
    return encodebytes(data).replace(b"\n", b"\r\n")


def _file_part(attachment: OutgoingAttachment, seed: str) -> Part:
    type_, encoding, body = _file_body(attachment, seed)
    disposition = "inline" if attachment.inline else "attachment"
    name = _written_name(attachment.name)
    lines = [
        folded("Content-Type", [f"{type_};", f'name="{" ".join(_name_tokens(name))}"']),
        folded("Content-Disposition", [f"{disposition};", _file_name(name)]),
        folded("Content-Transfer-Encoding", [encoding]),
    ]
    if _MESSAGE_ID.fullmatch(attachment.content_id):
        lines.append(folded("Content-ID", [f"<{attachment.content_id}>"]))
    return "".join(lines).encode(), body


def _written_name(name: str) -> str:
    name = clean_header(name).replace('"', "'").replace("\\", "_")
    return name.encode()[:_MAX_NAME].decode(errors="ignore") or "file"


def _name_tokens(name: str) -> list[str]:
    # Outlook reads this old way of naming (RFC 2047 words inside quotes) and nothing newer.
    return [name] if name.isascii() else encoded_words(name)


def _file_name(name: str) -> str:
    return f'filename="{name}"' if name.isascii() else f"filename*=utf-8''{quote(name, safe='')}"  # RFC 2231 §4


def _file_body(attachment: OutgoingAttachment, seed: str) -> tuple[str, str, bytes]:
    """Type, transfer encoding and encoded content.

    A message may not be base64 (RFC 2046 §5.2.1); one that is not 7-bit as it stands goes as a plain file instead.
    """
    type_ = attachment.type.lower() if _TYPE.fullmatch(attachment.type.lower()) else _OCTETS
    if type_ == "message/rfc822":
        content = b"\r\n".join(_BARE_END_OCTETS.split(attachment.content))
        if _is_seven_bit(content) and seed.encode() not in content:
            return type_, "7bit", content
    is_composite = type_.startswith(("message/", "multipart/"))
    return (_OCTETS if is_composite else type_), "base64", _base64(attachment.content)


def _is_seven_bit(content: bytes) -> bool:
    return content.isascii() and b"\0" not in content and all(len(line) <= 998 for line in content.split(b"\r\n"))


def _logical_lines(head: bytes) -> list[bytes]:
    return head.replace(b"\r\n ", b" ").splitlines()
