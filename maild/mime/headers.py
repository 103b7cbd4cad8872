"""Writing header fields: every value goes through `clean_header`, every section is read again before it leaves.

Knows RFC 5322 and RFC 2047; knows nothing of tickets. Text of strangers (names, subjects) ends up here, so nothing
that comes in may start a new line, hide itself or reverse the reading direction.
"""

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Sequence
from itertools import groupby

from maild.core.address import ascii_domain, is_mailbox

MAX_SUBJECT = 400
MAX_NAME = 100
_LINE = 76  # RFC 2047 §2: a line with an encoded word has at most 76 characters
_CHUNK = 39  # octets of UTF-8 in one encoded word: 64 characters, so that one fits behind "Reply-To: "
_SPACE = frozenset({"Cc", "Zl", "Zp"})  # controls and line separators part words
_NOTHING = frozenset({"Cf", "Cs"})  # zero-width, bidi and tag characters; lone surrogates
# Latin and Cyrillic letters, digits and punctuation, nothing of the above: all there is to see of most values.
_ORDINARY = re.compile("[ -~\u00a1-\u00ac\u00ae-\u024f\u0400-\u04ff\u2010-\u2027\u2116]*")
_NOT_IN_NAMES = str.maketrans("", "", '"<>\\')
_ATOM = re.compile(r"[\w!#$%&'*+/?^`{|}~-]+", re.ASCII)  # RFC 5322 §3.2.3, without "=": no encoded word
_FIELD_NAME = re.compile(rb"[!-9;-~]+")  # RFC 5322 §3.6.8
_LINE_END = re.compile(rb"\r\n|\r|\n")


def clean_header(value: str, limit: int = MAX_SUBJECT) -> str:
    """The only way to write a header value: one line, nothing invisible, white space collapsed, `limit` characters."""
    if not _ORDINARY.fullmatch(value):
        value = "".join(_visible(char) for char in value)
    return " ".join(value.split())[:limit].rstrip()


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if category in _SPACE:
        return " "
    return "" if category in _NOTHING else char


def field(name: str, value: str, limit: int = MAX_SUBJECT) -> str:
    """An unstructured field (RFC 5322 §2.2.1), folded, with its final CRLF; non-ASCII as encoded words (RFC 2047).

    Leading ASCII words, such as the ticket's tag, stay readable for filters that do not decode.
    """
    words = clean_header(value, limit).split()
    plain = next((at for at, word in enumerate(words) if not _is_plain(word)), len(words))
    return folded(name, [*words[:plain], *encoded_words(" ".join(words[plain:]))])


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text  # what looks like an encoded word must not be decoded by the reader


def encoded_words(text: str) -> list[str]:
    """The text as RFC 2047 encoded words in UTF-8 and base64, cut between characters; none for "" ."""
    chunks, size = [""], 0
    for char in text:
        width = len(char.encode())
        if size + width > _CHUNK:
            chunks, size = [*chunks, ""], 0
        chunks[-1] += char
        size += width
    return [f"=?utf-8?B?{b64encode(chunk.encode()).decode()}?=" for chunk in chunks if chunk]


def folded(name: str, tokens: Iterable[str]) -> str:
    """A field of ASCII tokens, broken between them where a line would pass 76 characters, with its final CRLF."""
    lines, room = [f"{name}:"], _LINE
    for at, token in enumerate(tokens):
        if at and len(lines[-1]) + 1 + len(token) > room:
            lines.append("")
        lines[-1] += f" {token}"
    return "\r\n".join(lines) + "\r\n"


def display_name(name: str) -> list[str]:
    """A person's name as the tokens of a phrase (RFC 5322 §3.4); none when nothing of it can be shown.

    Quotes, backslashes and angle brackets are dropped: readers that decode before they parse would see an address.
    """
    shown = clean_header(name.translate(_NOT_IN_NAMES), MAX_NAME)
    if not shown:
        return []
    return [f'"{shown}"'] if _is_plain(shown) else _phrase(shown)


def _phrase(shown: str) -> list[str]:
    """ASCII words stay as they are: some readers keep the blank between two encoded words, in the middle of a name."""
    tokens: list[str] = []
    for is_atom, group in groupby(shown.split(), lambda word: _ATOM.fullmatch(word) is not None):
        words = list(group)
        tokens += words if is_atom else encoded_words(" ".join(words))
    return tokens


def address(value: str, *, smtputf8: bool = False) -> str:
    """An address as it is written into a field, its domain in ASCII (IDNA).

    Raises ValueError for anything but a plain mailbox, and for a local part outside ASCII unless `smtputf8` (RFC 6532).
    """
    if not is_mailbox(value) or clean_header(value) != value:
        raise ValueError(f"not a mailbox: {value!r}")
    local, _, domain = value.rpartition("@")
    domain = ascii_domain(domain)
    if not domain.isascii() or not (local.isascii() or smtputf8):
        raise ValueError(f"an address outside ASCII needs SMTPUTF8: {value!r}")
    return f"{local}@{domain}"


def mailbox_field(name: str, person: str, mailbox: str, *, smtputf8: bool = False) -> str:
    """A field of one mailbox: From, To or Reply-To. `person` may be "". Errors as in `address`."""
    return folded(name, [*display_name(person), f"<{address(mailbox, smtputf8=smtputf8)}>"])


def check_header_section(raw: bytes, intended: Sequence[str]) -> None:
    """Read the serialised header section again, as a lenient reader would; ValueError unless it has these fields.

    The last net under CVE-2024-6923: a value that became a field of its own must never leave.
    """
    found: list[str] = []
    section = raw.partition(b"\r\n\r\n")[0]
    for line in _LINE_END.split(section):
        if line[:1] in (b" ", b"\t") and found and line.strip():
            continue
        name, colon, _ = line.partition(b":")
        if not (colon and _FIELD_NAME.fullmatch(name)):
            raise ValueError("a header line is no field")
        found.append(name.decode("ascii").lower())
    if b"\0" in section or found != [name.lower() for name in intended]:
        raise ValueError(f"header fields are not the intended ones: {', '.join(found)}")
