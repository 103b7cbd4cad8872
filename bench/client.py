"""The one client of all measurements, a process of its own: several connections, every reply awaited.

`python -m bench.client PORT KIND FIRST COUNT CONNECTIONS` prints {"seconds": …, "accepted": …}.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator

from bench import mails

_MAKERS = {"text": mails.text_mail, "attachment": mails.attachment_mail}


async def send_all(port: int, wanted: list[tuple[int, bytes]], connections: int) -> float:
    """Send all mails; the seconds from the first MAIL to the last reply. Raises RuntimeError on any refusal."""
    streams = [await _connected(port) for _ in range(connections)]
    waiting = iter(wanted)
    started = time.perf_counter()
    await asyncio.gather(*(_send(*stream, waiting) for stream in streams))
    seconds = time.perf_counter() - started
    for _, writer in streams:
        writer.close()
    return seconds


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _connected(port: int) -> Stream:
    stream = await asyncio.open_connection("127.0.0.1", port)
    await _reply(stream[0], b"220")
    stream[1].write(b"EHLO client.test\r\n")
    await _reply(stream[0], b"250")
    return stream


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waiting: Iterator[tuple[int, bytes]]
) -> None:
    for number, mail in waiting:
        for command, code in (
            (f"MAIL FROM:<{mails.author(number)}> SIZE={len(mail)}\r\n".encode(), b"250"),
            (f"RCPT TO:<{mails.TO}>\r\n".encode(), b"250"),
            (b"DATA\r\n", b"354"),
            (mail + b".\r\n", b"250"),
        ):
            writer.write(command)
            await _reply(reader, code)


async def _reply(reader: asyncio.StreamReader, code: bytes) -> None:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if not line.startswith(code):
        raise RuntimeError(f"refused: {line!r}")


def main() -> None:
    port, kind, first, count, connections = sys.argv[1:]
    wanted = [(number, _MAKERS[kind](number)) for number in range(int(first), int(first) + int(count))]
    print(json.dumps({"seconds": asyncio.run(send_all(int(port), wanted, int(connections))), "accepted": len(wanted)}))


if __name__ == "__main__":
    main()
