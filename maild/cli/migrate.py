"""`maild migrate`: bring the database to the schema of this release without starting the desk."""

import click

from maild.cli.open import loaded_config, opened_desk


@click.command()
def migrate() -> None:
    """Bring the database to this release's schema.

    `maild serve` does the same when it starts.
    """
    config = loaded_config()
    with opened_desk(config):
        click.echo(f"{config.database}: up to date")
