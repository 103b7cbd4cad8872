"""`maild check` on mailboxes: does the server let us in, is the folder there, and whose word does its mail carry?"""

import asyncio
from collections.abc import Iterator

from maild.cli.finding import Finding
from maild.cli.probing import Looked, look_at
from maild.cli.provider import ids_in
from maild.config import Config
from maild.config_mailbox import Imap
from maild.core.errors import MaildError
from maild.core.policy import TrustRules
from maild.core.trust import trusted_results
from maild.wiring import place_of


def imap_findings(config: Config) -> Iterator[Finding]:
    """Every mailbox of [[imap]], looked at without changing anything there."""
    filed = {queue.name: queue.address for queue in config.policy().queues}
    for mailbox in config.imap:
        try:
            looked = asyncio.run(look_at(place_of(mailbox), mailbox.folder))
        except MaildError as error:
            yield Finding("error", "imap", f"{mailbox.name}: {error}: nothing is read until that is mended")
            continue
        yield _open(mailbox, looked, filed.get(mailbox.name, ""))
        yield from _sent(mailbox, looked)
        yield from _trust(mailbox, looked, config.policy().for_mailbox(mailbox.name).trust)


def _open(mailbox: Imap, looked: Looked, address: str) -> Finding:
    junk = f", spam is {looked.junk}" if looked.junk else ""
    shadow = "; in shadow, nothing is taken" if mailbox.shadow else ""
    words = f"{mailbox.name}: {mailbox.host}:{mailbox.port} takes {mailbox.username}, {mailbox.folder} can be read"
    filed = f"; letters to {address} are filed there" if address else ""
    return Finding("ok", "imap", f"{words}{junk}{filed}{shadow}")


def _sent(mailbox: Imap, looked: Looked) -> Iterator[Finding]:
    """Answers written outside maild are looked for there."""
    wanted = mailbox.folders.sent
    if mailbox.role == "intake" or wanted in looked.folders:
        return
    hint = f"set imap.folders.sent = {looked.sent!r}" if looked.sent else "name it in imap.folders.sent"
    yield Finding("warning", "imap", f"{mailbox.name}: there is no folder {wanted!r}: {hint}")


def _trust(mailbox: Imap, looked: Looked, rules: TrustRules) -> Iterator[Finding]:
    """Do the authserv-ids of the newest mails fit the rules for this mailbox?"""
    if mailbox.role == "team" or not looked.recent or rules.is_open:
        return
    carrying = sum(bool(trusted_results(headers, rules)) for headers in looked.recent)
    count = len(looked.recent)
    ids = ", ".join(f"{name or '(none)'} ({found})" for name, found in ids_in(looked.recent).most_common(5)) or "none"
    words = f"{mailbox.name}: of the last {count} mails {carrying} carry a verdict that counts; ids seen: {ids}"
    yield Finding("ok" if 2 * carrying >= count else "warning", "imap", words)
