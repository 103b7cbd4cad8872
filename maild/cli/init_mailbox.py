"""`maild init` for a mailbox at a provider: logs in, looks around, sends two trial mails round, tells what it saw."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from maild.cli.finding import Finding
from maild.cli.init_config import Learned
from maild.cli.probing import Looked, Trial, go_round, look_at
from maild.cli.provider import Vouching, ids_in, provider_of, vouching_in
from maild.config_values import is_loopback
from maild.core.address import normalise
from maild.mailbox.login import Place
from maild.mailout.relay import relay_of

_PORT = 993
Quote = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Server:
    """An IMAP server, as `--imap` names it."""

    host: str
    port: int
    is_tls: bool


def read_server(value: str) -> Server:
    """`imap.example.com`, `imap.example.com:993`, or `imap://127.0.0.1:143` without TLS. Raises ValueError."""
    parts = urlsplit(value if "://" in value else f"imaps://{value}")
    if parts.scheme not in ("imap", "imaps") or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"{value!r} is not a server: write imap.example.com or imap.example.com:993")
    if parts.scheme == "imap" and not is_loopback(parts.hostname):
        raise ValueError(f"{value}: without TLS the password would be read on the way; imap:// is for loopback only")
    return Server(parts.hostname, parts.port or _PORT, parts.scheme == "imaps")


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox and the relay of the same provider: who we are there. `patience` is how long a trial mail may take."""

    server: Server
    address: str
    username: str
    password: str
    relay: str
    ca_file: Path | None
    patience: float

    @property
    def place(self) -> Place:
        """The mailbox, to log in to."""
        server = self.server
        return Place(server.host, server.port, self.username, server.is_tls, self.ca_file, lambda: self.password)

    @property
    def relay_ca_file(self) -> Path | None:
        """Certificates to check the relay by; one on this machine may go without TLS."""
        parts = urlsplit(self.relay)
        return None if parts.scheme == "smtp" and is_loopback(parts.hostname or "") else self.ca_file


def explore(account: Account, quote: Quote, tell: Callable[[Finding], None]) -> Learned:
    """Look at mailbox and relay, tell what is there. Raises LoginRefused, Unreachable: then nothing is known.

    `quote` makes a string of TOML.
    """
    looked = asyncio.run(look_at(account.place))
    server = account.server
    tell(Finding("ok", "imap", f"{server.host}:{server.port}: takes {account.username}"))
    tell(_folders(looked))
    vouching = provider_of(server.host).vouching or vouching_in(looked.recent)
    tell(_trust(looked, vouching))
    plain, plus = _round_trip(account, looked)
    for finding in _trials(account, plain, plus):
        tell(finding)
    is_kept = plain is not None and bool(plain.folder) and plain.sender in _return_path(plain)
    return Learned(
        trust=_trust_lines(vouching, quote),
        subaddress="true" if plus is not None and plus.folder else "false",
        verp="true" if is_kept and plus is not None and plus.folder else "false",
        folders=f"folders = {{sent = {quote(looked.sent)}}}\n" if looked.sent else "",
    )


def _folders(looked: Looked) -> Finding:
    found = {"sent": looked.sent, "spam": looked.junk}
    words = ", ".join(f"{name} is {folder}" for name, folder in found.items() if folder)
    if looked.sent is None:
        return Finding("warning", "folders", f"{words or 'none known'}: no Sent folder; name it in imap.folders.sent")
    return Finding("ok", "folders", words)


def _trust(looked: Looked, vouching: Vouching | None) -> Finding:
    ids = ", ".join(f"{name or '(none)'} ({count})" for name, count in ids_in(looked.recent).most_common(5))
    seen = f"among the last {len(looked.recent)} mails: {ids or 'no Authentication-Results'}"
    if vouching is None:
        words = "SENDERS ARE NOT VERIFIED: nobody's word on top of the mails is sure to be the provider's"
        return Finding("warning", "trust", f"{words}; {seen}")
    name = vouching.authserv_id or vouching.received_by
    return Finding("ok", "trust", f"senders are verified by {name} ({vouching.position}); {seen}")


def _trust_lines(vouching: Vouching | None, quote: Quote) -> str:
    if vouching is None:
        return ""
    lines = [
        "# Whose Authentication-Results fields count: those of the provider.",
        f"authserv_id = {quote(vouching.authserv_id)}",
    ]
    if vouching.received_by:
        lines.append(f"received_by = {quote(vouching.received_by)}")
    if vouching.position != "above":
        lines.append(f"position = {quote(vouching.position)}")
    return "".join(f"{line}\n" for line in lines) + "\n"


def _round_trip(account: Account, looked: Looked) -> tuple[Trial | None, Trial | None]:
    if not account.patience:
        return None, None
    relay = relay_of(account.relay, account.username, lambda: account.password, ca_file=account.relay_ca_file)
    return asyncio.run(go_round(relay, account.place, account.address, looked, account.patience))


def _trials(account: Account, plain: Trial | None, plus: Trial | None) -> Iterator[Finding]:
    if plain is None or plus is None:
        yield Finding("warning", "trial", "not tried: plus-addresses and own envelope senders stay off")
        return
    yield _plain(account, plain)
    if plain.folder:
        yield _sender(account, plain)
        yield _plus(plus)


def _plain(account: Account, plain: Trial) -> Finding:
    if not plain.is_sent:
        said = getattr(plain.outcome, "reply", "no answer")
        return Finding("error", "relay", f"{account.relay}: a letter from {account.address} was not taken: {said}")
    if not plain.folder:
        words = f"a mail to {account.address} has not arrived within {account.patience:.0f} s: look for it there"
        return Finding("error", "trial", words)
    if plain.folder != "INBOX":
        words = f"a mail to {account.address} went to {plain.folder}: letters to customers may be taken for spam too"
        return Finding("warning", "trial", words)
    return Finding("ok", "trial", f"a mail to {account.address} came back within {plain.seconds:.0f} s")


def _sender(account: Account, plain: Trial) -> Finding:
    if plain.sender == account.address:
        return Finding("ok", "sender", "the relay wants the mailbox as envelope sender: outbound.verp = false")
    if plain.sender not in _return_path(plain):
        return Finding("ok", "sender", "the relay replaces envelope senders: outbound.verp = false")
    return Finding("ok", "sender", "each letter's own envelope sender is kept")


def _plus(plus: Trial) -> Finding:
    if plus.folder:
        return Finding("ok", "plus", f"mail to plus-addresses arrives ({plus.folder})")
    said = "is refused" if not plus.is_sent else "does not arrive"
    return Finding("ok", "plus", f"mail to {plus.to} {said}: desk.subaddress = false, numbers and references do")


def _return_path(trial: Trial) -> list[str]:
    return [normalise(value.strip(" <>")) for name, value in trial.arrived if name.lower() == "return-path"]
