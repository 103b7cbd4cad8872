"""`maild imap`: the mailboxes on servers that customers' mail arrives in."""

from typing import TYPE_CHECKING

import click

from maild.cli.exits import NotThere
from maild.cli.group import Group
from maild.cli.open import carried_out, loaded_config, opened_desk
from maild.cli.show import as_json, json_line, local, maybe_rfc3339, table
from maild.core.errors import Unreachable

if TYPE_CHECKING:
    from maild.config import Config
    from maild.config_mailbox import Imap
    from maild.desk.desk import Desk
    from maild.mailbox.reconcile import Reconciled
    from maild.mailbox.shadow import Shadowed

_STATUS = ("mailbox", "role", "server", "folder", "next UID", "last sweep")
_SHADOW = ("mailbox", "UID", "received", "from", "what would happen")
_COMPARED = ("mailbox", "on the server", "in the ledger", "missing UIDs")


@click.group(cls=Group)
def imap() -> None:
    """The mailboxes of [[imap]]."""


@imap.command()
@as_json
def status(is_json: bool) -> None:
    """How far each mailbox has been read, and when all of it was last in the ledger."""
    from maild.store import mailboxes

    config = loaded_config()
    with opened_desk(config) as desk:
        rows = [(each, desk.store.read_now(mailboxes.progress, each.name)) for each in config.imap]
        zone = desk.policy.timezone
    if is_json:
        for each, progress in rows:
            swept_at = progress.swept_at if progress else None
            json_line(
                {
                    **_named(each),
                    "uidvalidity": progress.uidvalidity if progress else None,
                    "next_uid": progress.next_uid if progress else None,
                    "last_sweep": maybe_rfc3339(swept_at),
                }
            )
        return
    cells = [
        (
            *_named(each).values(),
            progress.next_uid if progress else None,
            local(progress.swept_at, zone) if progress and progress.swept_at else "never",
        )
        for each, progress in rows
    ]
    table(_STATUS, cells, "There is no [[imap]] in the configuration.")


def _named(mailbox: "Imap") -> dict[str, str]:
    server = f"{mailbox.host}:{mailbox.port}"
    return {"mailbox": mailbox.name, "role": mailbox.role, "server": server, "folder": mailbox.folder}


@imap.command()
@as_json
def reconcile(is_json: bool) -> None:
    """Compare each mailbox that customers' mail arrives in with the ledger; the daemon need not run.

    Mail that lay there before the desk came does not count.
    """
    config = loaded_config()
    with opened_desk(config) as desk:
        found, silent = carried_out(_reconciled(desk, config))
    if is_json:
        for each in found:
            json_line(
                {
                    "mailbox": each.mailbox,
                    "on_server": each.on_server,
                    "in_ledger": each.in_ledger,
                    "missing": list(each.missing),
                }
            )
    else:
        cells = [(one.mailbox, one.on_server, one.in_ledger, ", ".join(map(str, one.missing))) for one in found]
        table(_COMPARED, cells, "Customers' mail arrives in no mailbox of [[imap]].")
    if silent:
        raise Unreachable("\n".join(silent))


@imap.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--last", metavar="N", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@as_json
def shadow(name: str | None, last: int, is_json: bool) -> None:
    """What would become of the newest mails of a mailbox; otherwise of each with shadow = true. Changes nothing."""
    config = loaded_config()
    chosen = [each for each in config.imap if each.name == name or (name is None and each.shadow)]
    if name is not None and not chosen:
        raise NotThere(f"there is no [[imap]] of the name {name}")
    with opened_desk(config) as desk:
        told = [(each.name, one) for each in chosen for one in carried_out(_shadowed(desk, config, each, last))]
        if is_json:
            from maild.cli.rows import shadow_object

            for box, one in told:
                json_line(shadow_object(box, one))
            return
        cells = [(box, *_shadow_cells(one, desk.policy.timezone)) for box, one in told]
    table(_SHADOW, cells, "No mailbox has shadow = true." if not chosen else "Nothing lies there.")


async def _shadowed(desk: "Desk", config: "Config", mailbox: "Imap", last: int) -> "list[Shadowed]":
    from maild.mailbox.login import connect
    from maild.wiring import place_of, shadow_for

    connection = await connect(place_of(mailbox))
    try:
        return await shadow_for(desk, config, mailbox).recent(connection, last)
    finally:
        await connection.logout()


def _shadow_cells(one: "Shadowed", zone: str) -> tuple[object, ...]:
    author = one.foreseen.mail.author
    return one.uid, local(one.received_at, zone), author.address if author else "", one.foreseen.words


async def _reconciled(desk: "Desk", config: "Config") -> "tuple[list[Reconciled], list[str]]":
    """The mailboxes that can be read, and why the others cannot."""
    from maild.mailbox.login import connect
    from maild.mailbox.protocol import ServerRefused
    from maild.mailbox.reconcile import reconcile as compare
    from maild.wiring import place_of

    found, silent = [], []
    for each in config.imap:
        if each.is_intake:
            try:
                mailbox = await connect(place_of(each))
                try:
                    found.append(await compare(desk, mailbox, each.name, each.folder))
                finally:
                    await mailbox.logout()
            except (Unreachable, ServerRefused) as error:
                silent.append(f"{each.name}: {error}")
    return found, silent
