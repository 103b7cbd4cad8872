"""What makes two arrivals the same mail (SPEC section 3): Message-ID and a hash of what its author wrote.

Runs on every mail before the 250, so it looks at bytes only and knows nothing of MIME. Fields that servers add on the
way (Received, Return-Path, Authentication-Results …) do not count, nor does the kind of line ending.
"""

import hashlib
import re
from dataclasses import dataclass

_WRITTEN_BY_AUTHOR = (b"from", b"date", b"subject")
_LOOKED_AT = frozenset((*_WRITTEN_BY_AUTHOR, b"message-id"))
_MSG_ID = re.compile(r"<([^<>\s]+)>")
_NO_FIELD = re.compile(rb"^(?![!-9;-~]+[ \t]*:|(?<=\n)[ \t])\n?", re.MULTILINE)  # RFC 5322 §2.2
_LONE_CR = re.compile(rb"\r(?!\n)")
_TAIL = 4096  # octets
_MAX_ID = 998  # octets; a msg-id cannot be folded, and a line has no more (RFC 5322 §2.1.1). Indexes have a limit too


@dataclass(frozen=True, slots=True)
class Identity:
    """`message_id` without angle brackets, "" if there is none; `content_key` is a SHA-256 in hex."""

    message_id: str
    content_key: str


def identity_of(raw: bytes) -> Identity:
    """The identity of a raw mail, the same whether it came with CRLF, LF or CR."""
    text = _with_lf(raw)
    section, body = _split(text)
    fields = _first_fields(section)
    if b"from" not in fields:
        body = _below_fields(text)
    written = [name + b":" + fields.get(name, b"") for name in _WRITTEN_BY_AUTHOR]
    digest = hashlib.sha256(b"\n".join(written) + b"\n\n")
    digest.update(body)
    return Identity(_message_id(fields.get(b"message-id", b"")), digest.hexdigest())


def _with_lf(raw: bytes) -> bytes:
    """Line ends as LF; some gateways turn CRLF into CR CR LF. Passes are ten times faster than one pattern."""
    if _LONE_CR.search(raw) is None:
        return raw.replace(b"\r", b"")
    return raw.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _split(text: bytes) -> tuple[bytes, memoryview]:
    """Header section and body (RFC 5322 §2.1), the body without the newlines at its end. A large one is not copied."""
    end = 0 if text.startswith(b"\n") else text.find(b"\n\n")
    if end < 0:
        return text, memoryview(b"")
    start = end + 1 if end == 0 else end + 2
    return text[:end], memoryview(text)[start : _last_line_end(text)]


def _below_fields(text: bytes) -> memoryview:
    """The body of what may have no header section at all: it begins with the first line that is no field. Two texts
    that somebody's script sent without a header are two mails.
    """
    start = _NO_FIELD.search(text)
    return memoryview(text)[start.end() if start else len(text) : _last_line_end(text)]


def _last_line_end(text: bytes) -> int:
    """Where the newlines at the end begin; without a copy of all that stands before them."""
    end = len(text)
    while end:
        piece = text[max(0, end - _TAIL) : end]
        kept = len(piece.rstrip(b"\n"))
        end -= len(piece) - kept
        if kept:
            break
    return end


def _first_fields(section: bytes) -> dict[bytes, bytes]:
    """The first field of each name that counts (lower case), unfolded, white space collapsed."""
    unfolded = section.replace(b"\n ", b" ").replace(b"\n\t", b" ")
    fields: dict[bytes, bytes] = {}
    for line in unfolded.split(b"\n"):
        name, colon, value = line.partition(b":")
        name = name.strip().lower()
        if colon and name in _LOOKED_AT:
            fields.setdefault(name, b" ".join(value.split()))
    return fields


def _message_id(value: bytes) -> str:
    """`<id>` → `id`; anything that is not a msg-id (RFC 5322 §3.6.4) identifies nothing."""
    match = _MSG_ID.fullmatch(value.decode("utf-8", "replace"))
    return match[1] if match and len(match[1].encode()) <= _MAX_ID else ""
