"""What a decision does: effects as values, with one reason from a closed list.

`core.decide` makes them, `desk.apply` carries them out in one transaction. A ticket number of `OPENED` means the ticket
that the same decision opens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from maild.core.changes import Change
from maild.core.letter import Letter
from maild.core.mail import Attachment, Mailbox
from maild.core.reports import Delivery
from maild.core.ticket import Status
from maild.core.tokens import Purpose
from maild.core.trust import Trust

OPENED: Final = 0
OPENED_NUMBER: Final = "#{opened}"  # the same, where a reason names it in words


class Event(StrEnum):
    """The history of a ticket, word by word (SPEC section 14)."""

    OPENED = "opened"
    INCOMPLETE = "incomplete"
    COMPLETED = "completed"
    CUSTOMER_WROTE = "customer_wrote"
    COURTESY = "courtesy"
    AGENT_ANSWERED = "agent_answered"
    NOTE_ADDED = "note_added"
    SOLVED = "solved"
    CONFIRMED = "confirmed"
    REOPENED = "reopened"
    REMINDED = "reminded"
    CLOSED = "closed"
    FOLLOW_UP = "follow_up"
    MOVED = "moved"
    MERGED = "merged"
    ASSIGNED = "assigned"
    TAGGED = "tagged"
    PRIORITISED = "prioritised"
    SNOOZED = "snoozed"
    SPAM = "spam"
    CC_PROPOSED = "cc_proposed"
    CC_JOINED = "cc_joined"
    CLAIMS_TICKET = "claims_ticket"
    AUTO_RESPONSE = "auto_response"
    BOUNCE = "bounce"
    DELIVERY_FAILED = "delivery_failed"
    RECEIPT = "receipt"
    HELD = "held"
    RELEASED = "released"
    DROPPED = "dropped"
    COLLISION = "collision"


class Way(StrEnum):
    """By what a ticket's status was changed."""

    MAIL = "by_mail"
    LINK = "by_link"
    MAILTO = "by_mailto"
    WORD = "by_word"
    COMMAND = "by_command"
    MOVE = "by_move"
    PORTAL = "by_portal"
    CLI = "by_cli"
    JOB = "by_job"


class Reason(StrEnum):
    """Why a mail had the fate it had: stored, logged, shown."""

    NEW_QUESTION = "new question"
    JOINED_BY_TOKEN = "reply address of the ticket"
    JOINED_BY_CODE = "signed code in the subject"
    JOINED_BY_OUR_REFERENCE = "answers a letter of ours"
    JOINED_BY_REFERENCE = "refers to a message of the ticket"
    JOINED_BY_NUMBER = "number in the subject, author verified"
    JOINED_UNVERIFIED = "number in the subject, sender not verified"
    CLAIMS_TICKET = "new question: the ticket it names is not the author's"
    FOLLOW_UP = "follow-up: the ticket is closed"
    AGENT_ANSWERED = "agent's answer"
    AGENT_NOTED = "agent's note"
    AGENT_OPENED = "agent opened it towards a customer"
    AGENT_COMMANDED = "agent's command"
    ANSWERED_OUTSIDE = "agent's answer, found in Sent"
    NO_ANSWER = "found in Sent, no answer to a customer"
    SECOND_CATEGORY = "second category told"
    ALREADY_KNOWN = "repeated: nothing new"
    BOUNCE_RECORDED = "bounce of a letter of ours"
    BOUNCE_FORGED = "bounce of a letter of ours, not genuine"
    NOTICE_RETURNED = "a notice of ours came back"
    ROBOT_RECORDED = "automatic mail of the ticket"
    ACTION_REFUSED = "the ticket is closed"
    LISTED = "asked for a list"
    SHOWN = "asked to see the ticket"
    CLICKED = "action link"
    DEADLINE_REACHED = "the reopening deadline is reached"
    DEADLINE_NEAR = "the reopening deadline is near"
    CUSTOMER_SILENT = "no word from the customer since the answer"
    WOKEN = "support wanted to be reminded"

    HELD_UNPARSABLE = "could not be parsed"
    HELD_NO_AUTHOR = "no author"
    HELD_TRUST_FAILED = "sender failed authentication"
    HELD_AGENT_UNVERIFIED = "claims to be an agent, not verified"
    HELD_AGENT_UNPROVEN = "agent without a token or reference of ours"
    HELD_AGENT_AUTOMATIC = "automatic mail of support's"
    HELD_OTHER_AGENT = "another agent is among its recipients"
    HELD_COMMAND_UNCLEAR = "command not understood"
    HELD_COLLISION = "a colleague has answered meanwhile"
    HELD_NOTHING_TO_SEND = "an answer without words"
    HELD_TICKET_CLOSED = "command for a closed ticket"
    HELD_LOOP = "a letter of ours came back"
    HELD_TOO_MANY_HOPS = "too many hops"
    HELD_NESTED = "another ticket desk answers our letters"
    HELD_SPAM = "marked as spam"
    HELD_JUNK = "in the spam folder of a mailbox"
    HELD_CUT = "only its beginning could be fetched"
    HELD_ROBOT = "automatic mail that belongs to no ticket"
    HELD_KIND_GUESSED = "looks automatic by its words only"
    HELD_BOUNCE_UNKNOWN = "bounce of no letter of ours"
    HELD_NO_RECIPIENT = "no category has this address any more"
    HELD_TROUBLE = "could not be handled, see the log"


class Role(StrEnum):
    """Whose words a message holds."""

    CUSTOMER = "customer"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """A new ticket with its participants; the first is the customer. `is_incoming`: support opened it towards him."""

    subject: str
    category: str
    topic: str
    participants: tuple[Mailbox, ...]
    language: str
    follow_up_of: int | None = None
    is_incoming: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    status: Status = Status.NEW


@dataclass(frozen=True, slots=True)
class AddMessage:
    """One entry of the thread. `text` is everything, `reply` the new words that others get to see.

    `language` is what the mail tells of its author's, "" if that is nothing new.
    """

    ticket: int
    author: Mailbox
    role: Role
    text: str
    reply: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()
    is_note: bool = False
    trust: Trust = Trust.VERIFIED
    message_id: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class SetStatus:
    """A new status. `solved_at` starts a round; any status but closed ends the one before, with its confirmation.

    `auto_solve_at` is when a pending ticket counts as solved if its customer stays silent; None is never.
    `is_final`: closed at once by support, no matter how long its round would have lasted.
    """

    ticket: int
    status: Status
    solved_at: datetime | None = None
    reopen_until: datetime | None = None
    auto_solve_at: datetime | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class SetFields:
    """The values of the topic's card, by key."""

    ticket: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Confirm:
    """The customer said that the problem is solved."""

    ticket: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Reminded:
    """The customer was reminded that the deadline of this round is near."""

    ticket: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """A line in the ticket's history. `reason` is a Way for a change of status, else words of ours."""

    ticket: int
    event: Event
    who: str
    via: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """A letter to one person. `has_message`: it carries the message that the same decision added last.

    `purpose` is what an answer to it may do. `is_provoked` letters count against the budgets of SPEC section 6.
    `context` holds what the template needs and the database may have changed by the time the letter is written.
    """

    letter: Letter
    ticket: int
    to: Mailbox
    purpose: Purpose
    language: str
    has_message: bool = False
    is_provoked: bool = False
    context: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProposeCc:
    """People in Cc whom support may let into the ticket."""

    ticket: int
    people: tuple[Mailbox, ...]


@dataclass(frozen=True, slots=True)
class LetterBounced:
    """The letter of that outbox row did not arrive. `unreachable` is the address if it is proven not to exist."""

    letter: int
    status: str
    unreachable: str = ""


@dataclass(frozen=True, slots=True)
class LetterReported:
    """A mail system says that the letter of that outbox row is delayed, or delivered."""

    letter: int
    state: Delivery
    status: str


@dataclass(frozen=True, slots=True)
class Mute:
    """Spam came from that address: for a while nothing is written there by itself; or it was none after all."""

    address: str
    is_spam: bool = True


@dataclass(frozen=True, slots=True)
class OverBudget:
    """A letter was dropped because strangers made us write too many: that category's team is told, once an hour."""

    category: str


Effect = (
    OpenTicket
    | AddMessage
    | SetStatus
    | SetFields
    | Confirm
    | Reminded
    | Record
    | Send
    | LetterBounced
    | LetterReported
    | ProposeCc
    | Mute
    | OverBudget
    | Change
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The fate of a mail or act: effects in order, why, and the ticket it belongs to (None: none).

    `trust` is the verdict on the author of a mail.
    """

    reason: Reason
    effects: tuple[Effect, ...] = ()
    ticket: int | None = None
    is_held: bool = False
    trust: Trust = Trust.UNVERIFIED
