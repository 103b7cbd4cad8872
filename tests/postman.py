"""A provider's relay for tests: what it takes for the mailbox's address arrives in the mailbox."""

from tests.dovecot import SUPPORT, Dovecot
from tests.smtpsink import Letter


class Postman(list[Letter]):
    """Hands every letter that the relay takes to the mailbox. `knows_plus`: also those to plus-addresses."""

    def __init__(self, server: Dovecot) -> None:
        super().__init__()
        self.server = server
        self.knows_plus = True

    def append(self, letter: Letter) -> None:
        """The relay took it."""
        super().append(letter)
        for to in letter.rcpt_tos:
            local, _, domain = to.partition("@")
            if f"{local.partition('+')[0]}@{domain}" == SUPPORT and (self.knows_plus or "+" not in local):
                self.server.deliver(letter.content, SUPPORT, letter.mail_from)
