"""Names of attachments: found in whatever way they are written, and made safe everywhere.

Sources: RFC 2183, RFC 2231, RFC 2047 where it does not belong, and the fields that programs put names in instead.
"""

import mimetypes
import re
import unicodedata
from email.message import Message
from typing import Any
from urllib.parse import unquote_to_bytes

from maild.mime import charset, fields, parts
from maild.mime.parts import Leaf

MAX_NAME = 150  # octets in UTF-8: fits every file system with room for a prefix

_SEPARATORS = re.compile(r"[/\\:*?\"<>|]")
_WRITTEN_IN_OTHER_WIDTHS = frozenset('/\\:*?"<>|')
_CONTROL_SPACE = re.compile(r"[\t\r\n]+")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")  # device names of Windows
_LEADING = " .~-"
_EXTENDED = re.compile(r"([\w.:-]{2,40})'[\w-]*'(.+)", re.DOTALL)  # an RFC 2231 value in a plain parameter
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_CUT_AT_SEMICOLON = re.compile(r"\s*([^=;\"]{1,150}\.\w{1,8})\s*(?:;|$)")
_FILE_LIKE = re.compile(r"[^\s/\\:][^/\\:]{0,150}\.[A-Za-z0-9]{2,5}")
_EXTENSIONS = {
    "message/rfc822": ".eml",
    "message/global": ".eml",
    "message/partial": ".eml",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "image/jpeg": ".jpg",
    "image/pjpeg": ".jpg",
    "application/pkcs7-mime": ".p7m",
    "application/x-pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "application/x-pkcs7-signature": ".p7s",
    "application/ms-tnef": ".dat",
    "application/pgp-signature": ".asc",
    "message/delivery-status": ".txt",
    "text/rfc822-headers": ".txt",
}
_BY_FIRST_OCTETS = {
    b"%PDF-": ".pdf",
    b"\x89PNG\r\n": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"PK\x03\x04": ".zip",
    b"Rar!\x1a\x07": ".rar",
    b"7z\xbc\xaf\x27\x1c": ".7z",
    b"\x1f\x8b\x08": ".gz",
    b"{\\rtf": ".rtf",
}


def name_of(leaf: Leaf) -> str:
    """The declared file name, decoded, as unsafe as it came; "" if there is none."""
    if leaf.file_name:
        return leaf.file_name
    ways = (
        ("filename", "content-disposition"),
        ("name", "content-type"),
        ("name", "content-disposition"),
        ("filename", "content-type"),
    )
    found = next(filter(None, (_parameter(leaf.head, *way) for way in ways)), "")
    return found or next(filter(None, (_file_like(leaf, name) for name in ("location", "description"))), "")


def _file_like(leaf: Leaf, name: str) -> str:
    """A Content-Location or Content-Description that is a file's name; texts are described in words."""
    value = fields.decode_words(str(leaf.head.get(f"content-{name}", ""))).strip("\"' ")
    return value if not leaf.type.startswith("text/") and _FILE_LIKE.fullmatch(value) else ""


def safe_name(name: str) -> str:
    """A file name without directories, control, bidirectional or invisible characters, at most 150 octets.

    Normalised first, checked last, so that nothing dangerous can appear by normalisation.
    """
    text = "".join(map(_plain, unicodedata.normalize("NFC", _unescaped(fields.decode_words(name)))))
    text = text.replace("\\", "/").rpartition("/")[2] if _is_path(text) else text
    visible = "".join(char for char in _CONTROL_SPACE.sub(" ", text) if unicodedata.category(char)[0] != "C")
    plain = _SEPARATORS.sub("_", visible).strip().lstrip(_LEADING).rstrip(" .")
    short = _shortened(plain)
    if not short.strip("_ "):
        return "attachment"
    return f"_{short}" if _RESERVED.match(short) else short


def _plain(char: str) -> str:
    """The usual form of a blank, and of what would become a separator or a dot on some systems («／», «．»)."""
    if char.isascii():
        return char
    if unicodedata.category(char)[0] == "Z":
        return " "
    usual = unicodedata.normalize("NFKC", char)
    return usual if usual == "." or _WRITTEN_IN_OTHER_WIDTHS.intersection(usual) else char


def _unescaped(name: str) -> str:
    """Percent-encoded UTF-8 that was not announced, as browsers and web forms send it."""
    if "%" not in name or not name.isascii():
        return name
    runs = [unquote_to_bytes(run) for run in _PERCENT.findall(name)]
    try:
        is_utf8 = any(not run.decode("utf-8").isascii() for run in runs)
    except UnicodeDecodeError:
        return name
    return unquote_to_bytes(name).decode("utf-8", "replace") if is_utf8 else name


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


def name_by_type(leaf: Leaf, content: bytes) -> str:
    """What to call a nameless part: the subject of an attached mail, else its type; the first octets are a hint."""
    extension = _EXTENSIONS.get(leaf.type) or _extension_of(leaf.type, content)
    if extension == ".eml":
        return (_subject_of(content) or "message") + extension
    return f"{leaf.type.partition('/')[0]}-{leaf.index + 1}{extension}"


def _extension_of(media_type: str, content: bytes) -> str:
    known = mimetypes.guess_extension(media_type) if media_type != "application/octet-stream" else None
    return known or next((end for start, end in _BY_FIRST_OCTETS.items() if content.startswith(start)), ".bin")


def _subject_of(raw: bytes) -> str:
    found, _ = fields.split_section(parts.header_of(raw.lstrip(b"\r\n")))
    subject = next((value for name, value in found if name.lower() == "subject"), b"")
    return fields.decode_words(fields.unfold(subject, fields.charset_hint(raw)))[:100]


def _parameter(head: Message, name: str, field: str) -> str:
    """A parameter as text. Of a plain and an extended value (RFC 2231) the extended one counts, as RFC 6266 §4.3 says.

    The octets of extended values are decoded by our own rules, for the label may lie.
    """
    try:
        values: list[Any] = [value for key, value in head.get_params([], header=field) if key.lower() == name]
    except (ValueError, IndexError, TypeError):  # the standard library on broken continuations (RFC 2231 §3)
        return ""
    extended = next((value for value in values if isinstance(value, tuple)), None)
    if extended is not None:
        label, _, text = extended
        return charset.decode(text.encode("latin-1"), label or "").text if _is_latin(text) else text
    plain = str(next(iter(values), ""))
    found = _EXTENDED.fullmatch(plain)
    if found and "%" in found[2] and charset.codec_of(found[1]):
        return charset.decode(unquote_to_bytes(found[2]), found[1]).text
    whole = plain if "." in plain else plain + _rest_of(str(head.get(field, "")), plain)
    return fields.decode_words(whole).strip().strip('"').removeprefix("'").removesuffix("'").strip()


def _is_latin(text: str) -> bool:
    return all(char < "\u0100" for char in text)


def _rest_of(field: str, begin: str) -> str:
    """What a bare semicolon has cut off a name that nobody quoted: `name=a;b.pdf`."""
    place = field.find(f"={begin};") if begin else -1
    rest = _CUT_AT_SEMICOLON.match(field, place + len(begin) + 2) if place >= 0 else None
    return f";{rest[1]}" if rest else ""
