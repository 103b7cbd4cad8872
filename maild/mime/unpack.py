"""Files that are packed in other parts: winmail.dat, uuencoded files in a text; texts of rare types; endless texts.

Takes the leaves of a mail, puts what is in them in their place, and numbers all of them anew.
"""

import mimetypes
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from email.message import Message

from maild.mime import charset, parts, tnef, transfer
from maild.mime.parts import Leaf

_TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_TNEF_IN_BASE64 = b"eJ8+I"
_BODY_TYPES = {"text/plain": ".txt", "text/html": ".html"}
# Texts that are files for programs; unnamed texts of any other type are words in a form of their own.
FILE_TYPES = frozenset(
    "text/calendar text/csv text/vcard text/x-vcard text/directory text/rfc822-headers text/xml text/rtf".split()
)
_READ_ELSEWHERE = frozenset({"text/enriched", "text/richtext"})  # `formats` knows their commands
_MAX_TEXT = 1 << 20  # octets of text that are read; the whole is a file then
_MAX_LINES = 40_000
_TYPE = re.compile(r"[a-z]+/[\w.+-]{1,100}")


def take_apart(raw: bytes, hint: str) -> parts.Tree:
    """All leaves of a mail, unpacked. `hint` is the charset for raw 8-bit fields. Raises LimitExceededError."""
    tree = parts.take_apart(raw, hint)
    found = [one for leaf in tree.leaves for one in _in_place_of(leaf, tree.leaves)]
    if len(found) > parts.MAX_PARTS:
        found = tree.leaves
    return replace(tree, leaves=[replace(leaf, index=index) for index, leaf in enumerate(_bounded(found))])


def _in_place_of(leaf: Leaf, leaves: list[Leaf]) -> list[Leaf]:
    """A leaf, or what is packed in it."""
    if _is_tnef(leaf):
        return list(_from_tnef(leaf, leaves)) or [leaf]
    if leaf.type == "text/plain" and not _says_attachment(leaf):
        return _from_text(leaf)
    if _is_text_nobody_reads(leaf, leaves):
        return [_readable(leaf)]
    return [leaf]


def _says_attachment(leaf: Leaf) -> bool:
    """By its field alone; a sole text that says so is the mail's text all the same (`body.py`)."""
    return leaf.head.get_content_disposition() == "attachment"


def _is_tnef(leaf: Leaf) -> bool:
    """By its type; or, sent as any octets, by its first ones."""
    if leaf.type in _TNEF_TYPES:
        return True
    return leaf.type.startswith("application/") and leaf.body.lstrip().startswith((tnef.SIGNATURE, _TNEF_IN_BASE64))


def _from_tnef(leaf: Leaf, leaves: list[Leaf]) -> Iterator[Leaf]:
    """The files, and the text if the mail has none of its own; nothing for garbage."""
    packed = tnef.read(leaf.content())
    if packed is None:
        return
    if not any(_has_text(one) for one in leaves):
        if packed.text.strip():
            yield _made(leaf, "text/plain; charset=utf-8", packed.text.encode("utf-8", "replace"))
        elif packed.html.strip():
            yield _made(leaf, "text/html", packed.html)
    for file in packed.files:
        media_type = file.type if _TYPE.fullmatch(file.type) else _type_by_name(file.name)
        one = _made(leaf, media_type, file.content, file.name or "attachment")
        one.head["Content-Disposition"] = "attachment"
        if file.content_id:
            one.head["Content-ID"] = f"<{' '.join(file.content_id.split())}>"
        yield one


def _bounded(leaves: list[Leaf]) -> list[Leaf]:
    """The leaves, of which no more is text than a person would read; longer ones go on as files."""
    texts = [leaf for leaf in leaves if leaf.type in _BODY_TYPES and not _says_attachment(leaf)]
    if sum(len(leaf.body) for leaf in texts) <= _MAX_TEXT and sum(map(_lines_in, texts)) <= _MAX_LINES:
        return leaves
    found: list[Leaf] = []
    room, lines = _MAX_TEXT, _MAX_LINES
    for leaf in leaves:
        if leaf not in texts:
            found.append(leaf)
            continue
        text = leaf.content()
        kept = _beginning(text, room, lines)
        found += [leaf] if len(kept) == len(text) else _shortened(leaf, text, kept)
        room, lines = room - len(kept), lines - kept.count(b"\n")
    return found


def _lines_in(leaf: Leaf) -> int:
    return max(leaf.body.count(b"\n"), leaf.body.count(b"\r"))


def _beginning(text: bytes, room: int, lines: int) -> bytes:
    """As much of a text as there is room for, cut at a line's end if there is one near."""
    kept = text[:room]
    rows = kept.splitlines(keepends=True)
    if len(rows) > lines:
        return b"".join(rows[:lines])
    return kept if len(text) <= room or len(rows) < 2 else b"".join(rows[:-1])


def _shortened(leaf: Leaf, text: bytes, kept: bytes) -> list[Leaf]:
    whole = replace(leaf, head=deepcopy(leaf.head), body=text, is_unpacked=True)
    del whole.head["Content-Disposition"]
    whole.head["Content-Disposition"] = "attachment"
    whole = replace(whole, file_name=leaf.file_name or f"text{_BODY_TYPES[leaf.type]}")
    return [replace(leaf, body=kept, is_unpacked=True), whole]


def _type_by_name(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _has_text(leaf: Leaf) -> bool:
    return leaf.type in _BODY_TYPES and not _says_attachment(leaf) and bool(leaf.content().strip())


def _made(leaf: Leaf, media_type: str, content: bytes, name: str = "") -> Leaf:
    """A leaf of decoded octets, at the place of another one."""
    head = Message()
    head["Content-Type"] = media_type
    return Leaf(leaf.index, head, content, leaf.path, is_unpacked=True, file_name=name)


def _from_text(leaf: Leaf) -> list[Leaf]:
    """A text and the uuencoded files that stood in it."""
    if leaf.encoding != "base64" and b"begin " not in leaf.body:
        return [leaf]
    text = leaf.content()
    begin = transfer.next_uu(text, 0)
    if begin is None:
        return [leaf]
    words: list[bytes] = []
    files: list[Leaf] = []
    place = 0
    while begin:
        content, after = transfer.read_uu(text, begin.end())
        words.append(text[place : begin.start()])
        name = charset.decode(begin[1]).text
        files.append(_made(leaf, _type_by_name(name), content, name))
        place = after
        begin = transfer.next_uu(text, place) if len(files) < parts.MAX_PARTS else None
    words.append(text[place:])
    return [replace(leaf, body=b"".join(words), is_unpacked=True), *files]


def _is_text_nobody_reads(leaf: Leaf, leaves: list[Leaf]) -> bool:
    """A text of a rare type (RFC 2046 §4.1.4), unnamed, in a mail that has no other words."""
    is_known = leaf.type in FILE_TYPES or leaf.type in _BODY_TYPES or leaf.type in _READ_ELSEWHERE
    is_rare = leaf.type.startswith("text/") and not is_known
    is_named = bool(leaf.head.get_filename() if leaf.head.get("content-disposition") else leaf.head.get_param("name"))
    return (
        is_rare and not is_named and not _says_attachment(leaf) and not any(one.type in _BODY_TYPES for one in leaves)
    )


def _readable(leaf: Leaf) -> Leaf:
    """The same as plain text."""
    label = leaf.head.get_param("charset", "")
    made = _made(leaf, "text/plain", leaf.content()[:_MAX_TEXT])
    if isinstance(label, str) and label:
        made.head.set_param("charset", label)
    return made
