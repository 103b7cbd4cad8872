"""`maild demo`: a whole conversation over real SMTP and HTTP, in a temporary directory, printed step by step."""

import asyncio
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from maild.cli.demo_people import DOMAIN, Letters
from maild.cli.demo_play import Stage, play
from maild.config import Config, load
from maild.daemon import run
from maild.desk.desk import Desk, utc_now
from maild.listeners import bind_all
from maild.mime.render import templates_dir
from maild.web.letters import letters_app
from maild.web.security import allowed_hosts
from maild.web.server import HttpServer
from maild.wiring import build_desk

_CONFIG = """\
[desk]
name = "Кактус"
language = "ru"
timezone = "Europe/Moscow"
public_url = "http://127.0.0.1:{port}"
state_dir = "{folder}/state"
secret_file = "{folder}/secret"

[smtp]
listen = "127.0.0.1:0"
hostname = "mx.{domain}"
trusted_peers = ["127.0.0.1"]

[trust]
authserv_id = "mx.{domain}"

[http]
listen = "127.0.0.1:{port}"

[outbound]
relay = "maildir:{folder}/letters"

[[category]]
key = "billing"
title = {{ ru = "Счета и оплата", en = "Billing" }}
address = "billing@{domain}"
team = ["support@{domain}"]

[[agent]]
address = "anna@{domain}"
name = "Анна Смирнова"
"""


class _Clock:
    """The desk's clock, which the demo can move: nobody waits 48 hours for a demonstration."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return utc_now() + self._ahead

    def pass_(self, time: timedelta) -> None:
        self._ahead += time


@click.command()
def demo() -> None:
    """Play a whole conversation in a temporary directory and show every letter.

    On a terminal it stays up afterwards, with a page of all letters whose links work.
    """
    folder = Path(tempfile.mkdtemp(prefix="maild-demo-"))
    try:
        asyncio.run(_run(folder, stays=sys.stdin.isatty() and sys.stdout.isatty()))
    except KeyboardInterrupt:
        click.echo()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


def _configure(folder: Path) -> Config:
    (folder / "secret").write_text(secrets.token_hex(32))
    text = _CONFIG.format(folder=folder, port=_free_port(), domain=DOMAIN)
    (folder / "config.toml").write_text(text)
    return load(folder / "config.toml")


async def _run(folder: Path, *, stays: bool) -> None:
    """Start a desk, play, and stop it again; or stay until Ctrl-C."""
    config, clock, stop, up = _configure(folder), _Clock(), asyncio.Event(), asyncio.Event()
    listening = bind_all(config)
    desk = replace(build_desk(config), now=clock.now)
    serving = asyncio.create_task(run(desk, config, listening, stop, on_ready=up.set))
    try:
        await _first(up.wait(), serving)
        stage = Stage(desk, clock.pass_, Letters(folder / "letters"), listening.addresses("smtp")[0])
        await _first(play(stage), serving)
        if stays:
            await _show_letters(desk, folder / "letters", config)
    finally:
        stop.set()
        await serving
        desk.store.close()


async def _first(step: Coroutine[Any, Any, object], serving: "asyncio.Task[None]") -> None:
    """Wait for a step, but not past the death of the desk."""
    task = asyncio.ensure_future(step)
    await asyncio.wait({task, serving}, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        task.cancel()
        serving.result()
    await task


async def _show_letters(desk: Desk, letters: Path, config: Config) -> None:
    """A page of all letters on a port of its own, until Ctrl-C."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        host, port = bound.getsockname()
        app = letters_app(
            letters,
            desk.renderer,
            config.desk.language,
            hosts=allowed_hosts("", [(host, port)]),
            static=templates_dir() / "static",
            name=config.desk.name,
            timezone=config.desk.timezone,
        )
        click.secho(f"\nAll letters: http://{host}:{port}/   (Ctrl-C ends the demo)", bold=True)
        await HttpServer(app, [bound]).serve()
