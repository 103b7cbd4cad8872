"""One mail on the desk: everything a decision about it looks at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from maild.core.address import normalise
from maild.core.effects import OPENED, AddMessage, Role
from maild.core.facts import Facts, TicketFacts
from maild.core.languages import language_told
from maild.core.mail import Attachment, Door, Envelope, Mail, Mailbox
from maild.core.match import Proof
from maild.core.policy import Policy
from maild.core.route import Route
from maild.core.tokens import Keys
from maild.core.trust import Trust

Macros = Callable[[str, str, Mapping[str, object]], str | None]


def no_macros(name: str, language: str, context: Mapping[str, object]) -> str | None:
    """A desk without macros."""
    return None


@dataclass(frozen=True, slots=True)
class Case:
    """A mail with its surroundings. `routes` are the known recipients in order, `proofs` our tokens that verified.

    `macros` makes words of a macro's name and a language, None if there is no such macro. `instance` is the desk's loop
    mark.
    """

    mail: Mail
    envelope: Envelope
    facts: Facts
    policy: Policy
    keys: Keys
    now: datetime
    routes: tuple[Route, ...]
    trust: Trust
    proofs: tuple[Proof, ...]
    macros: Macros = no_macros
    instance: str = ""

    @property
    def author(self) -> Mailbox:
        """Who wrote, with a normalised address ("" if there is none, or only a local name such as `root`)."""
        author = self.mail.author or Mailbox("", "")
        return Mailbox(author.name, normalise(author.address) if "@" in author.address else "")

    def addressee(self, *, is_known: bool) -> Mailbox:
        """The author as he is answered. A stranger's name is words of his, which go to no address of his choice."""
        return self.author if is_known else Mailbox("", self.author.address)

    @property
    def is_open_trust(self) -> bool:
        """Nothing here vouches for senders, and this one did not log in either."""
        return self.policy.trust.is_open and self.trust is Trust.UNVERIFIED

    @property
    def is_portal(self) -> bool:
        """Was this typed by somebody who is signed in, by a link that we sent to his address?"""
        return self.envelope.door is Door.PORTAL and self.trust is Trust.VERIFIED

    @property
    def via(self) -> str:
        """The door, as events name it."""
        return self.envelope.door.value

    def language(self, ticket: TicketFacts | None = None) -> str:
        """The author's language: chosen by him, the ticket's, the mail's, the desk's (SPEC section 9)."""
        chosen = self.facts.languages.get(self.author.address)
        return chosen or (ticket.language if ticket else "") or self.mail.language or self.policy.language

    @property
    def files(self) -> tuple[Attachment, ...]:
        """The files that support sends along. Outlook may attach the letter it answers: ours, with notes and tokens."""
        return tuple(file for file in self.mail.attachments if not file.loop_mark or file.loop_mark != self.instance)

    def macro(self, name: str, ticket: TicketFacts) -> str | None:
        """The words of a macro for the customer of a ticket, in his language; None if there is none of that name."""
        agent, person = self.policy.agent(self.author.address), ticket.customer
        context: dict[str, object] = {
            "desk": {"name": self.policy.name},
            "ticket": {"number": ticket.number, "tag": self.policy.tag(ticket.number), "subject": ticket.subject},
            "person": {"name": person.name, "address": person.address},
            "agent": {"name": (agent.name if agent else "") or self.author.name},
        }
        language = self.facts.languages.get(person.address) or ticket.language or self.policy.language
        return self.macros(name, language, context)

    def message(
        self, role: Role, words: str | None = None, *, ticket: int = OPENED, is_note: bool = False
    ) -> AddMessage:
        """The mail as an entry of a thread; `words` replaces the new words where commands were taken out."""
        return AddMessage(
            ticket=ticket,
            author=self._speaker(role, ticket),
            role=role,
            text=self.mail.text,
            reply=self.mail.reply if words is None else words,
            at=self.envelope.received_at,
            attachments=self.mail.attachments if role is Role.CUSTOMER or is_note else self.files,
            is_note=is_note,
            trust=self.trust,
            message_id=self.mail.message_id,
            language=self._told_language() if role is Role.CUSTOMER else "",
        )

    def _speaker(self, role: Role, ticket: int) -> Mailbox:
        """The author by the name we know him by, if his program wrote none: his own of another day, or the admin's."""
        if self.author.name:
            return self.author
        known = self.facts.ticket(ticket)
        person = known.participant(self.author.address) if known else None
        agent = self.policy.agent(self.author.address) if role is Role.AGENT else None
        name = (agent.name if agent else "") or (person.name if person else "")
        return Mailbox(name, self.author.address)

    def _told_language(self) -> str:
        """What this mail tells of its author's language. One that anybody may have sent tells nothing of him."""
        is_his = self.trust is Trust.VERIFIED or bool(self.proofs) or self.is_open_trust
        if not is_his or self.policy.is_support(self.author.address):
            return ""
        return language_told(self.mail, self.facts.languages.get(self.author.address, ""))
