"""What `maild check` looks at: each function is one question to this machine, answered by findings."""

import os
import shutil
import smtplib
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from maild.config import Config, load
from maild.core.address import normalise
from maild.core.errors import ConfigError, MaildError
from maild.desk.desk import Desk, utc_now
from maild.mailin.certificate import expiry
from maild.mime.parse import parse
from maild.mime.plain import plural, size
from maild.store import ledger, outbox
from maild.wiring import access_for, build_desk, check_routing, check_templates

_RECENT = 50  # mails looked at for what servers wrote into them
_TIMEOUT = 5.0  # seconds for the relay to answer
_YEAR = 2025  # maild was not written earlier: a clock before that is wrong
_STEP = 0.5  # seconds by which the wall clock may leave the monotonic one during a check
_SOON = timedelta(days=14)
_LITTLE_SPACE = 2**30  # octets


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: how it is, what was looked at, and what was seen or is to be done."""

    level: Literal["ok", "warning", "error"]
    what: str
    words: str


def findings(path: Path) -> Iterator[Finding]:
    """Everything, in order; nothing but the configuration's problems if it has any."""
    started, wall = time.monotonic(), time.time()
    try:
        config = load(path)
    except ConfigError as error:
        yield from (Finding("error", "config", problem) for problem in error.problems)
        return
    yield Finding("ok", "config", f"{path}: {_count(config)}")
    yield from _database(config)
    yield from _certificate(config)
    yield from _relay(config)
    yield from _templates(config)
    yield from _disk(config)
    yield _clock(time.monotonic() - started, time.time() - wall)


def _count(config: Config) -> str:
    count = len(config.agent)
    agents = f", {count} {plural(count, 'agent', 'agents', language='en')}" if count else ""
    return f"{', '.join(category.address for category in config.category)}{agents}"


def _database(config: Config) -> Iterator[Finding]:
    """The database as it is; one that is not there yet is not made, for `serve` may run as somebody else."""
    path = config.database
    if path is not None and not path.exists():
        folder = "" if path.parent.exists() else ", together with its directory"
        yield _place(path.parent, "database", f"{path}: not there yet, made by the first `maild serve`{folder}")
        yield from _trust(config, None)
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
        yield from _trust(config, desk)
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


def _trust(config: Config, desk: Desk | None) -> Iterator[Finding]:
    """Whose word about senders counts, and what recent mail says of it."""
    recent = desk.store.read_now(ledger.recent, _RECENT) if desk else []
    if config.policy().trust.is_open:
        seen = sorted({found for row in recent if desk for found in _authserv_ids(desk, row.id)})
        hint = f"; recent mail carries: {', '.join(seen)}" if seen else ""
        yield Finding(
            "warning",
            "trust",
            "SENDERS ARE NOT VERIFIED: anybody can write as anybody. Let your MTA check DKIM, SPF and DMARC"
            f" and name it in trust.authserv_id{hint}",
        )
    else:
        yield Finding("ok", "trust", f"senders are verified by {', '.join(config.trust.authserv_id)}")
    for agent in config.agent:
        verdicts = [row.trust for row in recent if row.sender == normalise(agent.address) and row.trust]
        if verdicts and verdicts[-1] != "verified":
            yield Finding("warning", "agent", f"{agent.address}: the last mail was {verdicts[-1]}, so it is held")


def _authserv_ids(desk: Desk, mail: int) -> Iterator[str]:
    """The ids of the Authentication-Results fields in one mail (RFC 8601 §2.2), whoever wrote them."""
    head = (desk.store.read_now(ledger.raw, mail) or b"").replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    for value in parse(head + b"\n\n").fields("Authentication-Results"):
        if words := value.partition(";")[0].split():
            yield words[0].lower()


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


def _relay(config: Config) -> Iterator[Finding]:
    relay = config.outbound.relay
    if relay.startswith("maildir:"):
        yield _place(Path(relay.removeprefix("maildir:")), "relay", f"{relay}: letters stay on this machine")
        return
    try:
        yield Finding("ok", "relay", f"{relay}: {_greeted(config)}")
    except OSError as error:  # SMTPException is one too
        words = f"{relay}: {_reason(error)}; letters wait until it answers, or set outbound.relay"
        yield Finding("error", "relay", words)


def _reason(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return error.strerror or str(error)


def _greeted(config: Config) -> str:
    """EHLO, and login where one is configured. Raises OSError with what went wrong."""
    url, outbound, tls = urlsplit(config.outbound.relay), config.outbound, ssl.create_default_context()
    host, port, name = url.hostname or "", url.port or 25, config.smtp.hostname
    with (
        smtplib.SMTP_SSL(host, port, name, timeout=_TIMEOUT, context=tls)
        if url.scheme == "smtps"
        else smtplib.SMTP(host, port, name, timeout=_TIMEOUT)
    ) as client:
        client.ehlo_or_helo_if_needed()
        if not outbound.username:
            return "answers"
        if url.scheme == "smtp" and client.has_extn("starttls"):
            client.starttls(context=tls)
        client.login(outbound.username, outbound.password())
        return f"takes {outbound.username}"


def _templates(config: Config) -> Iterator[Finding]:
    try:
        check_templates(config)
    except ConfigError as error:
        yield from (Finding("error", "templates", problem) for problem in error.problems)
    else:
        yield Finding("ok", "templates", "complete in Russian and English")


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
