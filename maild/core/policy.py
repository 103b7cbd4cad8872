"""What the admin decided, as values the rules can read. `config.py` builds them from the TOML file."""

from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from maild.core.address import normalise

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Text:
    """A word or sentence of the admin in each language of the desk."""

    ru: str
    en: str

    def into(self, language: str) -> str:
        """The text in that language; any language but Russian reads English."""
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a topic's card; `type` is text, number, date, choice or email."""

    key: str
    label: Text
    type: str
    is_required: bool
    choices: tuple[str, ...]
    pattern: str
    help: Text


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject inside a category, with fields of its own."""

    key: str
    title: Text
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Category:
    """A department: its address is where customers write, `team` is where support reads."""

    key: str
    title: Text
    address: str
    team: tuple[str, ...]
    topics: tuple[Topic, ...]
    folder: str

    def topic(self, key: str) -> Topic | None:
        """The topic of that key, or None."""
        return next((topic for topic in self.topics if topic.key == key), None)


@dataclass(frozen=True, slots=True)
class Agent:
    """A person of support; `categories` are keys, empty = all."""

    address: str
    name: str
    language: str
    categories: tuple[str, ...]
    echo: bool


@dataclass(frozen=True, slots=True)
class TrustRules:
    """Whose Authentication-Results count (RFC 8601). Ids may start with `*.`; `position` is above or below."""

    authserv_ids: tuple[str, ...]
    received_by: tuple[str, ...]
    position: str
    verify: bool
    internal_peers: tuple[Network, ...]
    domains: tuple[str, ...]
    spam_field: str

    @property
    def is_open(self) -> bool:
        """Nobody vouches for any sender (SPEC section 5, open trust)."""
        return not self.authserv_ids and not self.verify


@dataclass(frozen=True, slots=True)
class MailboxRules:
    """A mailbox on a server. `is_intake`: customers' mail arrives there. `trust` is for what lies in it."""

    name: str
    is_intake: bool
    trust: TrustRules


@dataclass(frozen=True, slots=True)
class Budgets:
    """How many letters strangers can make us write (SPEC section 6)."""

    per_address_hour: int
    per_address_day: int
    per_domain_hour: int
    per_hour: int


@dataclass(frozen=True, slots=True)
class Queue:
    """A mailbox that is the queue of support (`[[imap]]`, role team or desk). Folders have their configured names.

    Letters to `address` are filed in it instead of being sent. `inbox` is the folder in which mail of customers arrives
    (role desk), "" if they write elsewhere.
    """

    name: str
    address: str
    new: str
    pending: str
    solved: str
    closed: str
    spam: str
    sent: str
    move_delay: timedelta
    inbox: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long raw mail, closed tickets and dropped mail are kept; 0 is for ever."""

    raw: timedelta = timedelta(0)
    closed: timedelta = timedelta(0)
    holds: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything the rules need to know about this desk. Addresses are normalised."""

    name: str
    language: str
    timezone: str
    public_url: str
    general_address: str
    default_category: str
    subject_tag: str
    subaddress: bool
    verp: bool
    from_name: str
    reopen_window: timedelta
    remind_before: timedelta
    auto_solve_after: timedelta
    hold_days: timedelta
    categories: tuple[Category, ...]
    agents: tuple[Agent, ...]
    collision_window: timedelta
    form_senders: tuple[str, ...]
    trust: TrustRules
    budgets: Budgets
    max_letter: int = 25 * 2**20  # octets that the relay takes
    queues: tuple[Queue, ...] = ()
    retention: Retention = Retention()
    mailboxes: tuple[MailboxRules, ...] = ()

    @property
    def trusts_nobody(self) -> bool:
        """Open trust everywhere: neither at the doors nor in any mailbox does anything vouch for senders."""
        return self.trust.is_open and all(mailbox.trust.is_open for mailbox in self.mailboxes)

    def for_mailbox(self, name: str) -> "Policy":
        """The same with the trust rules of that mailbox; as it is for "", and for one that is configured no longer."""
        found = next((mailbox for mailbox in self.mailboxes if mailbox.name == name), None)
        return replace(self, trust=found.trust) if found else self

    def tag(self, number: int) -> str:
        """The ticket's number as subjects carry it: `[#1042]`."""
        return f"[{self.subject_tag}{number}]"

    def category(self, key: str) -> Category:
        """The category of that key; of the default category when the key was taken out of the configuration."""
        default = self.categories[0]
        for category in self.categories:
            if category.key == key:
                return category
            if category.key == self.default_category:
                default = category
        return default

    def agent(self, address: str) -> Agent | None:
        """The configured agent of that address, or None."""
        wanted = normalise(address)
        return next((agent for agent in self.agents if agent.address == wanted), None)

    def is_agent_of(self, address: str, category: str) -> bool:
        """Is this a person or mailbox of that category's support?"""
        wanted = normalise(address)
        agent = self.agent(wanted)
        if agent and (not agent.categories or category in agent.categories):
            return True
        return wanted in self.category(category).team

    def desk_mailbox(self, name: str) -> Queue | None:
        """The mailbox of that name if it is both queue and intake, or None."""
        return next((queue for queue in self.queues if queue.name == name and queue.inbox), None)

    @property
    def filed_addresses(self) -> tuple[str, ...]:
        """Addresses whose letters are filed in a mailbox instead of being sent."""
        return tuple(queue.address for queue in self.queues)

    def queue(self, address: str) -> Queue | None:
        """The mailbox that letters to this address are filed in, or None."""
        wanted = normalise(address)
        return next((queue for queue in self.queues if queue.address == wanted), None)

    def is_support(self, address: str) -> bool:
        """Is this an agent or team mailbox of any category?"""
        return self.agent(normalise(address)) is not None or self.is_team(address)

    def is_team(self, address: str) -> bool:
        """Is this the team mailbox of any category?"""
        wanted = normalise(address)
        return any(wanted in category.team for category in self.categories)

    def is_desk_address(self, address: str) -> bool:
        """Is this an address that mail for us is written to, whatever its +detail?"""
        bare = normalise(address)
        local, _, domain = bare.rpartition("@")
        bare = f"{local.partition('+')[0]}@{domain}"
        desk = {self.general_address, *(category.address for category in self.categories)} - {""}
        return bare in desk
