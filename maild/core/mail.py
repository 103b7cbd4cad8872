"""What a mail is once it has been understood: frozen values, no behaviour that needs the outside.

`mime.parse` makes them, the rules of `core` read them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_AT_SIGNS = re.compile("[@＠﹫]")


class Kind(StrEnum):
    """What sort of mail this is (SPEC section 4)."""

    MAIL = "mail"
    AUTO_RESPONSE = "auto_response"
    BOUNCE = "bounce"
    FEEDBACK_REPORT = "feedback_report"
    RECEIPT = "receipt"
    CALENDAR = "calendar"
    LIST = "list"


class Door(StrEnum):
    """How a mail came in."""

    SMTP = "smtp"
    LMTP = "lmtp"
    IMAP = "imap"
    PORTAL = "portal"
    IMPORT = "import"


class Mark(StrEnum):
    """What is to be known of an arrival besides its envelope: it lay in the server's folder for spam; or it was too
    large, or broken on its server, so that only its beginning is here.
    """

    NONE = ""
    JUNK = "junk"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address (RFC 5322 §3.4); `name` is "" when none was given."""

    name: str
    address: str

    @property
    def shown(self) -> str:
        """The name as other people see it: none if it holds an address, for it would pass for that of somebody else."""
        return "" if _AT_SIGNS.search(self.name) else self.name


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of the raw mail that is not its text.

    `name` is safe as a file name. `part` is its index in the depth-first walk of the mail's leaf parts, by which
    `mime.attach.cut` finds its bytes again; `size` is in octets of the decoded content. `is_repeated`: a logo that
    stands in an earlier message of the ticket already; letters leave it out. `loop_mark`: of the desk whose letter
    this file is, "" for all others.
    """

    name: str
    type: str
    size: int
    sha256: str
    inline: bool
    content_id: str
    part: int
    is_repeated: bool = False
    loop_mark: str = ""


@dataclass(frozen=True, slots=True)
class BouncedRecipient:
    """One recipient of a delivery status notification (RFC 3464 §2.3)."""

    address: str
    status: str
    action: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery status notification says; `original_message_id` is that of the returned mail, "" if unknown."""

    recipients: tuple[BouncedRecipient, ...]
    original_message_id: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One understood mail.

    `headers` holds every field in the order written, unfolded and decoded; names keep their case. Trace fields
    are not decoded: RFC 2047 §5 allows no encoded words in them, and what a client has said stands there.
    `author` is the one mailbox of the one From field when `is_author_sole`, else a guess for display only; then its
    address may be a local name (`root`) or ""; `is_author_stand_in` if From names nobody and another field was shown.
    `text` is all the text, `reply` only the new words; `folds` are the half-open ranges of `text` left out of `reply`.
    Message-IDs stand without angle brackets. `defects` names what was odd; `error` says why a mail could not be parsed.
    `calendar_method` is that of a calendar mail in upper case: REPLY for an answer, REQUEST for an invitation.
    `about` is the Message-ID of the mail that a complaint or a receipt is about, "" if it does not say.
    `kind_reason` says for a person what the kind was told by, "" for an ordinary mail.
    """

    headers: tuple[tuple[str, str], ...]
    author: Mailbox | None
    is_author_sole: bool
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    subject: str
    date: datetime | None
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    text: str
    reply: str
    folds: tuple[tuple[int, int], ...]
    html_safe: str
    attachments: tuple[Attachment, ...]
    kind: Kind
    is_kind_guessed: bool
    is_auto_generated: bool
    is_courtesy: bool
    bounce: Bounce | None
    language: str
    is_charset_guessed: bool
    defects: tuple[str, ...]
    error: str | None
    calendar_method: str = ""
    reply_to: tuple[Mailbox, ...] = ()
    kind_reason: str = ""
    is_author_stand_in: bool = False
    about: str = ""

    def field(self, name: str) -> str | None:
        """The value of the first field of that name, any case, or None."""
        return next(iter(self.fields(name)), None)

    def fields(self, name: str) -> list[str]:
        """The values of all fields of that name, any case, top first."""
        wanted = name.lower()
        return [value for field, value in self.headers if field.lower() == wanted]


@dataclass(frozen=True, slots=True)
class Form:
    """What the form of a new question says beside its words: nobody has to guess it from them. `fields` are by key."""

    topic: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """How one arrival of a mail reached us (RFC 5321 §2.3.1, §4.5.5).

    `mail_from` is "" for the null sender. `peer` is the client's address, "" for a unix socket, the name of the mailbox
    at the door imap.
    `is_trusted_peer`: its Authentication-Results fields count. `user` is the address that authenticated, or "";
    at the doors imap and import that of the mailbox from which it was sent.
    `results` is the value of such a field as we wrote it ourselves (`trust.verify`), "" if nothing was checked.
    `form` comes with a question that was asked in the portal.
    `is_silent`: old mail that is brought in; nobody is written to because of it, and no deadline begins.
    """

    mail_from: str
    rcpt_tos: tuple[str, ...]
    door: Door
    peer: str
    is_trusted_peer: bool
    user: str
    received_at: datetime
    results: str = ""
    is_silent: bool = False
    form: Form | None = None
    mark: Mark = Mark.NONE

    @property
    def mailbox(self) -> str:
        """The name of the mailbox on a server that it was found in, "" if it came by another door."""
        return self.peer if self.door is Door.IMAP else ""

    @property
    def sent_in(self) -> str:
        """The address of the mailbox of support in whose Sent folder it lay, "" for a mail that came in."""
        return self.user if self.door in (Door.IMAP, Door.IMPORT) else ""
