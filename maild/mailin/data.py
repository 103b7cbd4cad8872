"""The text of a mail as it comes over the wire (RFC 5321 §4.5.2): where it ends, its dots, its line ends."""

import asyncio
import re

from maild.core.errors import MaildError
from maild.mailin.replies import BadText
from maild.mailin.room import Share

_END = b".\r\n"
_LINE_END = re.compile(rb"\r{1,2}\n|\r|\n")  # some gateways turn CRLF into CR CR LF


async def read_mail(reader: asyncio.StreamReader, share: Share) -> bytes:
    """The mail that follows the reply 354, without its transparency dots.

    Only CRLF.CRLF ends it (RFC 5321 §4.1.1.4): anything else would let a mail smuggle in a second one. What must be
    refused is read to the end all the same, but no longer kept, and then raised: TooBig, BadText or Crowded.
    Raises asyncio.IncompleteReadError if the client leaves in between. A line may be as long as the reader's limit.
    """
    content = bytearray()
    trouble: MaildError | None = None
    is_line_start = True
    while True:
        try:
            piece = await reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            piece = await reader.read(error.consumed)
            trouble = trouble or BadText("a line is too long")
        if is_line_start and piece == _END:
            break
        if trouble is None:
            trouble = _trouble_with(piece, share)
            content += piece[1:] if is_line_start and piece.startswith(b".") else piece
        if trouble is not None:
            content.clear()
            share.release()
        is_line_start = piece.endswith(b"\r\n")
    if trouble is not None:
        raise trouble
    return bytes(content)


def _trouble_with(piece: bytes, share: Share) -> MaildError | None:
    try:
        share.take(len(piece))
    except MaildError as error:
        return error
    return None


def has_bare_newline(raw: bytes) -> bool:
    """Is there a CR without LF or an LF without CR (RFC 5321 §2.3.8 forbids both)?"""
    return not raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n")


def with_crlf(raw: bytes) -> bytes:
    """The same text with CRLF at the end of every line, whatever stood there."""
    return _LINE_END.sub(b"\r\n", raw) if has_bare_newline(raw) else raw
