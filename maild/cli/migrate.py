"""`maild migrate`: the database's schema, the routing of its nodes, and the way from SQLite to PostgreSQL."""

from urllib.parse import urlsplit

import click

from maild.cli.open import loaded_config, opened_desk


@click.command()
@click.option("--accept-routing", is_flag=True, help="Let nodes start with this configuration's categories.")
@click.option("--to", "target", metavar="URL", help="Copy the SQLite database of a stopped desk to postgresql://…")
def migrate(accept_routing: bool, target: str | None) -> None:
    """Bring the database to this release's schema.

    `maild serve` does the same when it starts with SQLite; on PostgreSQL it has to be done before nodes are started.
    """
    from maild.store.db import migrate_store

    config = loaded_config()
    if target is not None:
        _move(target)
        return
    migrate_store(config.store_url)
    where = str(config.database) if config.database else "PostgreSQL"
    with opened_desk(config) as desk:
        click.echo(f"{where}: up to date")
        if accept_routing:
            from maild.wiring import accept_routing as accept

            accept(desk, desk.policy)
            click.echo("nodes now start with the categories of this configuration: restart those that run")


def _move(target: str) -> None:
    """From the configured SQLite file to PostgreSQL; every table is read back and compared before the commit."""
    from maild.store.db import migrate_store
    from maild.wiring import lock

    config = loaded_config()
    if config.database is None:
        raise click.UsageError("--to copies from SQLite, and store.url is PostgreSQL already")
    if not target.startswith("postgresql://"):
        raise click.BadParameter('is not "postgresql://…"', param_hint="--to")
    if urlsplit(target).password or "password=" in target:
        raise click.BadParameter("a password belongs into the file that PGPASSFILE names", param_hint="--to")
    migrate_store(target)
    from maild.store.move import move

    with lock(config):
        for table in move(config.store_url, target):
            click.echo(f"{table.name:<14}{table.rows:>10} rows  sha256 {table.checksum}")
    click.echo("everything is there, compared row by row; now set store.url")
