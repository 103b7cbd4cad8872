"""Builds a desk from the configuration: what `serve` and every command that touches the database begin with."""

import fcntl
from typing import IO

from maild.config import Config
from maild.core.errors import ConfigError
from maild.core.tokens import Keys, derive_keys, fingerprint
from maild.desk.desk import Desk
from maild.mailin.access import Access, tls_context
from maild.mime.render import Renderer, templates_dir
from maild.store.db import Tx, open_store
from maild.store.settings import instance_id, keep

LANGUAGES = ("ru", "en")


def renderer_for(config: Config) -> Renderer:
    """The desk's templates: its own directory, or the ones that came with maild."""
    return Renderer(config.desk.templates or templates_dir())


def check_templates(config: Config) -> None:
    """Raises ConfigError naming every template that is missing or broken, in any language of the desk."""
    if problems := renderer_for(config).check(LANGUAGES):
        raise ConfigError(problems)


def lock(config: Config) -> IO[str]:
    """Make sure that nobody else serves this database: a second daemon would take work in hand for left behind.

    The lock lives as long as the file that is returned, and goes with the process however that ends. Raises ConfigError
    if it is taken.
    """
    path = config.database.with_name(config.database.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = path.open("w")
    except OSError as error:
        raise ConfigError([f"store.url: {path}: {error.strerror}"]) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise ConfigError([f"store.url: {config.database} is being served by another maild"]) from error
    return held


def build_desk(config: Config) -> Desk:
    """Open the database and put the desk together; the caller closes `desk.store`. Raises ConfigError."""
    keys = derive_keys([config.secret()])
    store = open_store(f"sqlite://{config.database}")
    try:
        instance = store.run_now(_identify, keys, str(config.desk.secret_file))
    except BaseException:
        store.close()
        raise
    return Desk(store=store, policy=config.policy(), keys=keys, renderer=renderer_for(config), instance=instance)


def _identify(tx: Tx, keys: Keys, secret_file: str) -> str:
    """The desk's id; refuses a secret that did not sign the tokens already out there."""
    mark = fingerprint(keys[0])
    if keep(tx, "key", mark) != mark:
        raise ConfigError(
            [f"desk.secret_file: {secret_file} is not the secret this database was made with: no link or reply address"]
        )
    return instance_id(tx)


def access_for(config: Config) -> Access:
    """Certificate and users of the SMTP door. Raises ConfigError if the certificate and its key are of no use."""
    smtp = config.smtp
    if smtp.tls_cert is None or smtp.tls_key is None:
        return Access(None, smtp.users)
    try:
        return Access(tls_context(smtp.tls_cert, smtp.tls_key), smtp.users)
    except OSError as error:  # ssl.SSLError is one too
        reason = getattr(error, "reason", None) or error.strerror or error
        raise ConfigError([f"smtp.tls_cert: {smtp.tls_cert} and {smtp.tls_key}: {reason}"]) from error


def reload(desk: Desk, config: Config) -> None:
    """Take over agents, categories and templates of a configuration read anew; the rest needs a restart.

    Raises ConfigError and changes nothing if the templates are broken.
    """
    check_templates(config)
    desk.policy, desk.renderer = config.policy(), renderer_for(config)
