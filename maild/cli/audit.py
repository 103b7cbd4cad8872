"""`maild audit`: acts of people that belong to no ticket."""

from typing import TYPE_CHECKING

import click

from maild.cli.group import Group
from maild.cli.open import opened_desk
from maild.cli.show import as_json, json_line, local, table

if TYPE_CHECKING:
    from maild.store.audit import AuditRow

_HEADS = ("id", "at", "act", "who", "via", "what", "reason")


@click.group(cls=Group)
def audit() -> None:
    """What people did outside tickets: raw mail read, mail dropped."""


@audit.command("list")
@as_json
def list_acts(is_json: bool) -> None:
    """List all acts, oldest first."""
    from maild.cli.rows import audit_object
    from maild.store import audit as acts

    with opened_desk() as desk:
        rows = desk.store.read_now(acts.rows)
        zone = desk.policy.timezone
    if is_json:
        for row in rows:
            json_line(audit_object(row))
        return
    table(_HEADS, [_cells(row, zone) for row in rows], "Nothing stands in the audit list.")


def _cells(row: "AuditRow", zone: str) -> tuple[object, ...]:
    return row.id, local(row.at, zone), row.act, row.who, row.via, row.what, row.reason
