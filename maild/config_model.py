"""Every key of the configuration and its default; config.example.toml explains them.

How single values are written is in config_values.py, what several keys must agree on in config_checks.py; the tables
of mailboxes are in config_mailbox.py.
"""

import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, ValidationInfo

from maild.config_mailbox import Imap, OAuth, Table
from maild.config_values import (
    Address,
    AnyPath,
    Count,
    Days,
    Directory,
    Duration,
    File,
    Folder,
    Key,
    Listener,
    Listeners,
    Network,
    OneOrMore,
    Password,
    Pattern,
    PublicUrl,
    Relay,
    Selector,
    Size,
    SpamField,
    StoreUrl,
    Strings,
    SubjectTag,
    Timezone,
    Word,
    Words,
    Yes,
    read_bytes,
    read_path,
)
from maild.core import policy as rules
from maild.core.address import ascii_domain, normalise

MIN_SECRET = 32  # octets
_MAX_MAIL = 25 * 2**20  # octets


def _read_secret_file(value: object, info: ValidationInfo) -> Path:
    path = read_path(str(value) if isinstance(value, Path) else value, info)
    try:
        secret = read_bytes(path).strip()
    except ValueError as error:
        raise ValueError(f"{error} (`maild init` makes one)") from None
    if len(secret) < MIN_SECRET:
        raise ValueError(f"{path} holds {len(secret)} bytes; a secret has at least {MIN_SECRET}")
    return path


class Desk(Table):
    """`[desk]`: the desk as a whole."""

    name: Word
    language: Literal["ru", "en"] = "ru"
    timezone: Timezone = "UTC"
    public_url: PublicUrl = ""
    general_address: Address | None = None
    default_category: Key | None = None
    subject_tag: SubjectTag = "#"
    subaddress: Yes = True
    reopen_window: Duration = timedelta(hours=48)
    remind_before: Duration = timedelta(hours=6)
    auto_solve_after: Duration = timedelta(days=7)
    hold_days: Days = timedelta(days=30)
    state_dir: AnyPath = Path("/var/lib/maild")
    secret_file: Annotated[Path, PlainValidator(_read_secret_file)] = Field(
        default_factory=lambda data: data["state_dir"] / "secret", validate_default=True
    )
    retired_secret_files: tuple[Annotated[Path, PlainValidator(_read_secret_file)], ...] = ()
    templates: Directory | None = None


class Store(Table):
    """`[store]`: without a url it is maild.db in desk.state_dir."""

    url: StoreUrl | None = None


class Smtp(Table):
    """`[smtp]`: the SMTP door."""

    listen: Listeners = (Listener("127.0.0.1", 2525),)
    hostname: Word = Field(default_factory=socket.getfqdn)
    max_size: Size = _MAX_MAIL
    tls_cert: File | None = None
    tls_key: File | None = None
    trusted_peers: tuple[Network, ...] = ()
    users: dict[Address, Password] = Field(default={})


class Lmtp(Table):
    """`[lmtp]`: the LMTP door."""

    listen: Listeners = ()


class Trust(Table):
    """`[trust]`: whose word about senders counts."""

    authserv_id: Strings = ()
    received_by: Strings = ()
    position: Literal["above", "below"] = "above"
    verify: Yes = False
    internal_peers: tuple[Network, ...] = ()
    domains: Strings = ()
    spam_field: SpamField = ""


class Outbound(Table):
    """`[outbound]`: how letters leave."""

    relay: Relay
    username: str = ""
    password_file: File | None = None
    oauth: OAuth | None = None
    ca_file: File | None = None
    from_name: str = ""
    verp: Yes = True
    max_size: Size = _MAX_MAIL
    dkim_key: File | None = None
    dkim_selector: Selector = ""

    def password(self) -> str:
        """The password at the relay, "" if there is none; read anew each time, since it may change."""
        return read_bytes(self.password_file).decode().strip() if self.password_file else ""


class Http(Table):
    """`[http]`: action links and the portal."""

    listen: Listeners = (Listener("127.0.0.1", 8080),)
    trusted_proxies: tuple[Network, ...] = ()


class Ops(Table):
    """`[ops]`: health and metrics."""

    listen: Listeners = ()


class Budgets(Table):
    """`[budgets]`: how many letters strangers can make us write."""

    per_address_hour: Count = 3
    per_address_day: Count = 10
    per_domain_hour: Count = 100
    per_hour: Count = 1000


class Retention(Table):
    """`[retention]`: how long things are kept; 0 is for ever."""

    raw: Days = timedelta(0)
    closed: Days = timedelta(0)
    holds: Days = timedelta(0)


class TopicField(Table):
    """`[[category.topic.field]]`: one field of a topic's card."""

    key: Key
    label: Words
    type: Literal["text", "number", "date", "choice", "email"] = "text"
    required: Yes = False
    choices: tuple[Word, ...] = ()
    pattern: Pattern = ""
    help: Words | None = None

    def policy(self) -> rules.Field:
        """The field as the rules know it."""
        return rules.Field(
            key=self.key,
            label=self.label,
            type=self.type,
            is_required=self.required,
            choices=self.choices,
            pattern=self.pattern,
            help=self.help or rules.Text(ru="", en=""),
        )


class Topic(Table):
    """`[[category.topic]]`: a subject inside a category."""

    key: Key
    title: Words
    field: tuple[TopicField, ...] = ()

    def policy(self) -> rules.Topic:
        """The topic as the rules know it."""
        return rules.Topic(self.key, self.title, tuple(field.policy() for field in self.field))


class Category(Table):
    """`[[category]]`: a department."""

    key: Key
    title: Words
    address: Address
    team: Annotated[tuple[Address, ...], OneOrMore]
    folder: Folder = ""
    topic: tuple[Topic, ...] = ()

    def policy(self) -> rules.Category:
        """The category as the rules know it."""
        topics = tuple(topic.policy() for topic in self.topic)
        return rules.Category(self.key, self.title, self.address, self.team, topics, self.folder)


class Agent(Table):
    """`[[agent]]`: a person of support. No language = the desk's, no categories = all."""

    address: Address
    name: str = ""
    language: Literal["ru", "en"] | None = None
    categories: tuple[Key, ...] = ()
    echo: Yes = False

    def policy(self, desk_language: str) -> rules.Agent:
        """The agent as the rules know him."""
        return rules.Agent(self.address, self.name, self.language or desk_language, self.categories, self.echo)


class Agents(Table):
    """`[agents]`: what holds for all of them."""

    collision_window: Duration = timedelta(minutes=30)


class FormSender(Table):
    """`[[form_sender]]`: a web form that writes for its visitors."""

    address: Address


class Config(Table):
    """The whole file. Attributes are called as in the file."""

    desk: Desk
    category: Annotated[tuple[Category, ...], OneOrMore]
    outbound: Outbound
    store: Store = Store()
    smtp: Smtp = Field(default_factory=Smtp)
    lmtp: Lmtp = Lmtp()
    trust: Trust = Trust()
    http: Http = Http()
    ops: Ops = Ops()
    budgets: Budgets = Budgets()
    retention: Retention = Retention()
    agent: tuple[Agent, ...] = ()
    agents: Agents = Agents()
    form_sender: tuple[FormSender, ...] = ()
    imap: tuple[Imap, ...] = ()

    @property
    def store_url(self) -> str:
        """Where the desk keeps everything."""
        return self.store.url or f"sqlite://{self.desk.state_dir.absolute()}/maild.db"

    @property
    def database(self) -> Path | None:
        """The SQLite file of the desk; None on PostgreSQL."""
        scheme, _, path = self.store_url.partition("://")
        return Path(path) if scheme == "sqlite" else None

    @property
    def disk(self) -> Path:
        """The directory whose disk must not fill up."""
        return self.database.parent if self.database else self.desk.state_dir

    def secrets(self) -> tuple[bytes, ...]:
        """What tokens are signed with, then what they were signed with before: texts without white space around."""
        return tuple(read_bytes(path).strip() for path in (self.desk.secret_file, *self.desk.retired_secret_files))

    def policy(self) -> rules.Policy:
        """What the rules need to know."""
        desk = self.desk
        return rules.Policy(
            name=desk.name,
            language=desk.language,
            timezone=desk.timezone,
            public_url=desk.public_url,
            general_address=desk.general_address or "",
            default_category=desk.default_category or self.category[0].key,
            subject_tag=desk.subject_tag,
            subaddress=desk.subaddress,
            verp=self.outbound.verp,
            from_name=self.outbound.from_name or desk.name,
            reopen_window=desk.reopen_window,
            remind_before=desk.remind_before,
            auto_solve_after=desk.auto_solve_after,
            hold_days=desk.hold_days,
            categories=tuple(category.policy() for category in self.category),
            agents=tuple(agent.policy(desk.language) for agent in self.agent),
            collision_window=self.agents.collision_window,
            form_senders=tuple(sender.address for sender in self.form_sender),
            trust=self._trust_rules(),
            budgets=rules.Budgets(**self.budgets.model_dump()),
            max_letter=self.outbound.max_size,
            queues=tuple(box.queue(self._address_of(box)) for box in self.imap if box.is_queue),
            mailboxes=tuple(mailbox.policy(self._trust_rules(), self.trust.received_by) for mailbox in self.imap),
            retention=rules.Retention(**self.retention.model_dump()),
        )

    def queue_addresses(self) -> list[tuple[int, str]]:
        """The mailboxes that support works in: their places among all, and whose letters are filed in each."""
        return [(index, self._address_of(mailbox)) for index, mailbox in enumerate(self.imap) if mailbox.is_queue]

    def _address_of(self, mailbox: Imap) -> str:
        """Which address of a team that mailbox has: the one of its user name, else the first of its category's team."""
        login = normalise(mailbox.username)
        team = [address for category in self.category for address in category.team]
        named = [address for address in team if login in (address, address.partition("@")[0])]
        key = mailbox.category or self.desk.default_category
        own = next((category for category in self.category if category.key == key), self.category[0])
        return (*named, *own.team)[0]

    def _trust_rules(self) -> rules.TrustRules:
        trust = self.trust
        return rules.TrustRules(
            authserv_ids=trust.authserv_id,
            received_by=trust.received_by or trust.authserv_id,
            position=trust.position,
            verify=trust.verify,
            internal_peers=trust.internal_peers,
            domains=tuple(ascii_domain(domain) for domain in trust.domains),
            spam_field=trust.spam_field,
        )
