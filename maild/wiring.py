"""Builds a desk from the configuration: what `serve` and every command that touches the database begin with."""

import fcntl
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

from maild.config import Config
from maild.config_mailbox import Imap
from maild.config_values import read_bytes
from maild.core.errors import ConfigError, StoreBusy
from maild.core.policy import Policy
from maild.core.tokens import Keys, derive_keys, fingerprint
from maild.desk.desk import Desk
from maild.mailbox.intake import Intake, Settled, leave, mark_read, move_to
from maild.mailbox.login import Place
from maild.mailbox.shadow import Shadow
from maild.mailin.access import Access, tls_context
from maild.mailout.outcome import Transport
from maild.mailout.relay import relay_of, transport_for
from maild.mailout.smtp import Relay, SmtpTransport
from maild.mime.render import Renderer, templates_dir
from maild.mime.sign import Sign, signer, unsigned
from maild.oauth import AccessTokens
from maild.store.db import Tx, open_store
from maild.store.settings import instance_id, keep, put, setting


def renderer_for(config: Config) -> Renderer:
    """The desk's templates: its own directory, or the ones that came with maild."""
    return Renderer(config.desk.templates or templates_dir())


def check_templates(config: Config) -> None:
    """Raises ConfigError naming every template that is missing or broken, in any language of the desk."""
    if problems := renderer_for(config).check():
        raise ConfigError(problems)


def lock(config: Config) -> AbstractContextManager[object]:
    """Make sure that nobody else serves this SQLite file: a second daemon would take work in hand for left behind.

    The lock lives as long as the file that is returned, and goes with the process however that ends. Raises ConfigError
    if it is taken. PostgreSQL serves any number of nodes.
    """
    if config.database is None:
        return nullcontext()
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
    keys, sign = derive_keys(config.secrets()), signer_for(config)
    store = open_store(config.store_url)
    try:
        instance = store.read_now(_identified, keys) or store.run_now(_identify, keys, str(config.desk.secret_file))
    except BaseException:
        store.close()
        raise
    return Desk(
        store=store, policy=config.policy(), keys=keys, renderer=renderer_for(config), instance=instance, sign=sign
    )


def signer_for(config: Config) -> Sign:
    """What signs the desk's letters: its DKIM key, if it has one. Raises ConfigError for a key that cannot be read."""
    outbound = config.outbound
    if outbound.dkim_key is None:
        return unsigned
    try:
        return signer(read_bytes(outbound.dkim_key), outbound.dkim_selector)
    except ValueError as error:
        raise ConfigError([f"outbound.dkim_key: {outbound.dkim_key}: {error}"]) from error


def transport_of(config: Config) -> Callable[[], Transport]:
    """What makes the way out for each worker of the sender."""
    if config.outbound.relay.startswith("maildir:"):
        return transport_for(config.outbound.relay)
    return partial(SmtpTransport, relay_for(config))


def relay_for(config: Config) -> Relay:
    """The relay and how to log in there; one for all workers, since they share its access token."""
    outbound = config.outbound
    return relay_of(
        outbound.relay,
        outbound.username,
        outbound.password,
        config.smtp.hostname,
        token=AccessTokens(outbound.oauth) if outbound.oauth else None,
        ca_file=outbound.ca_file,
    )


def place_of(mailbox: Imap) -> Place:
    """Where a mailbox is, and how to log in there."""
    return Place(
        host=mailbox.host,
        port=mailbox.port,
        username=mailbox.username,
        is_tls=mailbox.tls == "implicit",
        ca_file=mailbox.ca_file,
        password=mailbox.password,
        token=AccessTokens(mailbox.oauth) if mailbox.oauth else None,
    )


def intake_for(desk: Desk, config: Config, mailbox: Imap, *, from_beginning: bool = False) -> Intake:
    """How new mail of a mailbox is taken in."""
    return Intake(
        desk=desk,
        mailbox=mailbox.name,
        folder=mailbox.folder,
        category=mailbox.category or config.desk.default_category or config.category[0].key,
        max_size=config.smtp.max_size,
        disk=config.disk,
        settled=_settled(mailbox.after),
        takes_old=from_beginning,
    )


def shadow_for(desk: Desk, config: Config, mailbox: Imap) -> Shadow:
    """How a mailbox is watched of which nothing is taken."""
    category = mailbox.category or config.desk.default_category or config.category[0].key
    return Shadow(desk, mailbox.name, mailbox.folder, category)


def _settled(after: str) -> Settled:
    """What becomes of messages that have been taken in."""
    if after.startswith("move:"):
        return move_to(after.removeprefix("move:").strip())
    return mark_read if after == "flag" else leave


def _identified(tx: Tx, keys: Keys) -> str | None:
    """The desk's id if it was made with this very secret: then nothing has to be written to open the database."""
    return setting(tx, "instance") if setting(tx, "key") == fingerprint(keys[0]) else None


def _identify(tx: Tx, keys: Keys, secret_file: str) -> str:
    """The desk's id; refuses a secret that did not sign the tokens already out there, unless that one is retired."""
    mark = fingerprint(keys[0])
    kept = keep(tx, "key", mark)
    if kept in map(fingerprint, keys[1:]):
        put(tx, "key", mark)
    elif kept != mark:
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


def check_routing(desk: Desk, policy: Policy) -> None:
    """On a database of several nodes: does each address lead to the same category on all of them? Else ConfigError.

    The first node to serve a database says what holds, until `accept_routing`.
    """
    if not desk.store.is_shared:
        return
    ours = _routing(policy)
    try:
        kept = desk.store.read_now(setting, "routing") or desk.store.run_now(keep, "routing", ours)
    except StoreBusy as error:
        raise ConfigError([f"store.url: {error}"]) from error
    if kept != ours:
        raise ConfigError(
            [f"category: this database is served with {kept}; here it is {ours} (`maild migrate --accept-routing`)"]
        )


def accept_routing(desk: Desk, policy: Policy) -> None:
    """From now on nodes must have this routing to start; those that run are to be started anew."""
    desk.store.run_now(put, "routing", _routing(policy))


def _routing(policy: Policy) -> str:
    """Which address leads where, in words that a message can show."""
    routes = {category.address: category.key for category in policy.categories}
    if policy.general_address:
        routes[policy.general_address] = policy.default_category
    return ", ".join(f"{address} → {key}" for address, key in sorted(routes.items()))


def reload(desk: Desk, config: Config) -> None:
    """Take over agents, categories and templates of a configuration read anew; the rest needs a restart.

    Raises ConfigError and changes nothing if the templates are broken or other nodes have another routing.
    """
    check_templates(config)
    policy = config.policy()
    trust = {mailbox.name: mailbox.trust for mailbox in policy.mailboxes}
    # Those that somebody looks after: no letter waits to be filed in another, and no ticket to close for its sweep.
    mailboxes = tuple(replace(each, trust=trust.get(each.name, each.trust)) for each in desk.policy.mailboxes)
    policy = replace(policy, queues=desk.policy.queues, mailboxes=mailboxes)
    check_routing(desk, policy)
    desk.policy, desk.renderer = policy, renderer_for(config)
