"""One connection to an IMAP server: aioimaplib's protocol with its ears replaced.

The library waits for ever when a connection is lost, a server says BYE or a login is refused, fails on a thousand
lines at once, passes over ESEARCH, and writes what it hears into the log. So responses are read, handed to the one
command under way and timed here; what the library does is to number, write and await the commands.
"""

import asyncio
import logging
from collections.abc import Iterable

from aioimaplib.aioimaplib import AioImapException, Command, CommandTimeout, IMAP4ClientProtocol

from maild.mailbox.protocol import ConnectionLost, ServerRefused
from maild.mailbox.responses import Parts, ResponseReader, code_of

logging.getLogger("aioimaplib").setLevel(logging.CRITICAL)  # it logs mails and passwords

PATIENCE = 60.0  # seconds without an octet from the server, or to it, while it owes an answer
_PROMPT = 20.0  # seconds for what a server does at once: begin and end an IDLE
_PIECE = 1 << 16  # octets that are handed to the socket at once
_NEWS = (b"EXISTS", b"EXPUNGE", b"FETCH", b"VANISHED")


class Question(Command):  # type: ignore[misc] # untyped
    """A command under way, and what the server has said since.

    `answers` are given to the server's continuation requests, in this order; then come empty lines, which is how a
    refused login is brought to its end (RFC 7628 §3.2.3). `literal` is what it asks for instead (APPEND). `patience` is
    in seconds, None for ever.
    """

    def __init__(
        self,
        name: str,
        tag: str,
        *args: str,
        prefix: str = "",
        answers: Iterable[str] = (),
        literal: bytes | None = None,
        patience: float | None,
    ) -> None:
        super().__init__(name, tag, *args, prefix=prefix, timeout=patience)
        self.answers = list(answers)
        self.literal = literal
        self.responses: list[Parts] = []
        self.text = b""
        self.has_news = False
        self.invited = asyncio.Event()
        self.stirred = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Does the server owe an answer?"""
        return not self._event.is_set()

    def heard(self) -> None:
        """Something came or went: the time runs anew."""
        if self.is_open:
            self._reset_timer()

    def add(self, parts: Parts, *, is_news: bool) -> None:
        """An untagged response."""
        self.responses.append(parts)
        if is_news:
            self.has_news = True
            self.stirred.set()

    def end(self, result: str, text: bytes) -> None:
        """The tagged answer."""
        self.text = text
        self.close(text, result)
        self._stop_waiting()

    def fail(self, error: Exception) -> None:
        """There will be no answer."""
        self._exception = error
        self._timer.cancel()
        self._event.set()
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        self.invited.set()
        self.stirred.set()


class Connection(IMAP4ClientProtocol):  # type: ignore[misc] # untyped
    """A connection, from its greeting to its end. `state` is the library's: NONAUTH, AUTH, SELECTED."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.lost = ""  # why, once it is
        self.exists = 0  # messages in the selected folder
        self.has_news = False  # have there been more since somebody set this to False?
        self._greeting = b""
        self._greeted = asyncio.Event()
        self._gone = asyncio.Event()
        self._turn = asyncio.Lock()
        self._reader = ResponseReader()
        self._question: Question | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._uploads: set[asyncio.Task[None]] = set()

    async def greeting(self) -> bytes:
        """The first line of the server. Raises ConnectionLost."""
        await self._greeted.wait()
        if self.lost:
            raise ConnectionLost(self.lost)
        return self._greeting

    async def wait_lost(self, seconds: float) -> None:
        """Do nothing for so long. Raises ConnectionLost as soon as the connection is gone."""
        try:
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        except TimeoutError:
            return
        raise ConnectionLost(self.lost)

    async def ask(
        self, name: str, *args: str, prefix: str = "", answers: Iterable[str] = (), literal: bytes | None = None
    ) -> Question:
        """Send a command and wait for its end. Raises ServerRefused for NO and BAD, ConnectionLost without an answer.

        If whoever asks is cancelled, the connection ends: the answer would be taken for another question's.
        """
        async with self._turn:
            tag = self.new_tag()
            question = Question(name, tag, *args, prefix=prefix, answers=answers, literal=literal, patience=PATIENCE)
            return await self._ask(question)

    async def _ask(self, question: Question) -> Question:
        if self.lost:
            raise ConnectionLost(self.lost)
        self._question = question
        try:
            result = (await self.execute(question)).result
        except ConnectionLost:
            raise
        except CommandTimeout as error:
            raise self._lose(f"no answer to {question.name} within {PATIENCE:g} s") from error
        except AioImapException as error:
            raise self._lose(str(error)) from error
        except BaseException:
            self.give_up(f"{question.name} was cancelled")
            raise
        finally:
            self._question = None
        if result.upper() != "OK":
            said = question.text.decode("utf-8", "replace")
            raise ServerRefused(f"{question.name}: {result} {said}", code_of(question.text)[0])
        return question

    async def idle(self, seconds: float) -> bool:
        """Wait until the server tells of a change, at most so long; whether it has. Raises as `ask`."""
        async with self._turn:
            question = Question("IDLE", self.new_tag(), patience=None)
            answer = asyncio.ensure_future(self._ask(question))
            try:
                await self._idle(question, seconds)
                async with asyncio.timeout(_PROMPT):
                    await asyncio.shield(answer)
            except TimeoutError as error:
                raise self._lose("no answer to IDLE") from error
            except asyncio.CancelledError:
                self.give_up("IDLE was cancelled")
                raise
            finally:
                await asyncio.wait([answer])
                answer.exception()
        return question.has_news

    async def _idle(self, question: Question, seconds: float) -> None:
        async with asyncio.timeout(_PROMPT):
            await question.invited.wait()
        try:
            async with asyncio.timeout(seconds):
                await question.stirred.wait()
        except TimeoutError:
            pass  # nothing has happened, as mostly
        if question.is_open:
            self.send("DONE")

    def _lose(self, why: str) -> ConnectionLost:
        self.give_up(why)
        return ConnectionLost(self.lost)

    def give_up(self, why: str) -> None:
        """Hang up at once; whatever waits is told why. Twice does no harm."""
        self.lost = self.lost or why
        self._forget_command()
        for upload in self._uploads:
            upload.cancel()
        if self.transport is not None:
            self.transport.abort()
        if self._question is not None and self._question.is_open:
            self._question.fail(ConnectionLost(self.lost))
        self._greeted.set()
        self._gone.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone, or we are."""
        self.give_up(f"connection lost: {exc}" if exc else "connection lost")

    def pause_writing(self) -> None:
        """More is on its way to the server than fits."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """There is room again."""
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        """Octets from the server."""
        if self._question is not None:
            self._question.heard()
        try:
            for parts in self._reader.feed(data):
                self._take(parts)
        except ValueError as error:
            self.give_up(f"the server sends {error}")

    def _take(self, parts: Parts) -> None:
        line, question = parts[0], self._question
        if not self._greeted.is_set():
            self._greet(line)
        elif line.startswith(b"* "):
            self._take_untagged(parts)
        elif question is None:
            return  # nobody has asked
        elif line.startswith(b"+"):
            self._take_invitation(question)
        elif line.startswith(question.tag.encode() + b" "):
            self._take_end(question, line)

    def _greet(self, line: bytes) -> None:
        word = line[2:].split(b" ", 1)[0].upper()
        if word in (b"OK", b"PREAUTH"):
            self.state = "NONAUTH" if word == b"OK" else "AUTH"
            self._greeting = line
            self._greeted.set()
        else:
            self.give_up(f"the server greets with {_shown(line)}")

    def _take_untagged(self, parts: Parts) -> None:
        words = parts[0].split(b" ", 3)
        kind = words[2].upper() if words[1].isdigit() and len(words) > 2 else words[1].upper()
        question = self._question
        if kind == b"BYE" and (question is None or question.name != "LOGOUT"):
            self.give_up(f"the server says {_shown(parts[0][2:])}")
            return
        is_news = kind in _NEWS
        if kind == b"EXISTS":
            is_news = int(words[1]) != self.exists  # some servers say it every minute, to keep the line open
            self.has_news = self.has_news or int(words[1]) > self.exists
            self.exists = int(words[1])
        elif kind == b"EXPUNGE":
            self.exists = max(self.exists - 1, 0)
        if question is not None:
            question.add(parts, is_news=is_news)

    def _take_invitation(self, question: Question) -> None:
        question.invited.set()
        if question.literal is not None:
            upload = self.loop.create_task(self._upload(question, memoryview(question.literal)))
            self._uploads.add(upload)
            upload.add_done_callback(self._uploads.discard)
        elif question.name == "AUTHENTICATE":
            self.transport.write(f"{question.answers.pop(0) if question.answers else ''}\r\n".encode())

    async def _upload(self, question: Question, data: memoryview) -> None:
        """In pieces, as fast as the server takes them: 25 MiB may take minutes, during which it says nothing.

        Between two of them the event loop has its turn, however quick the server is: it hears a refusal then.
        """
        for start in range(0, len(data), _PIECE):
            await asyncio.sleep(0)
            await self._may_write.wait()
            question.heard()
            self.transport.write(data[start : start + _PIECE])
        self.transport.write(b"\r\n")

    def _take_end(self, question: Question, line: bytes) -> None:
        self._forget_command()
        result, _, text = line.partition(b" ")[2].partition(b" ")
        question.end(result.decode("latin-1"), text)
        if any(not upload.done() for upload in self._uploads):
            self.give_up(f"{question.name} was answered before it was over")  # the rest would be read as commands

    def _forget_command(self) -> None:
        """The library's own notes of what is under way."""
        self.pending_sync_command = None
        self.pending_async_commands.clear()


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace")
