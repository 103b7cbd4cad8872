"""winmail.dat: what Outlook packs into application/ms-tnef ([MS-OXTNEF]): files, and the text where the mail has none.

Read in one pass forward; garbage gives None, a cut-off end what stands before it. Knows nothing of mails.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from maild.mime import charset

SIGNATURE = b"\x78\x9f\x3e\x22"  # 0x223E9F78, little-endian

_MESSAGE_BODY, _MESSAGE_PROPS, _CODEPAGE = 0x0002800C, 0x00069003, 0x00069007
_ATTACH_START, _ATTACH_TITLE, _ATTACH_DATA, _ATTACH_PROPS = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_BODY, _HTML, _INTERNET_CODEPAGE = 0x1000, 0x1013, 0x3FDE  # [MS-OXPROPS]
_FILE, _SHORT_NAME, _LONG_NAME, _MIME_TYPE, _CONTENT_ID = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712
_DISPLAY_NAME = 0x3001
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}  # octets of a value
_OBJECT, _STRING8, _UNICODE, _BINARY = 0xD, 0x1E, 0x1F, 0x102
_VARIABLE = frozenset({_OBJECT, _STRING8, _UNICODE, _BINARY})
_MULTIPLE, _NAMED = 0x1000, 0x8000
_OBJECT_KIND = 16  # octets of the interface's name before an embedded object
_MAX_PROPERTIES = 10_000
_MAX_FILES = 500
_MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class File:
    """One attached file; `type` and `content_id` are "" when Outlook does not say them."""

    name: str
    type: str
    content_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Tnef:
    """What was packed. `html` is in octets, for it may name its charset itself; `text` and `html` may be empty."""

    text: str
    html: bytes
    files: tuple[File, ...]


@dataclass(slots=True)
class _Found:
    """What has been read of one file so far."""

    title: bytes = b""
    content: bytes = b""
    props: dict[int, tuple[int, bytes]] = field(default_factory=dict)


class _CutOffError(ValueError):
    """The octets end before the value does."""


def read(data: bytes) -> Tnef | None:
    """Unpack a TNEF stream; None if it is none."""
    return _read(data, 0)


def _read(data: bytes, depth: int) -> Tnef | None:
    if not data.startswith(SIGNATURE):
        return None
    found: list[_Found] = []
    message: dict[int, tuple[int, bytes]] = {}
    body, label = b"", ""
    for name, value in _attributes(data):
        if name == _ATTACH_START:
            if len(found) >= _MAX_FILES:
                break
            found.append(_Found())
        elif name == _CODEPAGE and len(value) >= 4:
            label = _label_of(value)
        elif name == _MESSAGE_BODY:
            body = value
        elif name == _MESSAGE_PROPS:
            message = _properties(value)
        elif found:
            _note(found[-1], name, value)
    label = _label_of(message[_INTERNET_CODEPAGE][1]) if _INTERNET_CODEPAGE in message and not label else label
    text = _text(message.get(_BODY), label) or charset.decode(body.rstrip(b"\0"), label).text
    files = tuple(file for one in found for file in _files_of(one, label, depth))
    return Tnef(text, message.get(_HTML, (0, b""))[1], files)


def _note(file: _Found, name: int, value: bytes) -> None:
    if name == _ATTACH_TITLE:
        file.title = value
    elif name == _ATTACH_DATA:
        file.content = value
    elif name == _ATTACH_PROPS:
        file.props = _properties(value)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Name and value of each attribute; check sums are not looked at, Outlook's own are at times wrong."""
    place = 6  # signature and key
    while place + 9 <= len(data):
        _, name, length = struct.unpack_from("<BII", data, place)
        yield name, data[place + 9 : place + 9 + length]
        place += 9 + length + 2


def _properties(data: bytes) -> dict[int, tuple[int, bytes]]:
    """MAPI properties by their number: type and first value ([MS-OXTNEF] §2.1.3.4)."""
    found: dict[int, tuple[int, bytes]] = {}
    try:
        count, place = _number(data, 0), 4
        for _ in range(min(count, _MAX_PROPERTIES)):
            kind, number = struct.unpack("<HH", _octets(data, place, 4))
            place = _behind_name(data, place + 4) if number >= _NAMED else place + 4
            value, place = _value(data, place, kind)
            found.setdefault(number, (kind, value))
    except _CutOffError:
        pass  # what was read before the end still counts
    return found


def _behind_name(data: bytes, place: int) -> int:
    """Where the name of a named property ends: a set, then a number or a text."""
    if _number(data, place + 16) == 0:
        return place + 24
    return place + 24 + _padded(_number(data, place + 20))


def _value(data: bytes, place: int, kind: int) -> tuple[bytes, int]:
    """The first value of a property, and where its values end."""
    plain = kind & ~_MULTIPLE
    count = 1
    if kind & _MULTIPLE or plain in _VARIABLE:
        count, place = _number(data, place), place + 4
    first = b""
    for number in range(min(count, _MAX_PROPERTIES)):
        if plain in _VARIABLE:
            length = _number(data, place)
            value, place = _octets(data, place + 4, length), place + 4 + _padded(length)
        elif plain in _FIXED:
            value, place = _octets(data, place, _FIXED[plain]), place + _FIXED[plain]
        else:
            raise _CutOffError("a type of unknown length")
        first = value if number == 0 else first
    return first, place


def _padded(length: int) -> int:
    return -(-length // 4) * 4


def _number(data: bytes, place: int) -> int:
    return int.from_bytes(_octets(data, place, 4), "little")


def _octets(data: bytes, place: int, length: int) -> bytes:
    if place + length > len(data):
        raise _CutOffError("cut off")
    return data[place : place + length]


def _label_of(value: bytes) -> str:
    """A code page's charset."""
    page = int.from_bytes(value[:4], "little")
    return {0: "", 65001: "utf-8", 20866: "koi8-r", 21866: "koi8-u", 28591: "cp1252", 20127: ""}.get(page, f"cp{page}")


def _text(value: tuple[int, bytes] | None, label: str) -> str:
    """A text property as text."""
    if value is None:
        return ""
    kind, octets = value
    if kind == _UNICODE:
        return octets.decode("utf-16-le", "replace").rstrip("\0")
    return charset.decode(octets.rstrip(b"\0"), label).text


def _files_of(found: _Found, label: str, depth: int) -> Iterator[File]:
    """The file of one attachment; of an embedded message its files, and its text as a file of that name."""
    props = found.props
    names = (_text(props.get(number), label) for number in (_LONG_NAME, _SHORT_NAME, _DISPLAY_NAME))
    name = next(filter(None, names), "") or charset.decode(found.title.rstrip(b"\0"), label).text
    kind, value = props.get(_FILE, (_BINARY, b""))
    if kind == _OBJECT:
        value = value[_OBJECT_KIND:]
    inner = _read(value, depth + 1) if kind == _OBJECT and depth < _MAX_DEPTH else None
    if inner is not None:
        if inner.text.strip():
            yield File(f"{name}.txt", "text/plain", "", inner.text.encode())
        yield from inner.files
        return
    content = value or found.content
    if content:
        yield File(name, _text(props.get(_MIME_TYPE), label).lower(), _text(props.get(_CONTENT_ID), label), content)
