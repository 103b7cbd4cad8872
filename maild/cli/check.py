"""`maild check`: is everything as it must be before `serve`? One line for each thing looked at."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maild.cli.exits import CONFIG
from maild.cli.open import config_file

if TYPE_CHECKING:
    from maild.cli.finding import Finding

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Say what is right and what is to be done.

    Looks at configuration, database, relay, mailboxes, trust in senders, templates, disk and clock. Ends with 0 unless
    there are errors.
    """
    context.exit(run_checks(config_file()))


def run_checks(path: Path) -> int:
    """Print what was found; the exit status: 0 without errors, 78 if the configuration is wrong, else 1."""
    from maild.cli.findings import findings

    status = 0
    for finding in findings(path):
        tell(finding)
        if finding.level == "error":
            status = CONFIG if finding.what == "config" else status or 1
    return status


def tell(finding: "Finding") -> None:
    """Print one line."""
    level = click.style(f"{finding.level:<8}", fg=_COLOURS[finding.level], bold=finding.level != "ok")
    click.echo(f"{level} {finding.what + ':':<11}{finding.words}")
