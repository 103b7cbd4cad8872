"""What `maild check` looks at: each function is one question to this machine, answered by findings."""

import os
import shutil
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from maild.cli.check_dns import dns_findings
from maild.cli.check_imap import imap_findings
from maild.cli.check_relay import relay_findings
from maild.cli.check_trust import trust_findings
from maild.cli.finding import Finding
from maild.config import Config, load
from maild.core.errors import ConfigError, MaildError
from maild.core.mail import Envelope
from maild.desk.desk import Desk, utc_now
from maild.mailin.certificate import expiry
from maild.mime.plain import plural, size
from maild.store import ledger, outbox
from maild.wiring import access_for, build_desk, check_routing, check_templates

Recent = list[tuple[int, Envelope]]

_RECENT = 50  # mails looked at for what servers wrote into them
_YEAR = 2025  # maild was not written earlier: a clock before that is wrong
_STEP = 0.5  # seconds by which the wall clock may leave the monotonic one during a check
_SOON = timedelta(days=14)
_LITTLE_SPACE = 2**30  # octets


def findings(path: Path) -> Iterator[Finding]:
    """Everything, in order; nothing but the configuration's problems if it has any."""
    started, wall = time.monotonic(), time.time()
    try:
        config = load(path)
    except ConfigError as error:
        yield from (Finding("error", "config", problem) for problem in error.problems)
        return
    yield Finding("ok", "config", f"{path}: {_count(config)}")
    recent: Recent = []
    yield from _database(config, recent)
    yield from dns_findings(config)
    yield from _certificate(config)
    yield from _relay(config, recent)
    yield from imap_findings(config)
    yield from _templates(config)
    yield from _retention(config)
    yield from _disk(config)
    yield _clock(time.monotonic() - started, time.time() - wall)


def _count(config: Config) -> str:
    count = len(config.agent)
    agents = f", {count} {plural(count, 'agent', 'agents', language='en')}" if count else ""
    return f"{', '.join(category.address for category in config.category)}{agents}"


def _database(config: Config, recent: Recent) -> Iterator[Finding]:
    """The database as it is; one that is not there yet is not made, for `serve` may run as somebody else.

    What it has of recent mail is put into `recent`.
    """
    path = config.database
    if path is not None and not path.exists():
        folder = "" if path.parent.exists() else ", together with its directory"
        yield _place(path.parent, "database", f"{path}: not there yet, made by the first `maild serve`{folder}")
        yield from trust_findings(config, None, recent)
        return
    try:
        desk = build_desk(config)
    except MaildError as error:
        yield Finding("error", "database", str(error))
        return
    try:
        where = f"{path}: WAL" if path else "PostgreSQL"
        yield Finding("ok", "database", f"{where}, this release's schema, every commit synchronised to disk")
        yield from _routing(desk)
        yield from _waiting(desk)
        recent += desk.store.read_now(ledger.recent, _RECENT)
        yield from trust_findings(config, desk, recent)
    finally:
        desk.store.close()


def _routing(desk: Desk) -> Iterator[Finding]:
    try:
        check_routing(desk, desk.policy)
    except ConfigError as error:
        yield Finding("error", "routing", str(error))


def _place(folder: Path, what: str, words: str) -> Finding:
    """May something be made in that directory (which may be yet to be made itself)?"""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if os.access(there, os.W_OK | os.X_OK):
        return Finding("ok", what, words)
    return Finding("error", what, f"{there} is not writable for this user")


def _waiting(desk: Desk) -> Iterator[Finding]:
    held = desk.store.read_now(ledger.depth).get("held", 0)
    failed = desk.store.read_now(outbox.depth).get("failed", 0)
    if held:
        yield Finding("warning", "mail", f"{held} held: see `maild hold list`")
    if failed:
        letters = plural(failed, "letter", "letters", language="en")
        yield Finding("warning", "outbox", f"{failed} {letters} failed: see `maild outbox list --state failed`")


def _certificate(config: Config) -> Iterator[Finding]:
    if config.smtp.tls_cert is None:
        return
    try:
        access = access_for(config)
        end = expiry(access.tls, config.smtp.tls_cert) if access.tls else utc_now()
    except ConfigError as error:
        yield Finding("error", "tls", str(error))
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason
        yield Finding("error", "tls", f"{config.smtp.tls_cert}: {reason}: senders that want TLS keep their mail")
    else:
        words = f"{config.smtp.tls_cert}: good until {end:%Y-%m-%d %H:%M} UTC"
        is_soon = end - utc_now() < _SOON
        yield (
            Finding("warning", "tls", f"{words}: renew it, then send SIGHUP")
            if is_soon
            else Finding("ok", "tls", words)
        )


def _relay(config: Config, recent: Recent) -> Iterator[Finding]:
    relay = config.outbound.relay
    if relay.startswith("maildir:"):
        yield _place(Path(relay.removeprefix("maildir:")), "relay", f"{relay}: letters stay on this machine")
    else:
        yield from relay_findings(config, recent)


def _templates(config: Config) -> Iterator[Finding]:
    try:
        check_templates(config)
    except ConfigError as error:
        yield from (Finding("error", "templates", problem) for problem in error.problems)
    else:
        yield Finding("ok", "templates", "complete in Russian and English")


def _retention(config: Config) -> Iterator[Finding]:
    kept = config.retention
    if kept.closed and (not kept.raw or kept.raw > kept.closed):
        words = "closed tickets are deleted, but their words stay in the raw mail for longer: set retention.raw as well"
        yield Finding("warning", "retention", words)


def _disk(config: Config) -> Iterator[Finding]:
    """Below three times the largest mail the doors say 452 (SPEC section 3)."""
    folder = config.disk
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    words = f"{size(free, 'en')} free on {there}"
    if free < 3 * config.smtp.max_size:
        yield Finding("error", "disk", f"{words}: no mail is taken below {size(3 * config.smtp.max_size, 'en')}")
    else:
        yield Finding("warning" if free < _LITTLE_SPACE else "ok", "disk", words)


def _clock(monotonic: float, wall: float) -> Finding:
    now = utc_now()
    if now.year < _YEAR:
        return Finding("error", "clock", f"{now:%Y-%m-%d %H:%M} UTC cannot be right: set the clock, start NTP")
    if abs(wall - monotonic) > _STEP:
        return Finding("warning", "clock", f"jumped by {wall - monotonic:+.1f} s during this check: is NTP at work?")
    return Finding("ok", "clock", f"{now:%Y-%m-%d %H:%M} UTC")
