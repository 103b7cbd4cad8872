"""Attachments: what they are, under a name that is safe everywhere, and their bytes again when asked for.

They are never stored beside the raw mail; `cut` finds them there by their place among the leaves.
"""

import hashlib
import mimetypes
import re
import unicodedata
from email.message import Message
from email.utils import collapse_rfc2231_value

from maild.core.mail import Attachment
from maild.mime import charset, fields, parts
from maild.mime.parts import Leaf

MAX_NAME = 150  # octets in UTF-8: fits every file system with room for a prefix

_SEPARATORS = re.compile(r"[/\\:*?\"<>|]")
_SPACES = re.compile(r"\s+")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")  # device names of Windows
_LEADING = " .~-"
_EXTENSIONS = {
    "message/rfc822": ".eml",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "image/jpeg": ".jpg",
    "image/pjpeg": ".jpg",
    "application/pkcs7-mime": ".p7m",
    "application/x-pkcs7-mime": ".p7m",
    "application/ms-tnef": ".dat",
    "application/pgp-signature": ".asc",
    "message/delivery-status": ".txt",
    "text/rfc822-headers": ".txt",
    "application/octet-stream": ".bin",
}


def describe(leaf: Leaf) -> Attachment:
    """What one leaf is as an attachment; size and hash are of its decoded content."""
    content = leaf.content()
    return Attachment(
        name=safe_name(name_of(leaf) or _name_by_type(leaf)),
        type=leaf.type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        inline=is_inline(leaf),
        content_id=content_id_of(leaf),
        part=leaf.index,
    )


def cut(raw: bytes, part: int) -> bytes:
    """The decoded bytes of the attachment with that `part` number. Raises IndexError if the mail has no such part."""
    kept = fields.without_nul(raw)
    leaves = parts.take_apart(kept, fields.charset_hint(kept)).leaves
    if not 0 <= part < len(leaves):
        raise IndexError(f"the mail has no part {part}")
    return leaves[part].content()


def name_of(leaf: Leaf) -> str:
    """The declared file name, decoded (RFC 2183, RFC 2231, RFC 2047), as unsafe as it came; "" if there is none."""
    return _parameter(leaf.head, "filename", "content-disposition") or _parameter(leaf.head, "name", "content-type")


def disposition_of(leaf: Leaf) -> str:
    """inline, attachment or another word in lower case; "" when not declared."""
    return (leaf.head.get_content_disposition() or "").strip()


def content_id_of(leaf: Leaf) -> str:
    """The Content-ID without angle brackets, "" if there is none."""
    return str(leaf.head.get("content-id", "")).strip().strip("<>").strip()


def is_inline(leaf: Leaf) -> bool:
    """Is it shown in the text rather than listed: declared so, or an image the HTML refers to."""
    declared = disposition_of(leaf)
    is_related = any(container.subtype == "related" for container in leaf.path)
    return declared == "inline" or (declared == "" and is_related and bool(content_id_of(leaf)))


def safe_name(name: str) -> str:
    """A file name without directories, control, bidirectional or invisible characters, at most 150 octets.

    Normalised first, checked last, so that nothing dangerous can appear by normalisation.
    """
    text = unicodedata.normalize("NFKC", fields.decode_words(name))
    text = text.replace("\\", "/").rpartition("/")[2] if _is_path(text) else text
    visible = "".join(char if unicodedata.category(char)[0] != "C" else " " * (char in "\t\r\n") for char in text)
    plain = _SPACES.sub(" ", _SEPARATORS.sub("_", visible)).strip().lstrip(_LEADING).rstrip(" .")
    short = _shortened(plain)
    if not short.strip("_"):
        return "attachment"
    return f"_{short}" if _RESERVED.match(short) else short


def _is_path(name: str) -> bool:
    """Internet Explorer and some robots send whole paths; «счёт 5/6.pdf» is no path but a slash."""
    return re.match(r"(?:[A-Za-z]:|\.{0,2}[/\\]|~)", name) is not None or ".." in name


def _shortened(name: str) -> str:
    """Cut to the limit between characters, keeping the extension."""
    if len(name.encode()) <= MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = dot + extension if stem and len(extension.encode()) <= 16 else ""
    head = name.encode()[: MAX_NAME - len(tail.encode())].decode("utf-8", "ignore")
    return head.rstrip(" .") + tail


def _name_by_type(leaf: Leaf) -> str:
    """What to call a nameless part: the subject of an attached mail, else its type."""
    extension = _EXTENSIONS.get(leaf.type) or mimetypes.guess_extension(leaf.type) or ".bin"
    if leaf.type == "message/rfc822":
        return (_subject_of(leaf.body) or "message") + extension
    return f"{leaf.type.partition('/')[0]}-{leaf.index + 1}{extension}"


def _subject_of(raw: bytes) -> str:
    found, _ = fields.split_section(parts.header_of(raw))
    subject = next((value for name, value in found if name.lower() == "subject"), b"")
    return fields.decode_words(fields.unfold(subject, fields.charset_hint(raw)))[:100]


def _parameter(head: Message, name: str, field: str) -> str:
    """A parameter as text; the octets of RFC 2231 values are decoded by our own rules, for the label may lie."""
    try:
        value = head.get_param(name, "", header=field)
    except (ValueError, IndexError, TypeError):  # the standard library on broken continuations (RFC 2231 §3)
        return ""
    if isinstance(value, tuple):
        label, _, text = value
        try:
            return charset.decode(text.encode("latin-1"), label or "").text
        except UnicodeError:
            return collapse_rfc2231_value(text)
    return fields.decode_words(str(value or "")).strip()
