"""Header sections: octets to fields, fields to text (RFC 5322 §2.2, RFC 2047), with the repairs real mail needs.

Raw 8-bit octets are read as UTF-8, else in the charset that the mail declares for its text. Lines that are no fields
are passed over as long as more fields follow.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp
from email.message import Message

from maild.mime import charset

_LINE_END = re.compile(rb"\r{0,2}\n|\r")
_FOLD = re.compile(rb"(?>\r{0,2}\n|\r)(?=[ \t])")
_MBOX_SEPARATORS = (b"From ", b">From ")
_REPAIR_LINES = 30
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_KNOWN = re.compile(
    rb"(?i)(?:from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|received|return-path|reply-to|sender"
    rb"|in-reply-to|references|x-[a-z0-9-]+|list-[a-z-]+|dkim-signature|authentication-results)[ \t]*:"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
# Encoded text may hold "?" and blanks that the encoder forgot to encode; a word cut off in the middle ends at a blank.
# Every repetition stops at the "?" that any further word has, which keeps matching linear.
_WORD = re.compile(
    r"=\?([^?\s]{0,60})\?([bBqQ])\?"
    r"(?:([^?]*+(?:\?(?!=)(?![^?\s]{0,60}\?[bBqQ]\?)[^?]*+){0,5}+)\?=|([^?\s]++)(?:\?(?=\s|$)|(?=\s|$)))"
)
_CHARSET_PARAMETER = re.compile(rb"(?i)charset\s*=\s*\"?([\w.:-]{2,40})")
_SPACES = re.compile(r"[ \t]+")
_MAX_MIME_VALUE = 4096  # characters; the parameter parser of the standard library is quadratic
_INDENTED_FIELD = re.compile(rb"[ \t]{1,80}[A-Za-z][A-Za-z-]{1,40}:")
_ONLY_MULTIPART = re.compile(r"(?i)^\s*multipart\s*;")
_DISPOSITION = re.compile(r"(?i)^\s*\"?(attachment|inline)\"?[\s;]*")
_MEDIA_TYPE = re.compile(r"^\s*([\w.+-]+)\s*/\s*([\w.+-]+)\s*;?\s*")
_HINT_WINDOW = 1 << 16


def split_section(section: bytes) -> tuple[list[tuple[str, bytes]], int]:
    """The fields of a header section, unfolded, and how many of its lines were no fields."""
    fields: list[tuple[str, bytes]] = []
    odd = 0
    for line in _LINE_END.split(_FOLD.sub(b"", section)):
        match = _FIELD.fullmatch(line)
        if match:
            fields.append((match[1].decode("ascii"), match[2]))
        elif line.startswith(b"=?") and fields:  # a continuation that lost its blank
            fields[-1] = fields[-1][0], fields[-1][1] + b" " + line
        elif line.strip() and not line.startswith(_MBOX_SEPARATORS):
            odd += 1
    return fields, odd


def real_end(section: bytes) -> int:
    """Where the fields end when the blank line was forgotten: before the first line that is no field and soon after
    which no well-known field comes."""
    lines = _LINE_END.split(section)
    ends = [match.end() for match in _LINE_END.finditer(section)]
    for number, line in enumerate(lines):
        if not line.strip() or line[:1] in (b" ", b"\t") or _FIELD.fullmatch(line) or line.startswith(_MBOX_SEPARATORS):
            continue
        if not any(_KNOWN.match(later) for later in lines[number + 1 : number + _REPAIR_LINES]):
            return ends[number - 1] if number else 0
    return len(section)


def charset_hint(raw: bytes) -> str:
    """The first charset the mail declares: what its raw 8-bit header octets are most probably in."""
    match = _CHARSET_PARAMETER.search(raw, 0, _HINT_WINDOW)
    return match[1].decode("ascii") if match else ""


def unfold(value: bytes, hint: str) -> str:
    """A field value as one line of text, encoded words still encoded."""
    if value.isascii():
        text = value.decode("ascii")
    else:
        text = charset.decode(value, "", hint).text if charset.codec_of(hint) else charset.decode(value).text
    return _CONTROL.sub(" ", text).strip()


def message_of(fields: list[tuple[str, bytes]], hint: str) -> Message:
    """The fields as a stdlib message (compat32) without a body, for its parameter parsing."""
    message = Message()
    for name, value in fields:
        if name.lower().startswith("content-"):
            text = unfold(value[: 2 * _MAX_MIME_VALUE], hint)[:_MAX_MIME_VALUE]
            message[name] = _spelt(name.lower(), text)
    return message


def _spelt(name: str, value: str) -> str:
    """A field as RFC 2045 §5.1 and RFC 2183 want it: no blanks around the slash, a semicolon before the parameters."""
    if name == "content-disposition":
        return _DISPOSITION.sub(r"\1; ", value, count=1)
    if name == "content-type":
        return _MEDIA_TYPE.sub(r"\1/\2; ", _ONLY_MULTIPART.sub("multipart/mixed;", value, count=1), count=1)
    return value


def decode_words(value: str) -> str:
    """The text of a field value with its encoded words decoded (RFC 2047 §6), also inside quotes, where clients of
    some makers put them. A character cut in two by adjacent words is joined again."""
    if "=?" not in value:
        return value
    pieces: list[str] = []
    run: list[tuple[str, bytes]] = []
    place = 0
    for match in _WORD.finditer(value):
        between = value[place : match.start()]
        if between.strip() or not run:
            pieces += [_text_of(run), between]
            run = []
        run.append((match[1].partition("*")[0], _octets_of(match[2], match[3] if match[3] is not None else match[4])))
        place = match.end()
    pieces += [_text_of(run), value[place:]]
    return _SPACES.sub(" ", _CONTROL.sub(" ", "".join(pieces)))


def _octets_of(encoding: str, text: str) -> bytes:
    """The octets of one encoded word; broken base64 gives what can be read of it."""
    if encoding in "qQ" or not text.isascii():
        return a2b_qp(text.encode("utf-8"), header=True)
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text)
    try:
        return a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + "==")
    except Base64Error:
        return b""


def _text_of(run: list[tuple[str, bytes]]) -> str:
    """Adjacent words as text: octets of the same charset are joined before they are decoded."""
    text, held, label = "", b"", ""
    for name, octets in run:
        if held and name.lower() != label:
            text, held = text + charset.decode(held, label).text, b""
        label, held = name.lower(), held + octets
    return text + charset.decode(held, label).text


def without_nul(raw: bytes) -> bytes:
    """The octets to parse: no NUL, nothing before the first field. The stored mail keeps them."""
    kept = raw.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return kept.lstrip(b" \t") if _INDENTED_FIELD.match(kept) else kept
