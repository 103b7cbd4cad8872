"""`maild explain`: what maild understands of a mail, without touching anything."""

import sys
from pathlib import Path

import click

from maild.cli.exits import NO_INPUT
from maild.cli.group import chosen_config
from maild.cli.open import config_file, loaded_config
from maild.cli.show import as_json, json_line, page
from maild.core.errors import ConfigError

_TAG = "#"  # desk.subject_tag where there is no configuration


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path())
@as_json
@click.pass_context
def explain(context: click.Context, files: tuple[str, ...], is_json: bool) -> None:
    """Print what maild understands of mails; - is standard input."""
    from maild.cli.page import mail_page
    from maild.cli.rows import explained
    from maild.mime.parse import parse

    tag, status = _subject_tag(), 0
    for place, file in enumerate(files):
        try:
            raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:  # the other files are still worth reading
            click.echo(f"maild: {click.format_filename(file)}: {error.strerror}", err=True)
            status = NO_INPUT
            continue
        if is_json:
            json_line(explained(file, parse(raw), tag))
        else:
            if len(files) > 1:
                page(("\n" if place else "") + f"── {file}")
            page(mail_page(parse(raw), tag))
    context.exit(status)


def _subject_tag() -> str:
    """The desk's; the usual one where there is no configuration, or none that this user may read."""
    try:
        return loaded_config().desk.subject_tag
    except ConfigError as error:
        if chosen_config() is not None:
            raise
        if config_file().exists():
            click.echo(f"maild: ticket numbers are looked for as [{_TAG}1], for {error.problems[0]}", err=True)
        return _TAG
