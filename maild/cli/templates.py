"""`maild templates`: the letters as they will look."""

import click

from maild.cli.group import Group


@click.group(
    cls=Group, later={"preview": ("maild.cli.preview:preview", "Write every letter as files to look at, to DIR.")}
)
def templates() -> None:
    """Look at letters before they are sent."""
