"""Which way out an `outbound.relay` stands for."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from maild.mailout.maildir import MaildirTransport
from maild.mailout.outcome import Transport
from maild.mailout.smtp import AccessToken, Relay, SmtpTransport


def no_password() -> str:
    """The password of a relay that wants none."""
    return ""


def relay_of(
    url: str,
    username: str = "",
    password: Callable[[], str] = no_password,
    hostname: str = "",
    *,
    token: AccessToken | None = None,
    ca_file: Path | None = None,
) -> Relay:
    """The relay at `smtp://host:port` or `smtps://host:port`. Raises ValueError for any other URL.

    `password` is asked at every new connection, since it may change; `hostname` is ours, for EHLO ("" = the system's).
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port is None:
        raise ValueError(f"not a relay: {url!r}")
    return Relay(parts.hostname, parts.port, parts.scheme == "smtps", username, password, hostname, token, ca_file)


def transport_for(
    url: str, username: str = "", password: Callable[[], str] = no_password, hostname: str = ""
) -> Callable[[], Transport]:
    """What makes a transport for each worker. `url` is as the configuration gives it: port or absolute path included.

    The other arguments are those of `relay_of`. Raises ValueError for any other URL.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "maildir" and rest:
        return partial(MaildirTransport, Path(rest))
    return partial(SmtpTransport, relay_of(url, username, password, hostname))
