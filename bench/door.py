"""maild's SMTP door and its ledger without the workers behind them, a process of its own: mail is taken and waits.

`python -m bench.door CONFIG` prints its port.
"""

import asyncio
import socket
import sys
from contextlib import suppress
from pathlib import Path

from bench.null_server import new_runner
from bench.servers import LOOPS
from maild.config import Config, load
from maild.desk.desk import Desk
from maild.mailin.door import DoorSettings
from maild.mailin.smtp import listen_smtp
from maild.tuning import tune
from maild.wiring import build_desk


async def serve(desk: Desk, config: Config) -> None:
    settings = DoorSettings(
        hostname=config.smtp.hostname,
        max_size=config.smtp.max_size,
        disk=config.disk,
        trusted_peers=config.smtp.trusted_peers,
    )
    bound = socket.create_server(("127.0.0.1", 0))
    await listen_smtp(desk, settings, [bound])
    print(bound.getsockname()[1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    tune()
    config = load(Path(sys.argv[1]))
    desk = build_desk(config)
    with new_runner(LOOPS[-1]) as runner, suppress(KeyboardInterrupt):
        runner.run(serve(desk, config))
    desk.store.close()


if __name__ == "__main__":
    main()
