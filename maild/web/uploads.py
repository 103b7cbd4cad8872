"""Forms with files: read to the end, onto the disk, as many octets as a mail may have and no more.

What is too much is passed over, so that the browser gets a page instead of a broken connection, and what was typed
stays. Forms put their files last: everything else has been read by then.
"""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import BinaryIO, cast

from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from maild.desk.networks import network_of
from maild.mime.compose import OutgoingAttachment
from maild.mime.names import safe_name
from maild.web.forms import MAX_READ, plain

MAX_FILES = 100
_MAX_FIELDS = 300
_MAX_FIELD = 256 * 1024  # octets of one field: what is longer than a text may be is still shown again
_MAX_TYPED = 1024 * 1024  # octets of all fields together
_OF_ONE = 4  # large forms of one client that come in at once
_LARGE = 1024 * 1024  # octets of such a form, at least
_PASSED_OVER = 4  # times as much as may come: up to there what is too large gets a page
_AT_ONCE = 8  # forms of the largest size in memory at once
_BESIDE = 1024 * 1024  # octets of a form that are none of its files'
_FORM = "application/x-www-form-urlencoded"
_FILES = "multipart/form-data"

Items = Sequence[tuple[str, str | UploadFile]]


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_size` octets may come in one form; free disk below three times that takes none.

    What is on its way lies on that `disk`, beside the database, in files without names: they end with this program.
    """

    max_size: int = 25 * 2**20
    disk: Path = Path(gettempdir())

    def is_disk_low(self, coming: int) -> bool:
        """As for mail: SMTP says 452 then. So many octets are announced and may not be on the disk yet."""
        return shutil.disk_usage(self.disk).free - coming < 3 * self.max_size


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it came. `fault` says why there are no files: size, files (too many), disk, busy, long (a cut field).

    It is "" if all is well.
    """

    fields: Sequence[tuple[str, str]]
    files: tuple[OutgoingAttachment, ...] = ()
    fault: str = ""

    def get(self, name: str) -> str:
        """The last value of a field, "" without one."""
        return next((value for key, value in reversed(self.fields) if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.fields if key == name]

    def mark(self) -> str:
        """The same for the same form with the same files, sent again; of another one it is another. For a thread."""
        digest = sha256(json.dumps(list(self.fields)).encode())
        for file in self.files:
            digest.update(f"\0{file.name}\0{file.type}\0{len(file.content)}\0".encode())
            digest.update(file.content)
        return digest.hexdigest()[:32]

    def has(self, name: str) -> bool:
        """Is there such a field, or was such a button pressed?"""
        return any(key == name for key, _ in self.fields)


class _TooMuch(Exception):
    """More octets than may come."""


class Uploads:
    """Reads the forms of one application. Files are in memory only until their mail is written, so many at a time.

    `turn`: so many of them are made mails of at once, which takes twice the room again.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.turn = asyncio.Semaphore(2)
        self._left = _AT_ONCE * limits.max_size
        self._coming = 0  # octets of files on their way
        self._large: Counter[str] = Counter()  # forms on their way, by network

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[Sent]:
        """The form of a request, with its files as long as this lasts; no fields if it is none.

        Raises HTTPException 413 for far too much.
        """
        sent = await self._read_in_turn(request)
        octets = sum(len(file.content) for file in sent.files)
        self._left -= octets
        try:
            yield sent
        finally:
            self._left += octets

    async def _read_in_turn(self, request: Request) -> Sent:
        """Large forms of one client come a few at a time; beyond that their files are passed over."""
        network, octets = network_of(request.client.host if request.client else ""), self._announced(request.headers)
        is_crowded = self._large[network] >= _OF_ONE
        self._large[network] += (is_large := octets > _LARGE)
        self._coming += octets
        try:
            return await self._read(request, is_crowded=is_large and is_crowded)
        finally:
            self._coming -= octets
            self._large[network] -= is_large
            if not self._large[network]:
                del self._large[network]

    def _announced(self, headers: Headers) -> int:
        length = headers.get("content-length", "")
        limit = self.limits.max_size + _BESIDE
        return min(int(length), limit) if length.isascii() and length.isdigit() and len(length) < 18 else limit

    async def _read(self, request: Request, *, is_crowded: bool) -> Sent:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = _Body(request.stream(), self.limits.max_size + _BESIDE if kind == _FILES else MAX_READ)
        try:
            sent = await self._parsed(kind, request.headers, body, is_crowded=is_crowded)
            await body.pass_over()
        except ClientDisconnect as error:
            raise HTTPException(400) from error  # nobody is there to read it
        return sent

    async def _parsed(self, kind: str, headers: Headers, body: "_Body", *, is_crowded: bool) -> Sent:
        if kind == _FILES:
            return await self._with_files(headers, body, is_crowded=is_crowded)
        return _sent(await _typed(headers, body)) if kind == _FORM else Sent(())

    async def _with_files(self, headers: Headers, body: "_Body", *, is_crowded: bool) -> Sent:
        is_low = self.limits.is_disk_low(self._coming)
        parser = _Parser(
            headers, body.counted(), max_files=MAX_FILES + 1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD
        )
        parser.folder = self.limits.disk
        parser.keeps_files = not (is_low or is_crowded)
        try:
            await parser.parse()
            found = [one for name, one in parser.items if isinstance(one, UploadFile) and (one.filename or one.size)]
            fault = self._fault(found, is_low=is_low) if parser.is_whole else "files"
            fault = fault or ("long" if parser.is_cut else "busy" if is_crowded and found else "")
            return _sent(parser.items, () if fault else tuple([await _file(one) for one in found]), fault)
        except _TooMuch:
            return _sent(parser.items, fault="size")
        except MultiPartException:
            return _sent(parser.items, fault="files")
        finally:
            parser.close()

    def _fault(self, found: Sequence[UploadFile], *, is_low: bool) -> str:
        if sum(one.size or 0 for one in found) > self.limits.max_size:
            return "size"
        if sum(one.size or 0 for one in found) > self._left:
            return "busy"
        return "files" if len(found) > MAX_FILES else "disk" if is_low and found else ""


class _Parser(MultiPartParser):
    """Files are in memory only as long as they are small, then in `folder`."""

    spool_max_size = 256 * 1024  # octets
    folder: Path
    _typed = 0  # octets of all fields so far
    keeps_files = True  # else their content is passed over: there is no room for it
    is_cut = False  # there was more in a field than anybody types
    is_whole = False  # the closing boundary was there; else a file may be missing that its sender believes we have

    def on_end(self) -> None:
        """Called by the parser at the closing boundary."""
        self.is_whole = True

    def close(self) -> None:
        """Let go of all files, also of one that came without its end."""
        for file in self._files_to_close_on_error:
            file.close()

    def on_headers_finished(self) -> None:
        """Called by the parser when a part begins; it would write a file into the directory of the system."""
        super().on_headers_finished()
        upload = self._current_part.file
        if upload is not None:
            self._files_to_close_on_error.pop().close()
            spool = SpooledTemporaryFile(self.spool_max_size, dir=str(self.folder))  # noqa: SIM115 - closed by close()
            self._files_to_close_on_error.append(spool)
            upload.file = cast(BinaryIO, spool)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Called by the parser for each piece of a part."""
        if self._current_part.file is None:
            kept = min(end - start, _MAX_FIELD - len(self._current_part.data), _MAX_TYPED - self._typed)
            self.is_cut |= kept < end - start
            self._typed += kept
            super().on_part_data(data, start, start + kept)
        elif self.keeps_files:
            super().on_part_data(data, start, end)


class _Body:
    """The octets of a request, counted."""

    def __init__(self, stream: AsyncGenerator[bytes, None], limit: int) -> None:
        self._stream, self._limit, self._octets = stream, limit, 0

    async def counted(self) -> AsyncGenerator[bytes, None]:
        """Raises _TooMuch beyond the limit; the rest is still there."""
        async for chunk in self._stream:
            self._octets += len(chunk)
            if self._octets > self._limit:
                raise _TooMuch
            yield chunk

    async def pass_over(self) -> None:
        """Read the rest and forget it. Raises HTTPException 413 for what does not come to an end."""
        async for chunk in self._stream:
            self._octets += len(chunk)
            if self._octets > _PASSED_OVER * self._limit:
                raise HTTPException(413)


async def _typed(headers: Headers, body: _Body) -> Items:
    """A form without files. Raises HTTPException 413: nobody types that much."""
    try:
        form = await FormParser(headers, body.counted(), max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD).parse()
    except (_TooMuch, MultiPartException) as error:
        await body.pass_over()
        raise HTTPException(413) from error
    return form.multi_items()


def _sent(items: Items, files: tuple[OutgoingAttachment, ...] = (), fault: str = "") -> Sent:
    fields = [(name, plain(value)) for name, value in items if isinstance(value, str)]
    return Sent(fields, files, fault)


async def _file(upload: UploadFile) -> OutgoingAttachment:
    kind = (upload.content_type or "").partition(";")[0].strip().lower()
    return OutgoingAttachment(safe_name(upload.filename or ""), kind or "application/octet-stream", await upload.read())
