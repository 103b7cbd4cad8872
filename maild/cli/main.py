"""`maild`: the names of all commands. What each does is in the file of its noun."""

import click

from maild import __version__
from maild.cli.account import account
from maild.cli.audit import audit
from maild.cli.backup import backup
from maild.cli.check import check
from maild.cli.erase import erase
from maild.cli.explain import explain
from maild.cli.export import export
from maild.cli.group import Group
from maild.cli.hold import hold
from maild.cli.imap import imap
from maild.cli.imports import import_
from maild.cli.init import init
from maild.cli.mail import mail
from maild.cli.migrate import migrate
from maild.cli.oauth import oauth
from maild.cli.open import config_file
from maild.cli.outbox import outbox
from maild.cli.smtp import smtp
from maild.cli.stats import stats
from maild.cli.templates import templates
from maild.cli.ticket import ticket


@click.group(
    cls=Group,
    later={"demo": ("maild.cli.demo:demo", "Play a whole conversation in a temporary directory.")},
)
@click.version_option(__version__, prog_name="maild", message="%(prog)s %(version)s")
def main() -> None:
    """An email-first ticket desk: customers write mail, support answers mail."""


@main.command()
@click.option(
    "--from-beginning",
    is_flag=True,
    help="Take mail that lay in the mailboxes of [[imap]] before, too. Nobody is written to because of it.",
)
def serve(from_beginning: bool) -> None:
    """Run the desk in the foreground.

    SIGTERM ends it, SIGHUP reloads agents, categories, templates, the certificate and who may log in.
    """
    from maild.cli.serve import serve as run

    run(config_file(), from_beginning=from_beginning)


for _command in (
    account,
    audit,
    backup,
    check,
    erase,
    explain,
    export,
    hold,
    imap,
    import_,
    init,
    mail,
    migrate,
    oauth,
    outbox,
    smtp,
    stats,
    templates,
    ticket,
):
    main.add_command(_command)
