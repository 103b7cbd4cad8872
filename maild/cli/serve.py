"""`maild serve`: the daemon in the foreground, as systemd wants it."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from maild.config import Config, load
from maild.core.errors import ConfigError
from maild.daemon import run
from maild.desk.desk import Desk
from maild.listeners import Listening, bind_all
from maild.logs import set_up_logging
from maild.mailin.access import Access
from maild.tuning import tune
from maild.wiring import access_for, build_desk, check_routing, check_templates, lock, reload

log = logging.getLogger(__name__)


def serve(path: Path, *, from_beginning: bool = False) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads what `_reload` says. Raises ConfigError at the start."""
    set_up_logging()
    tune()
    config = load(path)
    with _prepared(config) as (desk, listening, access):
        _runner().run(_serve(desk, config, path, listening, access, from_beginning=from_beginning))


@contextmanager
def _prepared(config: Config) -> Iterator[tuple[Desk, Listening, Access]]:
    """Templates, certificate, sockets and database, or everything that is wrong with them at once."""
    problems: list[str] = []
    with ExitStack() as opened:
        with _noting(problems):
            check_templates(config)
        with _noting(problems):
            access = access_for(config)
        with _noting(problems):
            listening = bind_all(config)
            opened.callback(listening.close)
        with _noting(problems):
            opened.enter_context(lock(config))
            desk = build_desk(config)
            opened.callback(desk.store.close)
            check_routing(desk, desk.policy)
        if problems:
            raise ConfigError(problems)
        yield desk, listening, access


@contextmanager
def _noting(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        problems += error.problems


def _runner() -> asyncio.Runner:
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _serve(
    desk: Desk, config: Config, path: Path, listening: Listening, access: Access, *, from_beginning: bool
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, desk, access, path)

    def tell() -> None:
        click.echo(f"maild ready {listening.names()}")

    await run(desk, config, listening, stop, on_ready=tell, access=access, from_beginning=from_beginning)
    log.info("stopped")


def _reload(desk: Desk, access: Access, path: Path) -> None:
    """Agents, categories, templates, the certificate and who may log in: all of it, or nothing if any is wrong."""
    try:
        config = load(path)
        renewed = access_for(config)
        reload(desk, config)
        access.replace(renewed)
    except ConfigError as error:
        for problem in error.problems:
            log.error("not reloaded: %s", problem)
    else:
        log.info("reloaded agents, categories, templates, certificate and logins")
