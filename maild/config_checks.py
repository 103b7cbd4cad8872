"""What several keys of the configuration must agree on.

Works on the file as TOML reads it, so that these problems are told together with those of single keys; whatever has a
wrong shape is passed over here, because the models complain about it already.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from maild.config_values import is_loopback, read_address, read_duration
from maild.core.address import split_detail
from maild.mailin import verify
from maild.mime.sign import is_available

Where = tuple[int | str, ...]
Problem = tuple[Where, str]
Table = dict[str, Any]

_MAX_LOCAL = 35  # octets: leaves room for "+t", ten digits, a dot and 16 characters of code (RFC 5321 §4.5.3.1.1)
_UNIQUE: tuple[tuple[str, str], ...] = (
    ("category", "key"),
    ("category", "address"),
    ("agent", "address"),
    ("form_sender", "address"),
    ("imap", "name"),
)


def check(raw: Table) -> list[Problem]:
    """All problems that no single key shows."""
    return [
        *_doors(raw),
        *_tls(raw),
        *_credentials(raw),
        *_mailboxes(raw),
        *_dkim(raw),
        *_verify(raw),
        *_repeated(raw),
        *_fields(raw),
        *_unknown_categories(raw),
        *_desk_addresses(raw),
        *_windows(raw),
    ]


def _value(raw: Table, *where: str) -> Any:
    value: Any = raw
    for key in where:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _tables(raw: Table, key: str) -> Iterator[tuple[int, Table]]:
    """The tables of an array of tables, with their index."""
    found = raw.get(key)
    for index, table in enumerate(found if isinstance(found, list) else ()):
        if isinstance(table, dict):
            yield index, table


def _strings(value: object) -> list[tuple[int, str]]:
    items = value if isinstance(value, list) else ()
    return [(index, item) for index, item in enumerate(items) if isinstance(item, str)]


def _address(value: object) -> str:
    """The address normalised, "" if it is none."""
    try:
        return read_address(value)
    except ValueError:
        return ""


def _doors(raw: Table) -> Iterator[Problem]:
    has_mailbox = any(mailbox.get("role") in ("intake", "desk") for _, mailbox in _tables(raw, "imap"))
    if _value(raw, "smtp", "listen") == [] and not _value(raw, "lmtp", "listen") and not has_mailbox:
        yield ("smtp", "listen"), "no way in for mail: give smtp.listen or lmtp.listen an address, or read an [[imap]]"


def _tls(raw: Table) -> Iterator[Problem]:
    """A certificate has a key; a password goes over TLS, or over a socket that only this machine has."""
    certificate, key = _value(raw, "smtp", "tls_cert"), _value(raw, "smtp", "tls_key")
    if certificate and not key:
        yield ("smtp", "tls_key"), "is required with smtp.tls_cert"
    if key and not certificate:
        yield ("smtp", "tls_cert"), "is required with smtp.tls_key"
    listen = _value(raw, "smtp", "listen")
    listeners = [listen] if isinstance(listen, str) else listen or [""]
    is_private = isinstance(listeners, list) and all(str(each).startswith("unix:") for each in listeners)
    if _value(raw, "smtp", "users") and not certificate and not is_private:
        yield ("smtp", "users"), "needs smtp.tls_cert: passwords go over TLS or a unix socket only"


def _credentials(raw: Table) -> Iterator[Problem]:
    outbound = raw.get("outbound")
    if not isinstance(outbound, dict):
        return
    if outbound.get("oauth"):
        if not outbound.get("username"):
            yield ("outbound", "username"), "is required with outbound.oauth: whose token it is"
        if outbound.get("password_file"):
            yield ("outbound", "password_file"), "one of outbound.password_file and outbound.oauth is enough"
        return
    if outbound.get("username") and not outbound.get("password_file"):
        yield ("outbound", "password_file"), "is required with outbound.username"
    if outbound.get("password_file") and not outbound.get("username"):
        yield ("outbound", "username"), "is required with outbound.password_file"


def _mailboxes(raw: Table) -> Iterator[Problem]:
    """One way to log in, and none that shows the password to the net; nothing is read twice."""
    seen: dict[tuple[object, ...], int] = {}
    for index, mailbox in _tables(raw, "imap"):
        has_password, has_token = bool(mailbox.get("password_file")), bool(mailbox.get("oauth"))
        if not has_password and not has_token:
            yield ("imap", index, "password_file"), "is required, or imap.oauth"
        if has_password and has_token:
            yield ("imap", index, "password_file"), "one of password_file and oauth is enough"
        if mailbox.get("tls") == "none" and not is_loopback(str(mailbox.get("host"))):
            yield ("imap", index, "tls"), '"none" is for loopback only: the password would be read on the way'
        folder = str(mailbox.get("folder", "INBOX"))
        place = tuple(str(mailbox.get(key)) for key in ("host", "port", "username"))
        same = (*place, "INBOX" if folder.upper() == "INBOX" else folder)
        if seen.setdefault(same, index) != index:
            yield ("imap", index, "folder"), f"the same mailbox as imap[{seen[same]}]"


def check_queues(queues: Iterable[tuple[int, str]]) -> Iterator[Problem]:
    """Letters to one address are filed in one place. Wants the index of each queue's [[imap]], and its address."""
    seen: dict[str, int] = {}
    for index, address in queues:
        if seen.setdefault(address, index) != index:
            yield ("imap", index, "username"), f'"{address}" has its queue in imap[{seen[address]}] already'


def _dkim(raw: Table) -> Iterator[Problem]:
    key, selector = _value(raw, "outbound", "dkim_key"), _value(raw, "outbound", "dkim_selector")
    if key and not is_available():
        yield ("outbound", "dkim_key"), 'needs the extra dkim: pip install "maild[dkim]"'
    if key and not selector:
        yield ("outbound", "dkim_selector"), "is required with outbound.dkim_key"
    if selector and not key:
        yield ("outbound", "dkim_key"), "is required with outbound.dkim_selector"


def _verify(raw: Table) -> Iterator[Problem]:
    if _value(raw, "trust", "verify") and not verify.is_available():
        yield ("trust", "verify"), 'needs the extra verify: pip install "maild[verify]"'


def _repeated(raw: Table) -> Iterator[Problem]:
    for table, name in _UNIQUE:
        yield from _repeats(raw, (table,), name)
    for index, category in _tables(raw, "category"):
        where = ("category", index, "topic")
        yield from _repeats(category, where, "key")
        for number, topic in _tables(category, "topic"):
            yield from _repeats(topic, (*where, number, "field"), "key")


def _repeats(parent: Table, where: Where, name: str) -> Iterator[Problem]:
    """Tables of one array that have the same value under that name; addresses are compared normalised."""
    seen: dict[str, int] = {}
    for index, table in _tables(parent, str(where[-1])):
        value = table.get(name)
        value = (_address(value) or value) if name == "address" else value
        if isinstance(value, str) and seen.setdefault(value, index) != index:
            yield (*where, index, name), f'"{value}" is already that of {where[-1]}[{seen[value]}]'


def _fields(raw: Table) -> Iterator[Problem]:
    """A field of type choice has choices, and no other has."""
    for index, category in _tables(raw, "category"):
        for number, topic in _tables(category, "topic"):
            for position, field in _tables(topic, "field"):
                where = ("category", index, "topic", number, "field", position, "choices")
                if field.get("type") == "choice" and not field.get("choices"):
                    yield where, 'is required with type = "choice"'
                if field.get("type") != "choice" and field.get("choices"):
                    yield where, 'needs type = "choice"'


def _unknown_categories(raw: Table) -> Iterator[Problem]:
    known = {category.get("key") for _, category in _tables(raw, "category") if isinstance(category.get("key"), str)}
    default = _value(raw, "desk", "default_category")
    if isinstance(default, str) and default not in known:
        yield ("desk", "default_category"), f'there is no category "{default}"'
    for index, mailbox in _tables(raw, "imap"):
        key = mailbox.get("category")
        if isinstance(key, str) and key not in known:
            yield ("imap", index, "category"), f'there is no category "{key}"'
    for index, agent in _tables(raw, "agent"):
        for number, key in _strings(agent.get("categories")):
            if key not in known:
                yield ("agent", index, "categories", number), f'there is no category "{key}"'


def _desk_addresses(raw: Table) -> Iterator[Problem]:
    """Addresses that customers write to are not those that support reads: letters would come back in for ever."""
    desk: dict[str, str] = {}
    for index, category in _tables(raw, "category"):
        address = _address(category.get("address"))
        desk.setdefault(address, f"category[{index}].address")
        yield from _bad_desk_address(("category", index, "address"), address)
    general = _address(_value(raw, "desk", "general_address"))
    if general and general in desk:
        yield ("desk", "general_address"), f"is also {desk[general]}"
    yield from _bad_desk_address(("desk", "general_address"), general)
    desk.setdefault(general, "desk.general_address")
    desk.pop("", None)
    own = {_address(mailbox.get("username")) for _, mailbox in _tables(raw, "imap") if mailbox.get("role") == "desk"}
    for where, address in _support_addresses(raw):
        if address in own:
            continue  # one mailbox for all: letters to it are filed, not sent
        if split_detail(address)[0] in desk:
            yield where, f'"{address}" is {desk[split_detail(address)[0]]} itself: letters to it would come back'


def _bad_desk_address(where: Where, address: str) -> Iterator[Problem]:
    local = address.rpartition("@")[0]
    if "+" in local:
        yield where, "must have no + part: topics and tokens are written there"
    elif len(local.encode()) > _MAX_LOCAL:
        yield where, f"has more than {_MAX_LOCAL} bytes before the @: reply tokens would not fit"


def _support_addresses(raw: Table) -> Iterator[tuple[Where, str]]:
    for index, category in _tables(raw, "category"):
        for number, address in _strings(category.get("team")):
            yield ("category", index, "team", number), _address(address)
    for index, agent in _tables(raw, "agent"):
        yield ("agent", index, "address"), _address(agent.get("address"))


def _windows(raw: Table) -> Iterator[Problem]:
    """A reminder that would be due before there is a round is left out, as the default is where the window is short."""
    desk = raw.get("desk")
    if not isinstance(desk, dict):
        return
    try:
        window = read_duration(desk.get("reopen_window", "48h"))
    except ValueError:
        return
    if not window:
        yield ("desk", "reopen_window"), "must be longer than nothing"
