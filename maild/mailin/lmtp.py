"""The LMTP door (RFC 2033): SMTP but for the greeting and for one reply per recipient after the dot.

Behind it stands an MTA of ours, so line ends are mended instead of refused: its queue has nowhere else to go.
"""

import socket
from collections.abc import Iterable

from aiosmtpd.lmtp import LMTP

from maild.core.mail import Door
from maild.desk.desk import Desk
from maild.mailin.door import DoorSettings, OpenDoor
from maild.mailin.smtp import SmtpConnection, quiet_aiosmtpd
from maild.mime.line_ends import with_crlf


async def listen_lmtp(desk: Desk, settings: DoorSettings, sockets: Iterable[socket.socket]) -> OpenDoor:
    """Open the LMTP door on bound sockets. Clients on a unix socket are trusted."""
    quiet_aiosmtpd()
    door = OpenDoor(desk, settings, Door.LMTP)
    await door.listen(lambda: LmtpConnection(door), sockets)
    return door


class LmtpConnection(SmtpConnection, LMTP):
    """One client, which says LHLO."""

    greeting = "LMTP"
    not_offered = (*SmtpConnection.not_offered, "AUTH", "STARTTLS")

    async def check_helo_needed(self, helo: str = "LHLO") -> bool:
        """Has the client not yet said who it is? Then it has been told to."""
        return await super().check_helo_needed(helo)

    def _with_proper_lines(self, raw: bytes) -> bytes:
        return with_crlf(raw)

    def _replies(self, reply: str, recipients: int) -> str:
        return "\r\n".join([reply] * recipients)
