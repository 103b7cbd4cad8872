"""`maild import`: mail of earlier days, from files or a mailbox, into the ledger."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from maild.cli.exits import NotThere
from maild.cli.group import Group
from maild.cli.open import carried_out, loaded_config, opened_desk
from maild.cli.show import as_json, counted, json_line

if TYPE_CHECKING:
    from maild.cli.archives import Filed
    from maild.config import Config
    from maild.config_mailbox import Imap
    from maild.desk.bring_in import Terms
    from maild.desk.desk import Desk
    from maild.mailbox.protocol import Mailbox, Message

T = TypeVar("T")

_BATCH = 100  # mails: those of a daemon beside us do not wait for longer
_OCTETS = 16 * 2**20


@click.group("import", cls=Group)
def import_() -> None:
    """Bring in mail of earlier days. What is known already is not taken again, so it can be done again."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--send/--no-send", "is_sending", help="Write letters about them, as about new mail. [default: no]"
        ),
        click.option(
            "--since", type=click.DateTime(["%Y-%m-%d"]), help="Only mail received on that day or later (UTC)."
        ),
        click.option(
            "--category", metavar="KEY", help="For mail to no address of the desk; otherwise the default one."
        ),
        as_json,
    ):
        command = option(command)
    return command


@import_.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@_options
def mbox(files: tuple[Path, ...], **options: Any) -> None:
    """Bring in the mails of mbox files."""
    from maild.cli.archives import mbox as read

    _bring_in([mail for file in files for mail in read(file)], **options)


@import_.command()
@click.argument("folders", metavar="DIR…", nargs=-1, required=True, type=click.Path(path_type=Path))
@_options
def maildir(folders: tuple[Path, ...], **options: Any) -> None:
    """Bring in the mails of Maildirs, without drafts and trash."""
    from maild.cli.archives import maildir as read

    _bring_in([mail for folder in folders for mail in read(folder)], **options)


@import_.command()
@click.argument("name", metavar="NAME")
@click.option("--folder", help="The folder to read; otherwise the one in the configuration.")
@_options
def imap(name: str, folder: str | None, **options: Any) -> None:
    """Bring in what lies in a folder of the mailbox NAME of [[imap]]. Nothing changes there."""
    config = loaded_config()
    mailbox = next((each for each in config.imap if each.name == name), None)
    if mailbox is None:
        raise NotThere(f"there is no [[imap]] of the name {name}")
    asked = _asked(config, **options)
    with opened_desk(config) as desk:
        _tell(carried_out(_take_from(desk, mailbox, folder or mailbox.folder, asked)), is_json=asked.is_json)


async def _take_from(desk: "Desk", mailbox: "Imap", folder: str, asked: "Asked") -> Counter[str]:
    """A connection stays open while what it has brought is understood."""
    from maild.desk.bring_in import bring_in
    from maild.mailbox.login import connect
    from maild.mime.line_ends import with_crlf
    from maild.store import fates
    from maild.wiring import place_of

    newest = await desk.store.read(fates.newest)
    seen: set[int] = set()
    read = 0
    connection = await connect(place_of(mailbox))
    try:
        await connection.select(folder, read_only=True)
        uids = await connection.uids()
        messages = sorted(await _listed(connection, uids), key=lambda each: each.internaldate)
        wanted = [each for each in messages if asked.wants(each.internaldate)]
        with _progress(len(wanted)) as advance:
            for batch in _batches(wanted, lambda each: each.size):
                raws = await _bodies(connection, [each.uid for each in batch])
                read += len(raws)
                mails = [(with_crlf(raws[each.uid]), each.internaldate) for each in batch if each.uid in raws]
                seen.update(await bring_in(desk, mails, asked.terms))
                advance(len(batch))
    finally:
        await connection.logout()
    counts = _counted(desk, seen, newest, read=read)
    counts["skipped"] = len(messages) - len(wanted)
    counts["missing"] = len(uids) - len(messages) + len(wanted) - read
    return counts


async def _listed(connection: "Mailbox", uids: "list[int]") -> "list[Message]":
    """What lies there. What the server stumbles over must not hide the rest: then each is asked for alone."""
    from maild.mailbox.protocol import ServerRefused

    try:
        return await connection.messages(uids)
    except ServerRefused:
        found = [await _listed(connection, [uid]) for uid in uids] if len(uids) > 1 else []
        return [message for each in found for message in each]


async def _bodies(connection: "Mailbox", uids: "list[int]") -> "dict[int, bytes]":
    """Their texts, as `_listed`."""
    from maild.mailbox.protocol import ServerRefused

    try:
        return await connection.bodies(uids)
    except ServerRefused:
        found = [await _bodies(connection, [uid]) for uid in uids] if len(uids) > 1 else []
        return {uid: raw for each in found for uid, raw in each.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say."""

    terms: "Terms"
    since: datetime | None
    is_json: bool

    def wants(self, moment: datetime) -> bool:
        """Is mail of that moment to be taken?"""
        return self.since is None or moment >= self.since


def _asked(config: "Config", *, is_sending: bool, since: datetime | None, category: str | None, is_json: bool) -> Asked:
    from maild.desk.bring_in import Terms

    policy = config.policy()
    if category is not None and category not in {each.key for each in policy.categories}:
        raise click.BadParameter(f"there is no category {category!r}", param_hint="--category")
    terms = Terms(category or policy.default_category, is_silent=not is_sending)
    return Asked(terms, since.replace(tzinfo=UTC) if since else None, is_json)


def _bring_in(found: "list[Filed]", **options: Any) -> None:
    """The oldest first, so that answers find what they answer."""
    config = loaded_config()
    asked = _asked(config, **options)
    now = datetime.now(UTC)
    dated = sorted(((mail.moment or now, number) for number, mail in enumerate(found)))
    wanted = [(found[number], moment) for moment, number in dated if asked.wants(moment)]
    with opened_desk(config) as desk:
        counts = _take_all(desk, wanted, asked.terms)
    counts["skipped"] = len(found) - len(wanted)
    _tell(counts, is_json=asked.is_json)


def _take_all(desk: "Desk", wanted: "Sequence[tuple[Filed, datetime]]", terms: "Terms") -> Counter[str]:
    from maild.desk.bring_in import bring_in
    from maild.mime.line_ends import with_crlf
    from maild.store import fates

    newest = desk.store.read_now(fates.newest)
    seen: set[int] = set()
    with _progress(len(wanted)) as advance:
        for batch in _batches(wanted, lambda each: each[0].size):
            mails = [(with_crlf(mail.load()), moment) for mail, moment in batch]
            seen.update(carried_out(bring_in(desk, mails, terms)))
            advance(len(batch))
    return _counted(desk, seen, newest, read=len(wanted))


def _counted(desk: "Desk", seen: set[int], newest: int, *, read: int) -> Counter[str]:
    """What became of mails that were read; those with an id up to `newest` had been there before."""
    from maild.store import fates

    fresh = sorted(mail for mail in seen if mail > newest)
    counts = Counter({"read": read, "new": len(fresh), "known": read - len(fresh)})
    tickets: set[int] = set()
    for mails in _batches(fresh):
        became = desk.store.read_now(fates.fates, mails)
        counts["held"] += sum(state == "held" for state, _ in became)
        tickets.update(ticket for _, ticket in became if ticket is not None)
    counts["tickets"] = len(tickets)
    return counts


def _tell(counts: Counter[str], *, is_json: bool) -> None:
    if is_json:
        missing = {"missing": counts["missing"]} if counts["missing"] else {}
        json_line({key: counts[key] for key in ("read", "new", "known", "skipped", "held", "tickets")} | missing)
        return
    skipped = f", {counts['skipped']} older ones left out" if counts["skipped"] else ""
    click.echo(f"{counted(counts['read'], 'mail')} read: {counts['new']} new, {counts['known']} known already{skipped}")
    if counts["missing"]:
        click.echo(f"{counted(counts['missing'], 'mail')} could not be had from the server")
    held = f"; {counts['held']} held, see `maild hold list`" if counts["held"] else ""
    click.echo(f"the new ones belong to {counted(counts['tickets'], 'ticket')}{held}")


def _batches(items: Iterable[T], size: Callable[[T], int] = lambda _: 0) -> Iterator[list[T]]:
    """A hundred at a time, or as many as have 16 MiB together."""
    batch: list[T] = []
    octets = 0
    for item in items:
        if batch and (len(batch) == _BATCH or octets + size(item) > _OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(item)
        octets += size(item)
    if batch:
        yield batch


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("mails"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("mails", total=total)
        yield lambda count: bar.advance(task, count)
