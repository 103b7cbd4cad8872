"""Groups of commands: all take --config, heavy ones are loaded when they are called, errors end in one place."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from maild.cli.exits import exit_status

_CHOSEN = "maild.config"


def chosen_config() -> str | None:
    """What --config said, before or after the subcommand (the later one counts), or None."""
    value: str | None = click.get_current_context().meta.get(_CHOSEN)
    return value


def _remember(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[_CHOSEN] = value


def _config_option() -> click.Option:
    return click.Option(
        ["--config"],
        metavar="FILE",
        type=click.Path(),
        expose_value=False,
        callback=_remember,
        help="The configuration; otherwise $MAILD_CONFIG, otherwise /etc/maild/config.toml.",
    )


class Group(click.Group):
    """A group whose members all take --config.

    `later` are members that are imported when they are called: name → ("module:attribute", what the list says of it).
    """

    def __init__(self, *args: Any, later: Mapping[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._later = later or {}
        self.params.append(_config_option())

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command in."""
        if not any("--config" in param.opts for param in cmd.params):
            cmd.params.append(_config_option())
        super().add_command(cmd, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported if need be."""
        if cmd_name in self._later and cmd_name not in self.commands:
            module, _, attribute = self._later[cmd_name][0].partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of members, without importing those that can wait."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.commands.get(name)
            rows.append((name, command.get_short_help_str(80) if command else self._later[name][1]))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program and end it with an exit status of sysexits(3)."""
        kwargs |= {"prog_name": "maild", "standalone_mode": False}
        try:
            status = super().main(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the one place where errors become words and exit statuses
            status = exit_status(error)
        sys.exit(status if isinstance(status, int) else 0)
