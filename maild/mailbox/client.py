"""A mailbox on an IMAP server: the questions of protocol.py as commands of RFC 3501 and its extensions.

Servers without MOVE, UIDPLUS, IDLE or SPECIAL-USE get what does the same.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from maild.core.errors import Unreachable
from maild.mailbox.connection import Connection, Question
from maild.mailbox.names import decoded_name, encoded_name, quoted, read_date, written_date
from maild.mailbox.protocol import BATCH, Folder, Message, Selected, ServerRefused
from maild.mailbox.responses import Value, code_of, fetched, numbers_in, searched, sequence_of, values_of

_IDLE = 540.0  # seconds; many a server or router ends an IDLE after ten minutes (RFC 2177 says 29)
_POLL = 15.0  # seconds between two looks at a server without IDLE
_LEAVE = 3.0  # seconds
_USES = ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash")


class ImapMailbox:
    """See `maild.mailbox.protocol.Mailbox`; `maild.mailbox.login.connect` makes one."""

    def __init__(self, connection: Connection, capabilities: frozenset[str]) -> None:
        self._connection = connection
        self._capabilities = capabilities

    @property
    def is_lost(self) -> bool:
        """Is the connection gone?"""
        return bool(self._connection.lost)

    async def select(self, folder: str, *, read_only: bool = False) -> Selected:
        """SELECT or EXAMINE."""
        question = await self._ask("EXAMINE" if read_only else "SELECT", _folder(folder))
        self._connection.state = "SELECTED"
        self._connection.has_news = False
        codes = {name: words[0] for name, words in _codes(question) if words}
        uidvalidity, uidnext = codes.get("UIDVALIDITY", ""), codes.get("UIDNEXT", "")
        if not uidvalidity.isdigit():
            raise ServerRefused(f"SELECT: {folder} has no UIDVALIDITY, so that its messages have no lasting names")
        return Selected(int(uidvalidity), int(uidnext) if uidnext.isdigit() else 0, self._connection.exists)

    async def uids(self, first: int = 1) -> list[int]:
        """The UIDs from `first` on, ascending."""
        self._connection.has_news = False  # what comes from now on may not be in the answer
        # "n:*" always holds the last message, however small its UID (RFC 3501 §6.4.8).
        return [uid for uid in await self._search("UID", f"{first}:*") if uid >= first]

    async def uids_with(self, message_id: str) -> list[int]:
        """The UIDs of messages with that Message-ID, ascending."""
        if not message_id.isascii() or not message_id.isprintable():
            return []
        return await self._search("HEADER", "Message-ID", quoted(message_id))

    async def _search(self, *criteria: str) -> list[int]:
        question = await self._ask("SEARCH", *criteria, prefix="UID")
        return sorted({uid for parts in question.responses for uid in searched(parts) or ()})

    async def messages(self, uids: Iterable[int]) -> list[Message]:
        """Those of them that are there, ascending, without their text."""
        items = await self._fetch(uids, "(UID FLAGS INTERNALDATE RFC822.SIZE)")
        return [_message(uid, each) for uid, each in sorted(items.items())]

    async def headers(self, uids: Iterable[int]) -> dict[int, bytes]:
        """The header sections of those of them that are there."""
        items = await self._fetch(uids, "(UID BODY.PEEK[HEADER])")
        return {uid: text for uid, each in items.items() if isinstance(text := each.get("BODY[HEADER]"), bytes)}

    async def fetch(self, uid: int) -> bytes | None:
        """A whole message, None if it is not there any more."""
        return (await self.bodies([uid])).get(uid)

    async def bodies(self, uids: Iterable[int]) -> dict[int, bytes]:
        """Whole messages, those of them that are there."""
        items = await self._fetch(uids, "(UID BODY.PEEK[])")
        return {uid: text for uid, each in items.items() if isinstance(text := each.get("BODY[]"), bytes)}

    async def beginning(self, uid: int, octets: int) -> bytes | None:
        """The first octets of a message, its header section alone if the server gives no more; None if it is gone."""
        try:
            items = await self._fetch([uid], f"(UID BODY.PEEK[]<0.{octets}>)")
        except ServerRefused:
            items = {}
        text = items.get(uid, {}).get("BODY[]<0>")
        return text if isinstance(text, bytes) else (await self.headers([uid])).get(uid)

    async def _fetch(self, uids: Iterable[int], items: str) -> dict[int, dict[str, Value]]:
        found: dict[int, dict[str, Value]] = {}
        for batch in _batches(uids):
            question = await self._ask("FETCH", sequence_of(batch), items, prefix="UID")
            for parts in question.responses:
                item = fetched(parts)
                uid = item.get("UID")
                if isinstance(uid, bytes) and uid.isdigit() and int(uid) in batch:
                    found.setdefault(int(uid), {}).update(item)
        return found

    async def append(
        self, folder: str, message: bytes, flags: Sequence[str] = (), received_at: datetime | None = None
    ) -> int | None:
        """Put a message into a folder; its UID there if the server tells."""
        words = [_folder(folder)]
        if flags:
            words.append(f"({' '.join(flags)})")
        if received_at is not None:
            words.append(written_date(received_at))
        question = await self._ask("APPEND", *words, f"{{{len(message)}}}", literal=message)
        name, numbers = code_of(question.text)
        return int(numbers[1]) if name == "APPENDUID" and len(numbers) > 1 and numbers[1].isdigit() else None

    async def move(self, uids: Iterable[int], folder: str) -> dict[int, int] | None:
        """Move messages into another folder: old to new UIDs, None if the server does not tell."""
        moved: dict[int, int] = {}
        is_told = True
        for batch in _batches(uids):
            pairs = await self._move(batch, folder)
            is_told = is_told and pairs is not None
            moved |= pairs or {}
        return moved if is_told else None

    async def _move(self, uids: list[int], folder: str) -> dict[int, int] | None:
        has_move = "MOVE" in self._capabilities
        question = await self._ask("MOVE" if has_move else "COPY", sequence_of(uids), _folder(folder), prefix="UID")
        if not has_move:
            await self.remove(uids)
        # The code stands in an untagged OK with MOVE (RFC 6851 §4.3), in the tagged one with COPY (RFC 4315 §3).
        found = [words for name, words in _codes(question) if name == "COPYUID" and len(words) == 3]
        if not found:
            return None
        pairs = [zip(numbers_in(words[1]), numbers_in(words[2]), strict=False) for words in found]
        return {old: new for each in pairs for old, new in each}

    async def remove(self, uids: list[int]) -> None:
        r"""Delete them. Without UIDPLUS an EXPUNGE takes all marked \Deleted: others' marks are lifted meanwhile."""
        await self.store(uids, [r"\Deleted"])
        if "UIDPLUS" in self._capabilities:
            await self._ask("EXPUNGE", sequence_of(uids), prefix="UID")
            return
        ours = set(uids)
        others = [uid for uid in await self._search("DELETED") if uid not in ours]
        await self.store(others, [r"\Deleted"], is_set=False)
        try:
            await self._ask("EXPUNGE")
        finally:
            await self.store(others, [r"\Deleted"])

    async def store(self, uids: Iterable[int], flags: Sequence[str], *, is_set: bool = True) -> None:
        """Set or clear flags and keywords."""
        sign = "+" if is_set else "-"
        for batch in _batches(uids):
            await self._ask("STORE", sequence_of(batch), f"{sign}FLAGS.SILENT", f"({' '.join(flags)})", prefix="UID")

    async def folders(self) -> list[Folder]:
        """All folders, with their special uses (RFC 6154 §5.1; most servers tell them unasked)."""
        can_ask = self._capabilities >= {"SPECIAL-USE", "LIST-EXTENDED"}
        question = await self._ask("LIST", '""', '"*"', *(("RETURN", "(SPECIAL-USE)") if can_ask else ()))
        return [folder for parts in question.responses if (folder := _listed(values_of(parts)))]

    async def create(self, folder: str) -> None:
        """Make a folder, if it is not there, and subscribe to it."""
        try:
            await self._ask("CREATE", _folder(folder))
        except ServerRefused as error:
            if error.code != "ALREADYEXISTS" and folder not in {each.name for each in await self.folders()}:
                raise
        await self._ask("SUBSCRIBE", _folder(folder))

    async def idle(self, seconds: float) -> bool:
        """Wait until something changes in the selected folder, at most so long; whether something has."""
        if self._connection.has_news:
            return True
        if "IDLE" in self._capabilities:
            try:
                return await self._connection.idle(min(seconds, _IDLE))
            except ServerRefused:
                self._capabilities -= {"IDLE"}  # it only said so
        await self._connection.wait_lost(min(seconds, _POLL))
        await self.noop()
        return self._connection.has_news

    async def noop(self) -> None:
        """Does the server still answer?"""
        await self._ask("NOOP")

    async def logout(self) -> None:
        """Take leave and hang up; a server that is gone does not matter."""
        try:
            async with asyncio.timeout(_LEAVE):
                await self._ask("LOGOUT")
        except (Unreachable, ServerRefused, TimeoutError):
            pass  # leaving all the same
        self.close()

    def close(self) -> None:
        """Hang up at once."""
        self._connection.give_up("closed")

    async def _ask(self, name: str, *args: str, prefix: str = "", literal: bytes | None = None) -> Question:
        return await self._connection.ask(name, *args, prefix=prefix, literal=literal)


def _folder(name: str) -> str:
    return quoted(encoded_name(name))


def _batches(uids: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(set(uids))
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def _codes(question: Question) -> list[tuple[str, list[str]]]:
    """The response codes of untagged OKs, then that of the answer."""
    lines = [parts[0] for parts in question.responses]
    return [code_of(line[5:]) for line in lines if line[:5].upper() == b"* OK "] + [code_of(question.text)]


def _message(uid: int, items: dict[str, Value]) -> Message:
    flags, date, size = items.get("FLAGS"), items.get("INTERNALDATE"), items.get("RFC822.SIZE")
    words = flags if isinstance(flags, list) else []
    return Message(
        uid=uid,
        flags=frozenset(each.decode("latin-1") for each in words if isinstance(each, bytes)),
        internaldate=(read_date(date) if isinstance(date, bytes) else None) or datetime.now(UTC),
        size=int(size) if isinstance(size, bytes) and size.isdigit() else 0,
    )


def _listed(response: list[Value]) -> Folder | None:
    match response:
        case [b"*", bytes() as kind, list() as attributes, delimiter, bytes() as name, *_] if kind.upper() == b"LIST":
            marks = {each.decode("latin-1").lower() for each in attributes if isinstance(each, bytes)}
            return Folder(
                name=decoded_name(name),
                delimiter=delimiter.decode("latin-1") if isinstance(delimiter, bytes) else "",
                uses=frozenset(use for use in _USES if use.lower() in marks),
                is_selectable=not marks & {"\\noselect", "\\nonexistent"},
            )
    return None
