"""The running desk: opens the doors, keeps the workers going, stops in good order. Knows no rule."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from maild.config import Config
from maild.core.errors import StoreBusy
from maild.core.retry import longest_waits
from maild.desk.clock import auto_solve_due, close_due, forget_nonces, mend_moments, remind_due, wake_due
from maild.desk.delivery import give_up_unfiled
from maild.desk.desk import Desk
from maild.desk.holds import expire_holds
from maild.desk.notices import announce_holds
from maild.desk.receive import receive_waiting
from maild.desk.retention import retain
from maild.jobs import Job, Jobs
from maild.listeners import Listening
from maild.logs import told
from maild.mailboxes import Mailboxes
from maild.mailin.access import Access
from maild.mailin.door import DoorSettings, OpenDoor
from maild.mailin.lmtp import listen_lmtp
from maild.mailin.smtp import listen_smtp
from maild.mailin.verify import Verifier
from maild.mailout.sender import RelayState, run_sender
from maild.mime.render import templates_dir
from maild.store import leases, ledger, outbox
from maild.store.db import Tx
from maild.systemd import notify, watchdog_interval
from maild.web.app import web_app
from maild.web.jobs import JobReport
from maild.web.ops import ops_app
from maild.web.security import allowed_hosts
from maild.web.server import HttpServer
from maild.web.uploads import Limits
from maild.wiring import access_for, transport_of

log = logging.getLogger(__name__)

_POLL = 1.0  # seconds; mails whose lease ran out, or that another process put in, ring no bell
_STOP = 3.0  # seconds that mails in hand have at the end
_CUT = 6.5  # seconds that a database has at the end: doors and sender have been given theirs, all of it is below 10
_BUSY = 0.5  # seconds until a busy database is asked again


async def run(
    desk: Desk,
    config: Config,
    listening: Listening,
    stop: asyncio.Event,
    on_ready: Callable[[], None],
    access: Access | None = None,
    *,
    from_beginning: bool = False,
) -> None:
    """Serve until `stop` is set, then finish what is in hand. `on_ready` is called when every door is open.

    `access` is who may log in, if that is to be replaced meanwhile. `from_beginning`: mail that lay in mailboxes on
    servers before the desk came is taken as well, and nobody is written to because of it.

    Raises an ExceptionGroup when a part of it dies, above all the writer of the database: nothing could be promised
    any more.
    """
    if not desk.store.is_shared:
        await desk.store.run(_take_back)
    started = time.monotonic()
    jobs = _jobs(desk)
    doors = await _open_doors(desk, config, listening, access or access_for(config))
    relay = RelayState()
    mailboxes = Mailboxes(desk, config, from_beginning=from_beginning)
    servers = _http_servers(desk, config, listening, jobs, relay, mailboxes, started)
    make_transport = transport_of(config)
    async with asyncio.TaskGroup() as group:
        background = [group.create_task(each) for each in (jobs.run(), _watch(desk.store.died), _feed_watchdog())]
        background.append(group.create_task(desk.store.listen(lambda bell: _ring(desk, bell))))
        background.append(group.create_task(mailboxes.run()))
        receiving = group.create_task(_receive_all(desk, stop))
        group.create_task(run_sender(desk, make_transport, stop=stop, state=relay))
        for server in servers:
            group.create_task(server.serve())
        try:
            on_ready()
            notify("READY=1")
            await stop.wait()
            notify("STOPPING=1")
        finally:
            asyncio.get_running_loop().call_later(_CUT, desk.store.cut)
            await _shut(desk, doors, servers)
            asyncio.get_running_loop().call_later(_STOP, receiving.cancel)  # what it has in hand is leased
            for task in background:
                task.cancel()
            await jobs.stop()


def _jobs(desk: Desk) -> Jobs:
    """What time does; see `desk.clock` and its neighbours."""
    waits = longest_waits()
    return Jobs(
        [
            Job("mend", 60, lambda: mend_moments(desk, waits)),
            Job("close", 60, lambda: close_due(desk)),
            Job("auto-solve", 60, lambda: auto_solve_due(desk)),
            Job("remind", 60, lambda: remind_due(desk)),
            Job("holds", 300, lambda: announce_holds(desk)),
            Job("expire", 3600, lambda: expire_holds(desk)),
            Job("retention", 3600, lambda: retain(desk)),
            Job("unfiled", 3600, lambda: give_up_unfiled(desk)),
            Job("wake", 60, lambda: wake_due(desk)),
            Job("forget", 3600, lambda: forget_nonces(desk)),
        ],
        desk.now,
    )


def _take_back(tx: Tx) -> None:
    """Work that an earlier run had begun is ours again at once, where there is only one maild; else leases run out."""
    ledger.release_leases(tx)
    outbox.release_leases(tx)
    leases.free(tx, "mailbox")


def _ring(desk: Desk, bell: str) -> None:
    """Some node has put something in: polling would find it too, a second later."""
    bells = {ledger.BELL: desk.wake.mail, outbox.BELL: desk.wake.letters}
    if bell in bells:
        bells[bell].set()


async def _open_doors(desk: Desk, config: Config, listening: Listening, access: Access) -> list[OpenDoor]:
    settings = DoorSettings(
        hostname=config.smtp.hostname,
        max_size=config.smtp.max_size,
        disk=config.disk,
        trusted_peers=config.smtp.trusted_peers,
        access=access,
        verifier=Verifier() if config.trust.verify else None,
        reads_by_line=bool(os.environ.get("MAILD_PLAIN_READER")),
    )
    doors = {"smtp": listen_smtp, "lmtp": listen_lmtp}
    return [await listen(desk, settings, bound) for door, listen in doors.items() if (bound := listening.sockets[door])]


def _http_servers(
    desk: Desk,
    config: Config,
    listening: Listening,
    jobs: Jobs,
    relay: RelayState,
    mailboxes: Mailboxes,
    started: float,
) -> list[HttpServer]:
    servers: list[HttpServer] = []
    static = (config.desk.templates or templates_dir()) / "static"
    if bound := listening.sockets["http"]:
        hosts = allowed_hosts(config.desk.public_url, listening.addresses("http"))
        limits = Limits(config.smtp.max_size, config.disk)
        servers.append(HttpServer(web_app(desk, hosts, static, config.http.trusted_proxies, limits), bound))
    if bound := listening.sockets["ops"]:

        def values() -> Mapping[str, float]:
            return {"uptime_seconds": time.monotonic() - started, "relay_up": 0.0 if relay.trouble else 1.0}

        app = ops_app(desk, lambda: _reports(jobs), values, lambda: relay.trouble, mailboxes.reports)
        servers.append(HttpServer(app, bound))
    return servers


def _reports(jobs: Jobs) -> dict[str, JobReport]:
    return {name: JobReport(state.last_success, state.last_error) for name, state in jobs.states.items()}


async def _receive_all(desk: Desk, stop: asyncio.Event) -> None:
    while not stop.is_set():
        desk.wake.mail.clear()  # before looking, so that no ring from now on is lost
        try:
            handled = await receive_waiting(desk)
        except StoreBusy as error:
            log.warning("mails wait: %s", error)
            await asyncio.sleep(_BUSY)
            continue
        if not handled:
            await _listen(desk.wake.mail)


async def _listen(bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_POLL):
            await bell.wait()
    except TimeoutError:
        pass  # time to look without having been called


async def _shut(desk: Desk, doors: list[OpenDoor], servers: list[HttpServer]) -> None:
    """All doors at once; mail that is not answered when its time is over comes again by the sender's next attempt."""
    for server in servers:
        server.stop()
    await asyncio.gather(*(door.close() for door in doors))
    desk.wake.mail.set()
    desk.wake.letters.set()


async def _watch(died: "Future[None]") -> None:
    """Raises StoreBusy when the writer of the database has died, and says of what."""
    ended = asyncio.wrap_future(died)
    # Waited for, not awaited: being cancelled must not look like the writer's end to those who still finish their work.
    await asyncio.wait([ended])
    error = ended.exception()
    if error is not None:
        raise StoreBusy(f"the writer of the database died, nothing can be promised: {told(error)}")


async def _feed_watchdog() -> None:
    """From the event loop: a loop that hangs starves the watchdog (systemd.service(5), WatchdogSec)."""
    interval = watchdog_interval()
    while interval is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval)
