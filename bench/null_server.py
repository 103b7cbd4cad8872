"""What maild is measured against, a process of its own: stock aiosmtpd that takes every mail and forgets it.

`python -m bench.null_server LOOP` prints its port. On `asyncio` it is stock as aiosmtpd's own Controller runs it; on
`uvloop` it has the same loop as maild.
"""

import asyncio
import logging
import sys
from contextlib import suppress

from aiosmtpd.smtp import SMTP, Envelope, Session

_MAX_SIZE = 32 * 2**20


class Null:
    """Nothing is looked at, nothing is kept."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "250 OK"


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Null(), hostname="null.test", data_size_limit=_MAX_SIZE, loop=loop), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    with new_runner(sys.argv[1]) as runner, suppress(KeyboardInterrupt):
        runner.run(serve())


def new_runner(loop: str) -> asyncio.Runner:
    """With that event loop."""
    if loop == "asyncio":
        return asyncio.Runner()
    import uvloop  # noqa: PLC0415 - not there on every Python

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


if __name__ == "__main__":
    main()
