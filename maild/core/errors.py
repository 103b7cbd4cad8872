"""The errors of maild, and what each tells the far end.

`str(error)` is safe for the peer; details go to the log. Unknown trouble counts as transient: mail is asked for again.
"""


class MaildError(Exception):
    """Anything maild says no to on purpose."""


class Permanent(MaildError):
    """Trying again will not help."""


class UnknownRecipient(Permanent):
    """No category has this address (550 5.1.1, RFC 5321 §3.3)."""


class TooBig(Permanent):
    """More octets than we take (552 5.3.4, RFC 1870 §6.1)."""


class NotAllowed(Permanent):
    """The person may not do this, or the ticket's state forbids it (550 5.7.1, HTTP 403 or 409)."""


class BadLink(Permanent):
    """A token we did not make, or not for this (HTTP 404)."""


class Transient(MaildError):
    """Trying again later will probably help."""


class StoreBusy(Transient):
    """The database cannot take it now (451 4.3.0, HTTP 503)."""


class Unreachable(Transient):
    """A relay, IMAP server or resolver does not answer."""


class GrantRefused(Unreachable):
    """No access token: the refresh token is over or taken back, and somebody has to log in anew."""


class DiskLow(Transient):
    """Too little free disk for another mail (452 4.3.1)."""


class ConfigError(MaildError):
    """What is wrong with the configuration, all problems together, one a line (exit status 78)."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
