"""Commands in any order and any bytes at the doors.

The invariant: whatever a client sends, cut anywhere, each line gets exactly the reply that `tests.mailin.model` says,
and never one about our own trouble; each 250 to a text stands for exactly one mail in the ledger, to the octet, and
nothing else does; RSET always leads back to a door that takes mail; and no client is noticed by another. `make soak`
plays thousands, MAILD_FUZZ_SEED repeats one.
"""

import asyncio
import logging
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from maild.core.identity import identity_of
from maild.core.passwords import read_hash
from maild.mailin.access import Access
from tests.mailin.doors import Client, Scene, open_door
from tests.mailin.model import MAIL, MAX_SIZE, OTHERS, RCPT, Receiver

SEED = int(os.environ.get("MAILD_FUZZ_SEED") or 1042)
_REPLY = re.compile(r"[2-5][0-9][0-9][ -][\x20-\x7e]*")
_KEPT = re.compile(r"250 2\.0\.0 mail ([0-9]+) is in the ledger")
_COMMANDS = [
    b"EHLO client.example", b"HELO client.example", b"LHLO client.example", b"EHLO", b"LHLO", b"QUIT",
    b"DATA", b"DATA now", b"HELP", b"EXPN staff", b"STARTTLS", b"AUTH PLAIN AGEAYg==", b"GET / HTTP/1.1",
    *MAIL, *RCPT, *OTHERS,
]  # fmt: skip
_HELLO = (b"EHLO client.example", b"LHLO client.example")
_TEXT = [
    b"", b"From: ivan@client.example", b"To: billing@desk.example", b"Hello.", b"..", b".. two", b".RSET", b"\0\xff",
    b"Message-ID: <same@client.example>", b"QUIT", b"x" * 900, b"\r.", b".\n", b"a\rb",
]  # fmt: skip


def sensible(receiver: Receiver) -> bytes:
    """What a client says that wants to send a mail."""
    if not receiver.has_said_hello:
        return _HELLO[receiver.is_lmtp]
    if not receiver.has_sender:
        return b"MAIL FROM:<ivan@client.example>"
    return b"DATA" if receiver.recipients > 1 else b"RCPT TO:<billing@desk.example>"


def lines(dice: random.Random, receiver: Receiver, name: str) -> Iterator[bytes]:
    """The lines of a client that mostly knows what it does; in the end it comes to reason and sends a mail."""
    for number in range(dice.randrange(5, 40)):
        if receiver.text == bytearray() and dice.random() < 0.9:
            yield f"Subject: {name} {number}\r\n".encode()
        elif receiver.text is not None:
            yield dice.choice([b".", b".", dice.choice(_TEXT), b"y" * dice.choice((9, MAX_SIZE, 70_000))]) + b"\r\n"
        else:
            odd = [*_COMMANDS, *_COMMANDS, *_TEXT[:9], b"z" * 600, b"z" * 70_000]
            line = sensible(receiver) if dice.random() < 0.6 else dice.choice(odd)
            yield line + dice.choice([b"\r\n"] * 9 + [b"\n"])
    if receiver.text is not None:
        yield b".\r\n"
    yield b"RSET\r\n"
    while receiver.text is None:
        yield sensible(receiver) + b"\r\n"
    yield f"Subject: {name} last\r\n\r\n".encode()
    yield b".\r\n"


def in_pieces(octets: bytes, dice: random.Random) -> Iterator[bytes]:
    """The same octets, cut anywhere."""
    while octets:
        cut = dice.choice((1, 2, 7, 100, 5_000, len(octets)))
        yield octets[:cut]
        octets = octets[cut:]


class Books:
    """What was promised, against the ledger."""

    def __init__(self) -> None:
        self.mails: dict[int, bytes] = {}

    def note(self, reply: str, mail: bytes) -> None:
        """That reply was given for that mail."""
        match = _KEPT.fullmatch(reply)
        assert match, reply
        first = self.mails.setdefault(int(match[1]), mail)
        assert identity_of(first) == identity_of(mail)

    async def compare(self, scene: Scene) -> None:
        """All that was promised and nothing else is there, to the octet."""
        assert {row.id for row in await scene.mails()} == set(self.mails)
        for number, mail in self.mails.items():
            assert await scene.raw(number) == mail


async def play(scene: Scene, dice: random.Random, receiver: Receiver, name: str, books: Books) -> None:
    """One client: line by line, or everything at once and cut anywhere."""
    client = await scene.client()
    assert (await client.reply()).startswith("220 ")
    is_whole, waiting = dice.random() < 0.5, bytearray()
    owed: list[tuple[bytes, str, bytes | None]] = []  # line, code, mail
    for line in lines(dice, receiver, name):
        before = len(receiver.taken)
        owed += [
            (line, code, receiver.taken[-1] if len(receiver.taken) > before else None) for code in receiver.hear(line)
        ]
        waiting += line
        if not is_whole:
            await settle(client, waiting, owed, books, dice)
        if receiver.is_closed:
            break
    else:
        assert receiver.taken, "reason prevails"
    await settle(client, waiting, owed, books, dice)
    if receiver.is_closed:
        assert await client.line() == ""
    await client.leave()


async def settle(
    client: Client,
    waiting: bytearray,
    owed: list[tuple[bytes, str, bytes | None]],
    books: Books,
    dice: random.Random,
) -> None:
    """Send what waits and read what is owed for it."""
    for piece in in_pieces(bytes(waiting), dice):
        client.send(piece)
        await asyncio.sleep(0)
    for line, codes, mail in owed:
        reply = await client.reply()
        assert _REPLY.fullmatch(reply), reply
        assert "our own" not in reply
        assert reply[:3] in codes.split("|"), (line[:80], codes, reply)
        if mail is not None:
            books.note(reply, mail)
        else:
            assert not _KEPT.fullmatch(reply)
    waiting.clear()
    owed.clear()


def play_dialogues(door: str, folder: Path, count: int) -> None:
    """That many clients of one door, four at a time."""

    async def go() -> None:
        books = Books()
        async with open_door(folder, door, max_size=MAX_SIZE, max_commands=10**6, greeting_pause=0) as scene:
            for number in range(SEED, SEED + count, 4):
                clients = [
                    play(scene, random.Random(seed), Receiver(is_lmtp=door == "lmtp"), f"{seed}", books)
                    for seed in range(number, number + 4)
                ]
                await asyncio.gather(*clients)
            await books.compare(scene)
            assert scene.door.is_empty

    asyncio.run(go())


_WHOLE = (
    b"%b\r\nMAIL FROM:<ivan@client.example> SIZE=100\r\nRCPT TO:<billing@desk.example>\r\nDATA\r\n"
    b"From: ivan@client.example\r\nSubject: %b\r\n\r\nHello.\r\n..\r\n.\r\nRSET\r\nNOOP\r\nAUTH PLAIN\r\n=\r\n"
    b"VRFY x\r\nXFORWARD ADDR=[IPV6:::1]\r\nMAIL FROM:<>\r\nRCPT TO:<tech@desk.example>\r\nDATA\r\n"
    b"Subject: 2 %b\r\n\r\n.\r\n"
)
_SPOILT = [
    b"\r", b"\n", b"\r\n", b".\r\n", b"\r\n.\r\n", b"\0", b"\xff", b" <", b'"', b"@", b"*\r\n", b"DATA\r\n", b"",
]  # fmt: skip
_NOBODY = read_hash("$scrypt$ln=10,r=8,p=1$bm9ib2R5IGlzIGhlcmU$" + "A" * 43)


def spoilt(octets: bytes, dice: random.Random) -> bytes:
    """Octets with some more, fewer or others in places."""
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(octets))
        octets = octets[:at] + dice.choice(_SPOILT) + octets[at + dice.choice((0, 0, 1, 5, 60)) :]
    return octets


async def blurt(scene: Scene, dice: random.Random, hello: bytes, name: bytes) -> set[int]:
    """One client that does not listen, comes to its senses and takes its leave; the mails it was promised."""
    client = await scene.client()
    if dice.random() < 0.95:  # who speaks before the greeting is sent away
        assert (await client.reply()).startswith("220 ")
    for piece in in_pieces(spoilt(_WHOLE % (hello, name, name), dice), dice):
        client.send(piece)
        await asyncio.sleep(0)
    client.send(b"\r\n.\r\n*\r\n*\r\nRSET\r\nQUIT\r\n")
    replies = []
    while reply := await client.reply():
        assert _REPLY.fullmatch(reply), reply
        assert "our own" not in reply
        replies.append(reply)
    await client.leave()
    end = [one[:3] for one in replies[-2:]]
    assert end == ["250", "221"] or end[-1:] in (["421"], ["502"], ["554"]) or not end, replies
    return {int(match[1]) for one in replies if (match := _KEPT.fullmatch(one))}


def play_spoilt(door: str, folder: Path, count: int) -> None:
    """That many clients that send octets of all sorts at a door where one can log in."""

    async def go() -> None:
        access = Access(users={"anna@office.example": _NOBODY})
        settings = {"max_size": MAX_SIZE, "access": access, "failure_pause": 0, "greeting_pause": 0}
        async with open_door(folder, door, unix=True, **settings) as scene:
            promised: set[int] = set()
            for seed in range(SEED, SEED + count):
                hello = _HELLO[door == "lmtp"]
                promised |= await blurt(scene, random.Random(seed), hello, str(seed).encode())
            assert {row.id for row in await scene.mails()} == promised
            assert len(promised) > count // 2
            assert scene.door.is_empty

    asyncio.run(go())


@pytest.mark.parametrize("door", ["smtp", "lmtp"])
def test_octets_of_all_sorts_leave_the_door_as_it_was(
    door: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    play_spoilt(door, tmp_path, 80)
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("door", ["smtp", "lmtp"])
def test_every_order_of_commands_gets_its_replies(door: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    play_dialogues(door, tmp_path, 60)
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


@pytest.mark.soak
@pytest.mark.parametrize("door", ["smtp", "lmtp"])
def test_thousands_of_clients_find_nothing(door: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number, run in enumerate((play_dialogues, play_spoilt)):
        (folder := tmp_path / f"{number}").mkdir()
        run(door, folder, 4_000)
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
