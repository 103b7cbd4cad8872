"""Pages for machines, on `[ops] listen` only: /health and /metrics. Nothing here names a person or a mail."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from maild import __version__
from maild.core.errors import StoreBusy
from maild.desk.desk import Desk
from maild.store import counts, settings
from maild.store.counts import Waiting
from maild.store.db import Tx
from maild.web import metrics
from maild.web.jobs import JobReport, MailboxReport

Jobs = Callable[[], Mapping[str, JobReport]]
Values = Callable[[], Mapping[str, float]]
Mailboxes = Callable[[], Awaitable[Mapping[str, MailboxReport]]]

_PATIENCE = 10.0  # seconds until a database that says nothing is called away


async def no_mailboxes() -> Mapping[str, MailboxReport]:
    """A desk that reads no mailboxes on servers."""
    return {}


def ops_app(
    desk: Desk, jobs: Jobs, values: Values, relay: Callable[[], str] = str, mailboxes: Mailboxes = no_mailboxes
) -> Starlette:
    """Health and metrics. The other arguments are asked anew for each answer: `values` are numbers of this process,
    `relay` is what the relay last said while it serves nobody, "" while all is well; `mailboxes` are those on servers.
    """
    pages = OpsPages(desk, jobs, values, relay, mailboxes)
    return Starlette(routes=[Route("/health", pages.health), Route("/metrics", pages.metrics)])


class OpsPages:
    """The two endpoints."""

    def __init__(self, desk: Desk, jobs: Jobs, values: Values, relay: Callable[[], str], mailboxes: Mailboxes) -> None:
        self._desk, self._jobs, self._values, self._relay = desk, jobs, values, relay
        self._mailboxes = mailboxes

    async def health(self, request: Request) -> Response:
        """200 while the database answers (reading and writing) and no job's last run failed, else 503.

        A relay or mailbox in trouble is told, but mail waits there: no reason to take this node out of use.
        """
        jobs, trouble = self._jobs(), self._relay()
        waiting = await self._waiting()
        mailboxes = await self._mailboxes() if waiting is not None else {}
        is_troubled = bool(trouble) or any(mailbox.trouble for mailbox in mailboxes.values())
        is_ok = waiting is not None and not any(job.last_error for job in jobs.values())
        body = {
            "status": "ok" if is_ok and not is_troubled else "degraded",
            "version": __version__,
            "database": waiting is not None,
            **(_queues(waiting, self._desk.now()) if waiting else {}),
            "relay": {"ok": not trouble, "last_reply": trouble or None},
            "mailboxes": {name: _mailbox(mailbox) for name, mailbox in mailboxes.items()},
            "jobs": {name: _job(job) for name, job in jobs.items()},
        }
        return JSONResponse(body, 200 if is_ok else 503, {"Cache-Control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """All numbers, 503 while the database does not answer."""
        try:
            async with asyncio.timeout(_PATIENCE):
                totals, waiting = await self._desk.store.read(_counts)
                mailboxes = await self._mailboxes()
        except (StoreBusy, TimeoutError) as error:
            return Response(f"{str(error) or 'the database does not answer'}\n", 503, media_type="text/plain")
        text = metrics.exposition(totals, waiting, self._jobs(), self._values(), self._desk.now(), mailboxes)
        return Response(text, headers={"Content-Type": metrics.CONTENT_TYPE})

    async def _waiting(self) -> Waiting | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._desk.store.run(_ping)
                return await self._desk.store.read(counts.waiting)
        except (StoreBusy, TimeoutError):
            return None


def _ping(tx: Tx) -> None:
    """The writer is there, gets the lock, and what it writes gets to the disk."""
    settings.put(tx, "health", "asked")


def _counts(tx: Tx) -> tuple[counts.Totals, Waiting]:
    return counts.totals(tx), counts.waiting(tx)


def _queues(waiting: Waiting, now: datetime) -> dict[str, object]:
    """The queues: how deep, and the age of the oldest entry in seconds, null when there is none."""
    return {
        "mails": {state: waiting.mails.get(state, 0) for state in ("spooled", "held")},
        "outbox": {state: waiting.letters.get(state, 0) for state in ("queued", "failed")},
        "oldest_mail_seconds": _seconds(waiting.oldest_mail, now),
        "oldest_letter_seconds": _seconds(waiting.oldest_letter, now),
    }


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max((now - since).total_seconds(), 0)


def _job(job: JobReport) -> dict[str, str | None]:
    return {"last_run": _moment(job.last_run), "last_error": job.last_error or None}


def _mailbox(mailbox: MailboxReport) -> dict[str, object]:
    return {
        "ok": not mailbox.trouble,
        "last_sweep": _moment(mailbox.last_sweep),
        "trouble": mailbox.trouble or None,
        "on_another_node": mailbox.is_elsewhere,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
