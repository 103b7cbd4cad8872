"""Which folder of a server stands for which folder of the configuration; makes those that are missing."""

from collections.abc import Mapping
from dataclasses import dataclass

from maild.core.folders import folders_of, on_server
from maild.core.policy import Policy, Queue
from maild.mailbox.protocol import Folder, Mailbox, ServerRefused
from maild.mailbox.special import folder_for


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of a queue by their configured names; `sent` is called as on the server."""

    names: Mapping[str, str]
    sent: str


async def find_places(mailbox: Mailbox, queue: Queue, policy: Policy) -> Places:
    """The folders of a queue, all there and subscribed to. Raises ServerRefused if one cannot be made."""
    there = [folder for folder in await mailbox.folders() if folder.is_selectable]
    names = {folder: await _find(mailbox, folder, there) for folder in folders_of(queue, policy)}
    return Places(names, await _find_sent(mailbox, queue, there))


async def _find(mailbox: Mailbox, folder: str, there: list[Folder]) -> str:
    """Its name on the server. Some servers keep everything below INBOX, and say so by refusing other names."""
    delimiter = next((one.delimiter for one in there if one.delimiter), "")
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
    delimiter = next((one.delimiter for one in there if one.delimiter), "")
    wanted = on_server(queue.sent, delimiter)
    if any(one.name == wanted for one in there):
        return wanted
    return folder_for("\\Sent", there) or await _find(mailbox, queue.sent, there)
