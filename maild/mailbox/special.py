r"""Which folder is for what: by special use (RFC 6154), else by the names that servers and mail programs give. Pure."""

from collections.abc import Iterable

from maild.mailbox.protocol import Folder

_NAMES = {
    "\\Junk": ("junk", "spam", "junk e-mail", "junk email", "bulk mail", "спам", "нежелательная почта"),
    "\\Sent": ("sent", "sent items", "sent messages", "sent mail", "отправленные"),
    "\\Trash": ("trash", "deleted items", "deleted messages", "bin", "удаленные", "удалённые", "корзина"),
}


def folder_for(use: str, folders: Iterable[Folder]) -> str | None:
    r"""The name of the folder for that use (`\Junk`, `\Sent`, `\Trash`), None if there is none."""
    there = [folder for folder in folders if folder.is_selectable]
    marked = next((folder.name for folder in there if use in folder.uses), None)
    if marked is not None:
        return marked
    named = {_last(folder).lower(): folder.name for folder in reversed(there) if not folder.uses}
    return next((named[name] for name in _NAMES[use] if name in named), None)


def _last(folder: Folder) -> str:
    return folder.name.rpartition(folder.delimiter)[2] if folder.delimiter else folder.name
