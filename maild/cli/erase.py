"""`maild erase`: what is known of a person goes."""

import sys
from typing import TYPE_CHECKING

import click

from maild.cli.open import loaded_config, opened_desk, whoami
from maild.cli.show import as_json, counted, json_line

if TYPE_CHECKING:
    from maild.config import Config
    from maild.store.erasure import Known


@click.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--yes", is_flag=True, help="Do not ask; without a terminal nobody is asked.")
@as_json
def erase(address: str, yes: bool, is_json: bool) -> None:
    """Erase what is known of a person, for good.

    Raw mail and words of his mails and of the tickets that he opened go, and his name and address everywhere else. The
    tickets stay as skeletons; those not closed are closed without a letter.
    """
    from maild.config_values import read_address
    from maild.desk import erase as desk_erase

    config = loaded_config()
    try:
        person = read_address(address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ADDRESS") from None
    with opened_desk(config) as desk:
        known = desk_erase.known_of(desk, person)
        if known and not yes and sys.stdin.isatty():  # a script that names a person has made up its mind
            click.confirm(f"{person}: {_told(known)}. Erase all of it, for good?", abort=True, err=True)
        stand_in, known = desk_erase.erase(desk, person, whoami())
    is_clean = _clean(config)
    if is_json:
        json_line({"stand_in": stand_in, **_counts(known), "file_clean": is_clean})
        return
    click.echo(f"erased: {_told(known)}; {stand_in} stands in")
    if known.audits:
        click.echo(f"the audit list, which nobody can change, names the person {counted(known.audits, 'time')}")
    if not is_clean:
        click.echo("free pages of the database may still hold what was deleted: stop maild and erase once more")


def _told(known: "Known") -> str:
    unclosed = f" ({len(known.unclosed)} of them not closed)" if known.unclosed else ""
    return (
        f"{counted(len(known.own), 'ticket')} of his own{unclosed}, {len(known.shared)} of others,"
        f" {counted(len(known.mails), 'mail')}, {counted(len(known.letters), 'letter')}"
    )


def _counts(known: "Known") -> dict[str, int]:
    return {
        "tickets": len(known.own),
        "closed": len(known.unclosed),
        "shared_tickets": len(known.shared),
        "mails": len(known.mails),
        "letters": len(known.letters),
        "audit": known.audits,
    }


def _clean(config: "Config") -> bool:
    """Make the SQLite file anew without what was deleted from it; True if that is done, or not ours to do."""
    from maild.store.sqlite import clean_sqlite

    return config.database is None or clean_sqlite(config.store_url)
