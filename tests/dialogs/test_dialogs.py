"""Plays the dialogues of smtp/ and lmtp/ against real doors.

A dialogue is a text file, one line each:

    # a comment                   ! trusted | unix | NAME NUMBER: the client's standing, a setting of the door
    C: a line from the client     C> octets with \\r \\n \\0 \\xff escapes, and no line end of their own
    S: how a line begins          S~ what a line matches as a whole          S. the server closes
    = how many mails are in the ledger by now

Lines of the client that follow each other go out in one piece, as a pipelining client's do (RFC 2920).
"""

import asyncio
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.mailin.doors import LOOPBACK, Client, Scene, open_door

HERE = Path(__file__).parent
DIALOGUES = sorted(HERE.glob("*/*.txt"))


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: f"{path.parent.name}/{path.stem}")
@pytest.mark.parametrize("reads_by_line", [False, True], ids=["whole", "by line"])
def test_the_dialogue_goes_as_written(path: Path, reads_by_line: bool, tmp_path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    asyncio.run(play(lines, path.parent.name, tmp_path, reads_by_line=reads_by_line))


async def play(lines: list[str], door: str, folder: Path, *, reads_by_line: bool) -> None:
    unix, settings = standing([line[1:].split() for line in lines if line.startswith("!")])
    settings["reads_by_line"] = reads_by_line
    async with open_door(folder, door, unix=unix, **settings) as scene:
        client = await scene.client()
        talk = [line for line in lines if not line.startswith("!")]
        for is_clients, group in groupby(talk, lambda line: line.startswith("C")):
            if is_clients:
                client.send(b"".join(octets(line) for line in group))
            else:
                for line in group:
                    await check(line, client, scene)
        await client.leave()


def standing(directives: list[list[str]]) -> tuple[bool, dict[str, Any]]:
    settings: dict[str, Any] = {words[0]: float(words[1]) for words in directives if len(words) == 2}
    settings = {name: int(value) if value == int(value) else value for name, value in settings.items()}
    if ["trusted"] in directives:
        settings["trusted_peers"] = LOOPBACK
    return ["unix"] in directives, settings


def octets(line: str) -> bytes:
    """`C: text` with CRLF, `C> text` with escapes."""
    if line.startswith("C: ") or line == "C:":
        return line[3:].encode() + b"\r\n"
    assert line.startswith("C> "), line
    return line[3:].encode().decode("unicode_escape").encode("latin-1")


async def check(line: str, client: Client, scene: Scene) -> None:
    kind, wanted = line[:2], line[3:]
    if kind.startswith("="):
        assert len(await scene.mails()) == int(line[1:])
        return
    said = await client.line()
    match kind:
        case "S:":
            assert said.startswith(wanted)
            assert said, "the server has closed"
        case "S~":
            assert re.fullmatch(wanted, said), f"{said!r} is not {wanted!r}"
        case "S.":
            assert said == ""
        case _:
            pytest.fail(f"what does this line mean: {line}")
