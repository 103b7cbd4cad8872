"""`maild import`: mail of earlier days, from files or a mailbox, into the ledger."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maild.cli.group import Group
from maild.cli.open import carried_out, loaded_config, opened_desk
from maild.cli.show import as_json, counted, json_line

if TYPE_CHECKING:
    from maild.cli.archives import Filed
    from maild.desk.bring_in import Terms
    from maild.desk.desk import Desk

_BATCH = 100  # mails: those of a daemon beside us do not wait for longer


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


def _bring_in(
    found: "list[Filed]", *, is_sending: bool, since: datetime | None, category: str | None, is_json: bool
) -> None:
    """The oldest first, so that answers find what they answer."""
    config = loaded_config()
    policy = config.policy()
    if category is not None and category not in {each.key for each in policy.categories}:
        raise click.BadParameter(f"there is no category {category!r}", param_hint="--category")
    now = datetime.now(UTC)
    first = since.replace(tzinfo=UTC) if since else None
    dated = sorted(((mail.moment or now, number) for number, mail in enumerate(found)))
    wanted = [(found[number], moment) for moment, number in dated if first is None or moment >= first]
    with opened_desk(config) as desk:
        from maild.desk.bring_in import Terms

        terms = Terms(category or policy.default_category, is_silent=not is_sending)
        counts = _take_all(desk, wanted, terms)
    counts["skipped"] = len(found) - len(wanted)
    _tell(counts, is_json=is_json)


def _take_all(desk: "Desk", wanted: "Sequence[tuple[Filed, datetime]]", terms: "Terms") -> Counter[str]:
    from maild.desk.bring_in import bring_in
    from maild.mime.line_ends import with_crlf
    from maild.store import fates

    newest = desk.store.read_now(fates.newest)
    seen: set[int] = set()
    with _progress(len(wanted)) as advance:
        for batch in _batches(wanted):
            ids = carried_out(bring_in(desk, [(with_crlf(mail.load()), moment) for mail, moment in batch], terms))
            seen.update(ids)
            advance(len(batch))
    fresh = sorted(mail for mail in seen if mail > newest)
    counts = Counter({"read": len(wanted), "new": len(fresh), "known": len(wanted) - len(fresh)})
    tickets: set[int] = set()
    for mails in _batches(fresh):
        became = desk.store.read_now(fates.fates, mails)
        counts["held"] += sum(state == "held" for state, _ in became)
        tickets.update(ticket for _, ticket in became if ticket is not None)
    counts["tickets"] = len(tickets)
    return counts


def _tell(counts: Counter[str], *, is_json: bool) -> None:
    if is_json:
        json_line({key: counts[key] for key in ("read", "new", "known", "skipped", "held", "tickets")})
        return
    skipped = f", {counts['skipped']} older ones left out" if counts["skipped"] else ""
    click.echo(f"{counted(counts['read'], 'mail')} read: {counts['new']} new, {counts['known']} known already{skipped}")
    held = f"; {counts['held']} held, see `maild hold list`" if counts["held"] else ""
    click.echo(f"the new ones belong to {counted(counts['tickets'], 'ticket')}{held}")


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(items)
    while batch := list(islice(left, _BATCH)):
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
