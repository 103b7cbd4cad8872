"""`maild backup`: the database in one file, while the daemon goes on."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import click

from maild.cli.exits import InTheWay, Unavailable
from maild.cli.open import loaded_config


@click.command()
@click.argument("target", metavar="FILE|DIR", type=click.Path(path_type=Path))
def backup(target: Path) -> None:
    """Copy the SQLite database to FILE, or to a new file in DIR, while the daemon runs.

    On PostgreSQL that is the business of its own tools: it says which, and ends with 69.
    """
    from maild.desk.desk import utc_now
    from maild.mime.plain import size
    from maild.store.backup import back_up

    config = loaded_config()
    if config.database is None:
        raise Unavailable(
            "the database is PostgreSQL, which has tools of its own for that: run\n"
            f"pg_dump --format=custom --file={target} {_without_password(config.store_url)}\n"
            f"and keep the secret as well: {config.desk.secret_file}"
        )
    if target.is_dir():
        target = target / f"maild-{utc_now():%Y%m%dT%H%M%SZ}.db"
    if target.exists():
        raise InTheWay(f"{target} exists already, and nothing is overwritten")
    if not config.database.exists():
        raise FileNotFoundError(2, "there is no database yet", str(config.database))
    octets = back_up(config.database, target)
    click.echo(f"{target}: {size(octets, 'en')}, complete and sound")
    click.echo(f"keep the secret as well: {config.desk.secret_file}")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}"))
