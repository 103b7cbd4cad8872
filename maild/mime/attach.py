"""Attachments: what they are, and their bytes again when asked for.

They are never stored beside the raw mail; `cut` finds them there by their place among the leaves.
"""

import hashlib
import re
from urllib.parse import quote

from maild.core.mail import Attachment
from maild.core.robots import LOOP_FIELD
from maild.mime import fields, names, unpack
from maild.mime.names import name_of
from maild.mime.parts import Leaf

__all__ = ["content_id_of", "cut", "describe", "disposition_of", "is_inline", "name_of"]

_LOOP_MARK = re.compile(rf"^{LOOP_FIELD}:[ \t]*([!-~]{{1,64}})".encode(), re.IGNORECASE | re.MULTILINE)


def describe(leaf: Leaf, html: str = "") -> Attachment:
    """What one leaf is as an attachment; size and hash are of its decoded content. `html` may refer to it."""
    content = leaf.content()
    name = names.safe_name(name_of(leaf) or names.name_by_type(leaf, content))
    return Attachment(
        name=name,
        type=leaf.type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        inline=is_inline(leaf, html),
        content_id=content_id_of(leaf),
        part=leaf.index,
        loop_mark=_loop_mark(leaf.type, name, content),
    )


def _loop_mark(media_type: str, name: str, content: bytes) -> str:
    """The mark in a letter that is attached as a file; Outlook's own format holds the header section in UTF-16."""
    if not (media_type.startswith("message/") or name.lower().endswith((".eml", ".msg"))):
        return ""
    match = _LOOP_MARK.search(content.replace(b"\0", b""))
    return match[1].decode("ascii") if match else ""


def cut(raw: bytes, part: int) -> bytes:
    """The decoded bytes of the attachment with that `part` number. Raises IndexError if the mail has no such part."""
    kept = fields.without_nul(raw)
    leaves = unpack.take_apart(kept, fields.charset_hint(kept)).leaves
    if not 0 <= part < len(leaves):
        raise IndexError(f"the mail has no part {part}")
    return leaves[part].content()


def disposition_of(leaf: Leaf) -> str:
    """inline, attachment or another word in lower case; "" when not declared."""
    return (leaf.head.get_content_disposition() or "").strip()


def content_id_of(leaf: Leaf) -> str:
    """The Content-ID without angle brackets, "" if there is none."""
    return str(leaf.head.get("content-id", "")).strip().strip("<>").strip()


def is_inline(leaf: Leaf, html: str = "") -> bool:
    """Is it shown in the text rather than listed: the HTML refers to it, or it is made to be referred to.

    Apple Mail calls every file inline; without a Content-ID nothing can show it there.
    """
    name = content_id_of(leaf)
    if not name:
        return False
    if f"cid:{name}" in html or f"cid:{quote(name)}" in html:
        return True
    is_related = any(container.subtype == "related" for container in leaf.path)
    return disposition_of(leaf) == "inline" or (disposition_of(leaf) == "" and is_related)
