"""Content-Transfer-Encodings: back to the octets that were sent (RFC 2045 §6), as far as they can be read.

Broken encodings give what is left of them; a text that only says it is base64 stays as it is.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp, a2b_uu
from itertools import islice

_NAMES = {
    "base-64": "base64",
    "b64": "base64",
    "b": "base64",
    "quotedprintable": "quoted-printable",
    "qp": "quoted-printable",
    "q": "quoted-printable",
    "uuencode": "x-uuencode",
    "uue": "x-uuencode",
    "x-uue": "x-uuencode",
}
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_FOREIGN_END = re.compile(rb"==?[ \t]*+(?:\r{0,2}\n|\r)\s*+(?=\S)")  # padding with something behind
_WHOLE_WORDS = re.compile(rb"[A-Za-z0-9+/\s]*+={0,2}\s*")
_SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r{0,2}\n|\r|\Z)")  # blanks that a gateway has added (RFC 2045 §6.7, rule 3)
_PROSE = re.compile(rb"[A-Za-z]{2,20}[,.!?:;]? [A-Za-z]{1,20}[,.!?:;]? ")
_BASE64_LINE = re.compile(
    rb"\s*+(?:[A-Za-z0-9+/]{60}|(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]=)?[ \t]*(?:[\r\n]|\Z))"
)
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255}?)[ \t]*\r{0,2}\n", re.MULTILINE)
_UU_LINE = re.compile(rb"[ -`]{1,100}")
_LOOKED_AT = 4096
_MAX_BEGINS = 1000
_MAX_PIECES = 20_000


def encoding_named(value: str) -> str:
    """The encoding that a Content-Transfer-Encoding field means, in lower case; comments and quotes are left out."""
    name = value.partition("(")[0].strip(" \t;\"'").lower().replace(" ", "-").replace("_", "-")
    return _NAMES.get(name, name)


def decoded(body: bytes, encoding: str) -> bytes:
    """The octets of a body in that encoding; those of an unknown encoding stay as they are."""
    if encoding == "base64":
        return _from_base64(body)
    if encoding == "quoted-printable":
        lines = body if b"\n" in body else body.replace(b"\r", b"\n")  # `binascii` knows no bare CR as a line end
        return a2b_qp(_SOFT_BREAK.sub(b"=", lines))
    if encoding == "x-uuencode":
        return _from_uu(body)
    return body


def _from_base64(body: bytes) -> bytes:
    """Lenient base64: foreign octets are passed over, a cut-off end loses only its last octets."""
    if _FOREIGN_END.search(body):
        return _from_pieces(body)
    try:
        return a2b_base64(body)
    except Base64Error:
        letters = _NOT_BASE64.sub(b"", body)
    return a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"==")


def _from_pieces(body: bytes) -> bytes:
    """Base64 padded before its end: several pieces on end, or a mailing list's footer behind, which is left out."""
    octets: list[bytes] = []
    place = 0
    while place < len(body) and len(octets) < _MAX_PIECES:
        match = _FOREIGN_END.search(body, place)
        piece = body[place : match.end() if match else len(body)]
        if octets and not _is_base64(piece):
            break
        letters = _NOT_BASE64.sub(b"", piece)
        octets.append(a2b_base64(letters[: len(letters) - (len(letters) % 4 == 1)] + b"=="))
        place += len(piece)
    return b"".join(octets)


def _is_base64(piece: bytes) -> bool:
    letters = len(_NOT_BASE64.sub(b"", piece)) + piece.count(b"=")
    return letters % 4 == 0 and b" " not in piece.strip() and _WHOLE_WORDS.fullmatch(piece) is not None


def is_prose(body: bytes) -> bool:
    """Is this text in words, whatever its encoding is said to be?"""
    return _PROSE.search(body, 0, _LOOKED_AT) is not None and not _BASE64_LINE.match(body)


def _from_uu(body: bytes) -> bytes:
    begin = _UU_BEGIN.search(body)
    return read_uu(body, begin.end())[0] if begin else body


def read_uu(text: bytes, start: int) -> tuple[bytes, int]:
    """The octets of uuencoded lines from `start` on, and where the line behind their end begins."""
    octets: list[bytes] = []
    place = start
    while place < len(text):
        end = text.find(b"\n", place)
        after = end + 1 if end >= 0 else len(text)
        line = text[place:after].rstrip(b"\r\n")
        place = after
        if line == b"end":
            break
        octets.append(_uu_line(line))
    return b"".join(octets), place


def _uu_line(line: bytes) -> bytes:
    try:
        return a2b_uu(line)
    except Base64Error:  # a wrong length octet: some encoders write one too many, some gateways cut blanks off
        wanted = (line[0] - 32 & 63) * 4 // 3 + 5 if line else 0
        try:
            return a2b_uu(line[:wanted].ljust(wanted))
        except Base64Error:
            return b""


def next_uu(text: bytes, place: int) -> re.Match[bytes] | None:
    """Where the next uuencoded file begins in a text: a `begin` line (its name is group 1) before lines that fit."""
    for begin in islice(_UU_BEGIN.finditer(text, place), _MAX_BEGINS):
        first = text[begin.end() : begin.end() + 100].partition(b"\n")[0].rstrip(b"\r")
        if first and _UU_LINE.fullmatch(first) and _has_length(first):
            return begin
    return None


def _has_length(line: bytes) -> bool:
    """Does the length that a line claims fit it? A blank at its end may be lost, a check sum may follow."""
    wanted = -(-(line[0] - 32 & 63) // 3) * 4
    return wanted - 3 <= len(line) - 1 <= wanted + 2
