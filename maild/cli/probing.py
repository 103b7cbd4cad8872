"""Looks at a mailbox and a relay for `maild init`: folders, recent mail, and two trial mails that go round."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from maild.core.address import domain_of, with_detail
from maild.core.errors import MaildError
from maild.mailbox.login import Place, connect
from maild.mailbox.protocol import Mailbox
from maild.mailbox.special import folder_for
from maild.mailout.outcome import Delivered, Outcome
from maild.mailout.smtp import Relay, SmtpTransport
from maild.mime.headers import field as header_field
from maild.mime.parse import parse

_RECENT = 50  # mails
_TURN = 2.0  # seconds between two looks

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a mailbox is like. The special folders are None where there is none; `recent` are header sections."""

    folders: frozenset[str]
    sent: str | None
    junk: str | None
    recent: tuple[Headers, ...]


async def look_at(place: Place, folder: str = "INBOX") -> Looked:
    """Log in and look, without changing anything. Raises LoginRefused, Unreachable, ServerRefused."""
    mailbox = await connect(place)
    try:
        await mailbox.select(folder, read_only=True)
        uids = (await mailbox.uids())[-_RECENT:]
        heads = await mailbox.headers(uids)
        folders = await mailbox.folders()
        return Looked(
            folders=frozenset(each.name for each in folders),
            sent=folder_for("\\Sent", folders),
            junk=folder_for("\\Junk", folders),
            recent=tuple(_headers(head) for head in heads.values()),
        )
    finally:
        await mailbox.logout()


def _headers(head: bytes) -> Headers:
    return parse(head.rstrip(b"\r\n") + b"\r\n\r\n").headers


@dataclass(slots=True)
class Trial:
    """A trial mail to one address. `sender` is its envelope sender; `arrived` is the header section that came back."""

    to: str
    sender: str
    message_id: str
    outcome: Outcome | None = None
    folder: str = ""
    seconds: float = 0.0
    arrived: Headers = field(default_factory=tuple)

    @property
    def is_sent(self) -> bool:
        """Did the relay take it?"""
        return isinstance(self.outcome, Delivered)


async def go_round(relay: Relay, place: Place, address: str, looked: Looked, patience: float) -> tuple[Trial, Trial]:
    """Send a mail to the address itself and one to a plus-address of it, and wait until they are in the mailbox.

    The first has an envelope sender of its own, as letters have with VERP; where the relay refuses that, it goes out
    with the address. What arrived is deleted. Never raises for what a server does: it shows in the trials.
    """
    plain, plus = _trial(address, address), _trial(address, with_detail(address, "trial"))
    plain.sender = with_detail(address, "b1.trial")
    await _send(relay, address, plain)
    if not plain.is_sent:
        plain.sender = address
        await _send(relay, address, plain)
    await _send(relay, address, plus)
    waiting = [trial for trial in (plain, plus) if trial.is_sent]
    if waiting:
        await _fetch(place, looked, waiting, patience)
    return plain, plus


def _trial(address: str, to: str) -> Trial:
    return Trial(to, address, f"maild-{secrets.token_hex(12)}@{domain_of(address)}")


async def _send(relay: Relay, address: str, trial: Trial) -> None:
    transport = SmtpTransport(relay)
    section = "".join(
        (
            header_field("From", address),
            header_field("To", trial.to),
            header_field("Subject", "maild init: a trial mail, which may be deleted"),
            header_field("Message-ID", f"<{trial.message_id}>"),
            header_field("Date", time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())),
            header_field("Auto-Submitted", "auto-generated"),
        )
    )
    text = f"{section}\r\nmaild looks whether mail to {trial.to} arrives here.\r\n"
    try:
        trial.outcome = await transport.deliver(trial.sender, trial.to, text.encode())
    finally:
        await transport.close()


async def _fetch(place: Place, looked: Looked, trials: list[Trial], patience: float) -> None:
    began = time.monotonic()
    try:
        mailbox = await connect(place)
    except MaildError:
        return
    try:
        while time.monotonic() < began + patience:
            for trial in [each for each in trials if not each.folder]:
                await _look_for(mailbox, looked, trial, began)
            if all(trial.folder for trial in trials):
                return
            await asyncio.sleep(min(_TURN, patience / 10))
    except MaildError:
        return  # what has not been seen by now counts as not arrived
    finally:
        await mailbox.logout()


async def _look_for(mailbox: Mailbox, looked: Looked, trial: Trial, began: float) -> None:
    for folder in filter(None, ("INBOX", looked.junk)):
        await mailbox.select(folder)
        found = await mailbox.uids_with(trial.message_id)
        if found:
            heads = await mailbox.headers(found)
            trial.arrived = _headers(next(iter(heads.values()), b""))
            trial.folder, trial.seconds = folder, time.monotonic() - began
            await mailbox.remove(found)
            return
