"""The tree of a mail as a list of leaves (RFC 2046), found in the raw octets without recursion.

A leaf is a part that holds no parts, or an attached message, which is never entered. Limits are kept while cutting, so
that a hostile mail costs little; missing boundaries, missing blank lines and premature ends are repaired.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp, a2b_uu
from dataclasses import dataclass
from email.message import Message

from maild.mime import fields

MAX_HEADER = 256 * 1024  # octets of one header section
MAX_FIELDS = 1000
MAX_DEPTH = 50
MAX_PARTS = 500

_BLANK_LINE = re.compile(rb"(?>\r{0,2}\n|\r)(?>\r{0,2}\n|\r)")
_FIRST_DELIMITER = re.compile(rb"(?:^|[\r\n])--([^\r\n]{1,200}?)[ \t]*\r{0,2}\n(?=content-)", re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_UU = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n(.*?)^end", re.MULTILINE | re.DOTALL)
_REPAIR_WINDOW = 1 << 16


class LimitExceededError(Exception):
    """The mail is too large in some way to be taken apart; str(error) says which."""


@dataclass(frozen=True, slots=True)
class Container:
    """A multipart around a leaf: `number` tells containers of one mail apart, `subtype` is like "alternative"."""

    number: int
    subtype: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf part. `body` is still in its transfer encoding; `path` lists the containers, outermost first."""

    index: int
    head: Message
    body: bytes
    path: tuple[Container, ...]

    @property
    def type(self) -> str:
        """The media type in lower case, text/plain when it is missing or malformed (RFC 2045 §5.2)."""
        declared = self.head.get_content_type()
        return "text/plain" if declared.startswith("multipart/") else declared

    def content(self) -> bytes:
        """The decoded octets (RFC 2045 §6); broken encodings give what can be read."""
        if self.type == "message/rfc822" and self.encoding != "base64":
            return self.body
        return _decoded(self.body, self.encoding)

    @property
    def encoding(self) -> str:
        """The transfer encoding in lower case, without comments and blanks."""
        return str(self.head.get("content-transfer-encoding", "")).partition("(")[0].strip(" \t;").lower()


@dataclass(frozen=True, slots=True)
class Tree:
    """A mail taken apart: its fields top first, the stdlib view of its Content- fields, its leaves in order."""

    fields: list[tuple[str, bytes]]
    head: Message
    leaves: list[Leaf]
    defects: tuple[str, ...]


@dataclass(slots=True)
class _Entity:
    """A stretch of the raw mail still to be looked at."""

    start: int
    end: int
    path: tuple[Container, ...]
    default_type: str


def header_of(raw: bytes) -> bytes:
    """The header section of a mail, at most one octet over the limit."""
    match = _BLANK_LINE.search(raw, 0, MAX_HEADER + 4)
    return raw[: match.start() if match else MAX_HEADER + 1]


def take_apart(raw: bytes, hint: str) -> Tree:
    """All leaves of a mail. `hint` is the charset for raw 8-bit fields. Raises LimitExceededError."""
    stack = [_Entity(0, len(raw), (), "text/plain")]
    leaves: list[Leaf] = []
    defects: list[str] = []
    top: tuple[list[tuple[str, bytes]], Message] | None = None
    count = 0
    while stack:
        entity = stack.pop()
        found, body_start = _read_head(raw, entity)
        head = fields.message_of(found, hint)
        head.set_default_type(entity.default_type)
        top = top or (found, head)
        children = _children(raw, entity, head, body_start, count, defects)
        if children:
            count += len(children)
            _check(count <= MAX_PARTS, "more than 500 parts")
            stack.extend(reversed(children))
        else:
            leaves.append(Leaf(len(leaves), head, raw[body_start : entity.end], entity.path))
    assert top is not None  # the stack starts with the mail itself
    return Tree(top[0], top[1], leaves, tuple(dict.fromkeys(defects)))


def _check(is_within: bool, limit: str) -> None:
    if not is_within:
        raise LimitExceededError(limit)


def _read_head(raw: bytes, entity: _Entity) -> tuple[list[tuple[str, bytes]], int]:
    """The fields of an entity and where its body starts."""
    if raw[entity.start : entity.start + 1] in (b"\r", b"\n"):  # no fields at all
        width = 2 if raw.startswith(b"\r\n", entity.start) else 1
        return [], min(entity.start + width, entity.end)
    match = _BLANK_LINE.search(raw, entity.start, min(entity.end, entity.start + MAX_HEADER + 4))
    end = match.start() if match else min(entity.end, entity.start + MAX_HEADER + 1)
    body_start = match.end() if match else entity.end
    section = raw[entity.start : end]
    found, odd = fields.split_section(section)
    if odd and (real_end := fields.real_end(section)) < len(section):
        section, body_start = section[:real_end], entity.start + real_end
        found, _ = fields.split_section(section)
    _check(len(section) <= MAX_HEADER, "header section over 256 KiB")
    _check(len(found) <= MAX_FIELDS, "more than 1,000 header fields")
    return found, body_start


def _children(
    raw: bytes, entity: _Entity, head: Message, body_start: int, count: int, defects: list[str]
) -> list[_Entity]:
    """The parts of a multipart; none for a leaf or when no delimiter can be found."""
    if head.get_content_maintype() != "multipart":
        return []
    _check(len(entity.path) < MAX_DEPTH, "parts nested more than 50 deep")
    subtype = head.get_content_subtype()
    default = "message/rfc822" if subtype == "digest" else "text/plain"  # RFC 2046 §5.1.5
    path = (*entity.path, Container(body_start, subtype))
    room = MAX_PARTS - count
    spans = _spans(raw, _boundary(head), body_start, entity.end, room)
    if not spans:
        defects.append("boundary not found")
        match = _FIRST_DELIMITER.search(raw, max(body_start - 1, 0), min(entity.end, body_start + _REPAIR_WINDOW))
        spans = _spans(raw, match[1] if match else b"", body_start, entity.end, room)
    return [_Entity(start, end, path, default) for start, end in spans]


def _boundary(head: Message) -> bytes:
    """The boundary parameter as it stands in the raw octets, b"" if there is none."""
    boundary = head.get_param("boundary", "")
    value = boundary[2] if isinstance(boundary, tuple) else boundary
    return str(value or "").rstrip().encode("utf-8", "surrogateescape")


def _spans(raw: bytes, boundary: bytes, start: int, end: int, room: int) -> list[tuple[int, int]]:
    """Where the parts between a boundary's delimiter lines lie (RFC 2046 §5.1.1); the closing one may be missing."""
    if not boundary:
        return []
    # Without a look-behind, which would keep `re` from searching for the fixed octets first: 40 times faster.
    delimiter = re.compile(rb"--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r{0,2}\n|\r|\Z)")
    spans: list[tuple[int, int]] = []
    opened = -1
    for match in delimiter.finditer(raw, start, end):
        if raw[match.start() - 1 : match.start()] not in (b"\r", b"\n"):
            continue
        if opened >= 0:
            spans.append((opened, max(opened, _before_line_end(raw, match.start()))))
            _check(len(spans) <= room, "more than 500 parts")
        opened = -1 if match[1] else match.end()
    if opened >= 0:
        spans.append((opened, end))
    return spans


def _before_line_end(raw: bytes, place: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    return place - (2 if raw[place - 2 : place] == b"\r\n" else 1)


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return _from_base64(body)
    if encoding == "quoted-printable":
        return a2b_qp(body if b"\n" in body else body.replace(b"\r", b"\n"))  # it knows no bare CR as a line end
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return _from_uu(body)
    return body


def _from_base64(body: bytes) -> bytes:
    """Lenient base64: foreign octets are passed over, a cut-off end loses only its last octets."""
    try:
        return a2b_base64(body)
    except Base64Error:
        letters = _NOT_BASE64.sub(b"", body)
    return a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


def _from_uu(body: bytes) -> bytes:
    match = _UU.search(body)
    if not match:
        return body
    lines = []
    for line in match[1].splitlines():
        try:
            lines.append(a2b_uu(line))
        except Base64Error:  # a wrong length octet: some encoders write one too many
            lines.append(b"")
    return b"".join(lines)
