"""Builds a desk from the configuration: what `serve` and every command that touches the database begin with."""

from maild.config import Config
from maild.core.errors import ConfigError
from maild.core.tokens import Keys, derive_keys, fingerprint
from maild.desk.desk import Desk
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


def reload(desk: Desk, config: Config) -> None:
    """Take over agents, categories and templates of a configuration read anew; the rest needs a restart.

    Raises ConfigError and changes nothing if the templates are broken.
    """
    check_templates(config)
    desk.policy, desk.renderer = config.policy(), renderer_for(config)
