"""`[[imap]]` and `oauth`: mailboxes on other servers, and how one logs in there. config_model.py has all other keys."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from maild.config_values import (
    After,
    Duration,
    File,
    Folder,
    FolderWord,
    Key,
    Strings,
    TokenFile,
    TokenUrl,
    Word,
    Yes,
    read_bytes,
)
from maild.core import policy as rules


class Table(BaseModel):
    """A table of the file: keys that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OAuth(Table):
    """`oauth = {…}`: how a refresh token becomes an access token."""

    token_url: TokenUrl
    client_id: Word
    client_secret_file: File | None = None
    refresh_token_file: TokenFile
    scope: str = ""
    device_url: TokenUrl | None = None


class Folders(Table):
    """`folders = {…}` of a team mailbox."""

    new: Folder = "Tickets/New"
    pending: Folder = "Tickets/Pending"
    solved: Folder = "Tickets/Solved"
    closed: Folder = "Tickets/Closed"
    spam: Folder = "Tickets/Spam"
    sent: Folder = "Sent"


class Imap(Table):
    """`[[imap]]`: a mailbox we read or keep in order."""

    name: Word
    role: Literal["intake", "team", "desk"]
    host: Word
    port: Annotated[int, Field(strict=True, gt=0, lt=65536)] = 993
    tls: Literal["implicit", "none"] = "implicit"
    ca_file: File | None = None
    username: Word
    password_file: File | None = None
    oauth: OAuth | None = None
    folder: FolderWord = "INBOX"
    category: Key | None = None
    folders: Folders = Folders()
    authserv_id: Strings = ()
    position: Literal["above", "below"] | None = None
    after: After = "leave"
    move_delay: Duration = timedelta(seconds=10)
    shadow: Yes = False

    @property
    def is_queue(self) -> bool:
        """Does support work in it?"""
        return self.role in ("team", "desk") and not self.shadow

    def queue(self, address: str) -> rules.Queue:
        """The mailbox as the rules know it, if support works in it; `address` is the one it has in a team."""
        folders = self.folders.model_dump()
        inbox = self.folder if self.role == "desk" else ""
        return rules.Queue(self.name, address, **folders, move_delay=self.move_delay, inbox=inbox)

    def password(self) -> str:
        """The password there, "" if there is none; read anew each time, since it may change."""
        return read_bytes(self.password_file).decode().strip() if self.password_file else ""

    @property
    def is_intake(self) -> bool:
        """Does customers' mail arrive here, to be taken?"""
        return self.role in ("intake", "desk") and not self.shadow

    def policy(self, trust: rules.TrustRules, received_by: tuple[str, ...]) -> rules.MailboxRules:
        """The mailbox as the rules know it. Ids of its own replace the desk's; so does its position.

        `received_by` is what the admin has written there: it stands beside the ids of the mailbox.
        """
        ids = self.authserv_id
        hosts = (*received_by, *filter(None, ids))
        own = replace(trust, authserv_ids=ids, received_by=hosts) if ids else trust
        return rules.MailboxRules(self.name, self.is_intake, replace(own, position=self.position or trust.position))
