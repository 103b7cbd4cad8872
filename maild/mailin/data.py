"""The text of a mail as it comes over the wire (RFC 5321 §4.5.2): where it ends, its dots."""

import asyncio

from maild.core.errors import MaildError
from maild.mailin.replies import BadText
from maild.mailin.room import Share

MAX_LINE = 1 << 16  # octets of a line without its CRLF, of commands and of text

_END = b".\r\n"


async def read_mail(reader: asyncio.StreamReader, share: Share, max_line: int = MAX_LINE) -> bytes:
    """The mail that follows the reply 354, without its transparency dots, read in pieces as they arrive.

    Only CRLF.CRLF ends it (RFC 5321 §4.1.1.4): anything else would let a mail smuggle in a second one. What must be
    refused is read to the end all the same, but no longer kept, and then raised: TooBig, BadText or Crowded.
    Raises asyncio.IncompleteReadError if the client leaves in between. What came behind the end stays in the reader.
    """
    text = _Text(share, max_line)
    while not text.is_complete:
        piece = await reader.read(_PIECE)
        if not piece:
            raise asyncio.IncompleteReadError(b"", None)
        text.add(piece)
    if text.rest:
        # No public way leads back into a StreamReader; aiosmtpd takes the same one when it clears the buffer.
        reader._buffer[:0] = text.rest  # type: ignore[attr-defined]
    return text.mail()


_PIECE = 1 << 18  # octets; the reader stops the client at twice MAX_LINE
_WHOLE_END = b"\r\n.\r\n"


class _Text:
    """The text of one mail as far as it has come. What is refused is not kept."""

    def __init__(self, share: Share, max_line: int) -> None:
        self._share = share
        self._max_line = max_line
        self._content = bytearray(b"\r\n")  # that of the DATA command: a dot may follow at once
        self._searched = 0
        self._counted = 0
        self._line_start = 2
        self._trouble: MaildError | None = None
        self.is_complete = False
        self.rest = b""

    def add(self, piece: bytes) -> None:
        """The next octets from the client, which may be cut anywhere."""
        content = self._content
        content += piece
        end = content.find(_WHOLE_END, self._searched)
        if end >= 0:
            self.is_complete = True
            self.rest = bytes(memoryview(content)[end + len(_WHOLE_END) :])
            del content[end + 2 :]
        self._searched = max(0, len(content) - len(_WHOLE_END) + 1)
        if self._trouble is None:
            self._trouble = self._look()
        if self._trouble is not None:
            self._share.release()
            del content[: self._searched]
            self._searched = 0

    def _look(self) -> MaildError | None:
        """What is wrong with the text so far. Octets that may be the beginning of its end are not counted yet."""
        sure = len(self._content) - (0 if self.is_complete else 2)
        if self._has_long_line(sure):
            return BadText("a line is too long")
        try:
            self._share.take(max(0, sure - 2 - self._counted))
        except MaildError as error:
            return error
        self._counted = max(self._counted, sure - 2)
        return None

    def _has_long_line(self, sure: int) -> bool:
        longest = self._max_line + 2
        while sure - self._line_start > longest:
            newline = self._content.rfind(b"\r\n", self._line_start, self._line_start + longest)
            if newline < 0:
                return True
            self._line_start = newline + 2
        return False

    def mail(self) -> bytes:
        """The mail. Raises what was wrong with it."""
        if self._trouble is not None:
            raise self._trouble
        content = self._content
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        return bytes(memoryview(content)[2:])


async def read_mail_by_line(reader: asyncio.StreamReader, share: Share) -> bytes:
    """The same as `read_mail`, line by line: slower, with nothing but the public side of the reader.

    A line may be as long as the reader's limit.
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
