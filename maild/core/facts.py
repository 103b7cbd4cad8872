"""What the rules ask the database, and what it answers: values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from maild.core.mail import Mailbox
from maild.core.ticket import Status
from maild.core.tokens import HeldAction


@dataclass(frozen=True, slots=True)
class MailKeys:
    """What has to be looked up to decide about one mail. `letter` is the outbox row a bounce was addressed to.

    `people` are addresses whose language matters; `answered` the letters to support that an agent's mail answers.
    `said` is the Message-ID of a mail of support's that may have been taken from Sent already, or lie there
    (`is_sent`), "" for all others.
    """

    author: str
    message_id: str
    references: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    letter: int | None = None
    returned_id: str = ""
    people: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    said: str = ""
    is_sent: bool = False


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """A ticket as the rules see it. The first participant is the customer; `proposed` are people in Cc, not joined;
    `guests` are addresses to which the customer gave access to his account.
    """

    number: int
    subject: str
    category: str
    topic: str
    status: Status
    language: str
    participants: tuple[Mailbox, ...]
    reopen_until: datetime | None = None
    confirmed_at: datetime | None = None
    merged_into: int | None = None
    auto_solve_at: datetime | None = None
    assignee: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    proposed: tuple[Mailbox, ...] = ()
    guests: frozenset[str] = frozenset()

    def participant(self, address: str) -> Mailbox | None:
        """The participant of that (normalised) address, or None."""
        return next((person for person in self.participants if person.address == address), None)

    def may_join(self, address: str) -> bool:
        """Is that (normalised) address a participant's or a guest's? What each of them may do, `core.rights` says."""
        return self.participant(address) is not None or address in self.guests

    @property
    def customer(self) -> Mailbox:
        """Who asked."""
        return self.participants[0]


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """A letter of ours that came back. `is_failed`: that is known already."""

    id: int
    ticket: int | None
    letter: str
    to: str
    category: str
    subject: str
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """The newest public answer of a ticket. `names` are the Message-IDs by which somebody can know it."""

    ticket: int
    message: int
    at: datetime
    author: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Approval:
    """A person of support has decided what becomes of a held mail."""

    action: HeldAction
    person: str


@dataclass(frozen=True, slots=True)
class Provoked:
    """How many letters strangers have already made us write (SPEC section 6). `is_muted`: this one sent spam."""

    address_hour: int = 0
    address_day: int = 0
    domain_hour: int = 0
    hour: int = 0
    is_muted: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The answers. `recorded` maps Message-IDs of messages to their tickets, the first to bear it first; `languages`
    what people have chosen.

    For the mail of an agent: `last_answer` of the ticket, and `replied_to`, the newest message that he has seen with
    what he answers. `is_said`: it is in a ticket already, by way of Sent or of the desk's address.
    For a mail in Sent or a letter that was moved: when the customers of its tickets `spoke` first and last.
    """

    tickets: Mapping[int, TicketFacts] = field(default_factory=dict)
    recorded: Mapping[str, Sequence[int]] = field(default_factory=dict)
    languages: Mapping[str, str] = field(default_factory=dict)
    is_own_letter: bool = False
    bounced: LetterFacts | None = None
    provoked: Provoked = field(default_factory=Provoked)
    last_answer: LastAnswer | None = None
    replied_to: int = 0
    is_said: bool = False
    spoke: Mapping[int, tuple[datetime, datetime]] = field(default_factory=dict)

    def ticket(self, number: int) -> TicketFacts | None:
        """The ticket of that number; of a merged one, the ticket that it went into."""
        found = self.tickets.get(number)
        for _ in range(len(self.tickets)):
            if found is None or found.merged_into is None:
                break
            found = self.tickets.get(found.merged_into)
        return found
