"""Which folder of a server stands for which folder of the configuration; makes those that are missing."""

from collections.abc import Mapping
from dataclasses import dataclass

from maild.core.folders import folders_of, on_server
from maild.core.policy import Policy, Queue
from maild.mailbox.protocol import Folder, Mailbox, ServerRefused
from maild.mailbox.special import folder_for


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of a queue by their configured names; `sent` and `prefix`, the start of all, are as on the server."""

    names: Mapping[str, str]
    sent: str
    delimiter: str = ""
    prefix: str = ""

    def name_of(self, folder: str) -> str:
        """What a folder is called on the server, or was while the configuration knew it."""
        return self.names.get(folder) or on_server(folder, self.delimiter, self.prefix)


async def find_places(mailbox: Mailbox, queue: Queue, policy: Policy) -> Places:
    """The folders of a queue, all there and subscribed to. Raises ServerRefused if one cannot be made."""
    there = [folder for folder in await mailbox.folders() if folder.is_selectable]
    names = {folder: await _find(mailbox, folder, there) for folder in folders_of(queue, policy)}
    delimiter = _delimiter(there)
    below = f"INBOX{delimiter}"
    is_below = any(name == on_server(folder, delimiter, below) != "INBOX" for folder, name in names.items())
    sent = await _find_sent(mailbox, queue, there)
    return Places(names, sent, delimiter, below if is_below else "")


def _delimiter(there: list[Folder]) -> str:
    return next((one.delimiter for one in there if one.delimiter), "")


async def _find(mailbox: Mailbox, folder: str, there: list[Folder]) -> str:
    """Its name on the server. Some servers keep everything below INBOX, and say so by refusing other names."""
    delimiter = _delimiter(there)
    plain, below = on_server(folder, delimiter), on_server(folder, delimiter, f"INBOX{delimiter}")
    known = {one.name for one in there}
    for name in (plain, below):
        if name in known or name == "INBOX":
            return name
    try:
        await mailbox.create(plain)
    except ServerRefused:
        if not delimiter:
            raise
        await mailbox.create(below)
        return below
    return plain


async def _find_sent(mailbox: Mailbox, queue: Queue, there: list[Folder]) -> str:
    """The configured one if there is one of that name, else that which the server or mail programs use."""
    delimiter = _delimiter(there)
    wanted = on_server(queue.sent, delimiter)
    if any(one.name == wanted for one in there):
        return wanted
    return folder_for("\\Sent", there) or await _find(mailbox, queue.sent, there)
