"""How single values are written in the configuration: durations, sizes, addresses, listeners, relays, files.

Each type takes what stands in the TOML file and gives a value, or says in one sentence what is wrong with it.
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, Strict, ValidationInfo

from maild.core.address import is_mailbox, normalise
from maild.core.passwords import PasswordHash, read_hash
from maild.core.policy import Text

_DURATION = re.compile(r"(\d{1,9})\s*(s|sec|m|min|h|d|w)")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"(\d{1,12})\s*(B|KiB|MiB|GiB|kB|MB|GB)")
_OCTETS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_MAX_SOCKET_PATH = 107  # octets, sun_path of unix(7) less its final NUL
_RELAY_PORTS = {"smtp": 25, "smtps": 465}


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if not value.strip():
        raise ValueError("must not be empty")
    if any(ord(character) < 32 for character in value):
        raise ValueError("must be one line without control characters")
    return value


def read_duration(value: object) -> timedelta:
    """`"48h"`, `"30 min"`, `"7d"`; 0 or `"0"` is no time at all."""
    if value in (0, "0") and value is not False:
        return timedelta(0)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'{_shown(value)} is not a duration; write for example "30 min", "48h" or "7d"')
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def read_days(value: object) -> timedelta:
    """A whole number of days, or a duration."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return timedelta(days=value)
    return read_duration(value)


def read_size(value: object) -> int:
    """`"25 MiB"` or a plain number of octets; at least one octet."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f'{_shown(value)} is not a size; write for example "25 MiB"')
    return int(match[1]) * _OCTETS[match[2]]


def read_text(value: object) -> Text:
    """One string for both languages, or a table with one or both of them; a missing one is spoken by the other."""
    if isinstance(value, Text):
        return value
    if isinstance(value, str):
        return Text(ru=_word(value), en=_word(value))
    if not isinstance(value, dict) or not value or not value.keys() <= {"ru", "en"}:
        raise ValueError('must be a string or {ru = "…", en = "…"}')
    ru, en = value.get("ru", value.get("en")), value.get("en", value.get("ru"))
    return Text(ru=_word(ru), en=_word(en))


def read_address(value: object) -> str:
    """A plain mailbox, normalised."""
    if not isinstance(value, str) or not is_mailbox(normalise(value)):
        raise ValueError(f"{_shown(value)} is not an address")
    return normalise(value)


def read_key(value: object) -> str:
    """The key of a category, topic or field: it stands in addresses and tags, so ASCII and no dot."""
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise ValueError(f"{_shown(value)} is not a key; use up to 32 of a-z, 0-9, - and _")
    return value


def read_network(value: object) -> IPv4Network | IPv6Network:
    """An address or a network: `127.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(_word(value))
    except ValueError:
        raise ValueError(f"{_shown(value)} is not an IP address or network") from None


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a door listens: host and port (0 = any free one), or the path of a unix socket ("" = none)."""

    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        """As it is written in the configuration."""
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_listener(value: object) -> Listener:
    """`"127.0.0.1:25"`, `"[::]:25"` or `"unix:/run/maild/lmtp.sock"`."""
    if isinstance(value, Listener):
        return value
    text = _word(value)
    if text.startswith("unix:"):
        return _unix_listener(text.removeprefix("unix:"))
    url = _split_url(f"listen://{text}")
    if url is None or url.hostname is None or url.port is None or url.netloc != text or url.username is not None:
        raise ValueError(f'{_shown(value)} is not "host:port" or "unix:/path"')
    return Listener(url.hostname, url.port)


def _unix_listener(path: str) -> Listener:
    if not path.startswith("/"):
        raise ValueError(f'"unix:{path}" needs an absolute path')
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH:
        raise ValueError(f"the path of a unix socket has at most {_MAX_SOCKET_PATH} bytes")
    return Listener("", 0, path)


def read_relay(value: object, info: ValidationInfo) -> str:
    """`smtp://host:port`, `smtps://host:port` (the port always filled in) or `maildir:/absolute/directory`."""
    text = _word(value)
    scheme, _, rest = text.partition(":")
    if scheme == "maildir" and rest:
        return f"maildir:{read_path(rest, info)}"
    url = _split_url(text)
    if url is None or scheme not in _RELAY_PORTS or not url.hostname or url.path not in ("", "/") or url.query:
        raise ValueError(f'{_shown(value)} is not "smtp://host:port", "smtps://host:port" or "maildir:DIRECTORY"')
    if url.username is not None:
        raise ValueError("user and password do not belong here: use outbound.username and outbound.password_file")
    return f"{scheme}://{Listener(url.hostname, url.port or _RELAY_PORTS[scheme])}"


def read_public_url(value: object) -> str:
    """The address of the portal without a final slash; https, or http on loopback. "" = no links in letters."""
    if value == "":
        return ""
    text = _word(value).rstrip("/")
    url = _split_url(text)
    if url is None or url.scheme not in ("http", "https") or not url.hostname or text != f"{url.scheme}://{url.netloc}":
        raise ValueError(f'{_shown(value)} is not "https://host" (without a path)')
    if url.scheme == "http" and not is_loopback(url.hostname):
        raise ValueError(f"{_shown(value)} must begin with https://, since it is not on loopback")
    return text


def read_token_url(value: object) -> str:
    """Where access tokens are issued: https, or http on loopback, since secrets go there."""
    text = _word(value)
    url = _split_url(text)
    if url is None or url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f'{_shown(value)} is not "https://host/path"')
    if url.scheme == "http" and not is_loopback(url.hostname):
        raise ValueError("must be https: secrets go there")
    return text


def read_store_url(value: object) -> str:
    """`sqlite:///absolute/path`, or `postgresql://…`."""
    text = _word(value)
    scheme, _, path = text.partition("://")
    if scheme == "sqlite" and path.startswith("/") and path.strip("/"):
        return f"sqlite:///{path.lstrip('/')}"
    if scheme != "postgresql" or not path:
        raise ValueError(f'{_shown(value)} is not "sqlite:///absolute/path" or "postgresql://…"')
    return text


def read_path(value: object, info: ValidationInfo) -> Path:
    """A path, relative to the configuration file; `$CREDENTIALS_DIRECTORY` of systemd.exec(5) is filled in."""
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / os.path.expandvars(_word(value))


def read_file(value: object, info: ValidationInfo) -> Path:
    """The path of a file that exists and that we may read."""
    path = read_path(str(value) if isinstance(value, Path) else value, info)
    read_bytes(path)
    return path


def read_token_file(value: object, info: ValidationInfo) -> Path:
    """The path of a file with a refresh token; the login that makes it (`before_login`) need not find it."""
    path = read_path(str(value) if isinstance(value, Path) else value, info)
    if (info.context or {}).get("before_login") and not path.exists():
        return path
    try:
        return read_file(value, info)
    except ValueError as error:
        raise ValueError(f"{error} (`maild oauth login` makes one)") from None


def read_bytes(path: Path) -> bytes:
    """The content of a file the configuration names. Raises ValueError with the reason when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None


def read_directory(value: object, info: ValidationInfo) -> Path:
    """The path of a directory that exists."""
    path = read_path(value, info)
    if not os.path.isdir(path):  # unlike Path.is_dir() it raises nothing, whatever the name
        raise ValueError(f"{path}: Not a directory")
    return path


def read_timezone(value: object) -> str:
    """The name of an IANA time zone, `Europe/Moscow`."""
    try:
        return ZoneInfo(_word(value)).key
    except (KeyError, ValueError, OSError):  # unknown; a path; a directory of zones
        raise ValueError(f"{_shown(value)} is not a time zone") from None


def read_subject_tag(value: object) -> str:
    """What stands before the number in `[#1042]`: it must not run into the brackets or the digits."""
    text = _word(value)
    if "[" in text or "]" in text or text[-1].isdigit():
        raise ValueError(f"{_shown(value)} must have no brackets and no digit at the end")
    return text


def read_pattern(value: object) -> str:
    """A regular expression of Python, "" for none."""
    if value == "":
        return ""
    try:
        re.compile(_word(value))
    except re.error as error:
        raise ValueError(f"{_shown(value)} is not a regular expression: {error}") from None
    return str(value)


def read_spam_field(value: object) -> str:
    """A header field and its value, as our own filter writes it: `X-Spam-Flag: YES`. "" for none."""
    if value == "":
        return ""
    name, colon, content = _word(value).partition(":")
    if not (re.fullmatch(r"[!-9;-~]+", name) and colon and content.strip()):  # RFC 5322 §2.2
        raise ValueError(f'{_shown(value)} is not "Field-Name: value"')
    return f"{name}: {content.strip()}"


def read_password(value: object) -> PasswordHash:
    """The hash of a password, as `maild smtp password` prints it. What is wrong with it is told without showing it."""
    if isinstance(value, PasswordHash):
        return value
    return read_hash(_word(value))


def read_selector(value: object) -> str:
    """The selector of a DKIM key: labels of a domain name (RFC 6376 §3.1). "" for none."""
    if value == "":
        return ""
    label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    if not re.fullmatch(rf"{label}(\.{label})*", _word(value)):
        raise ValueError(f"{_shown(value)} is not a selector")
    return str(value)


def read_after(value: object) -> str:
    """What becomes of a message that has been taken in: `leave`, `flag`, or `move:FOLDER`."""
    text = _word(value)
    if text not in ("leave", "flag") and not (text.startswith("move:") and text.removeprefix("move:").strip()):
        raise ValueError(f'{_shown(value)} is not "leave", "flag" or "move:FOLDER"')
    return text


def is_loopback(host: str) -> bool:
    """Does this name or address mean this machine itself?"""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split_url(text: str) -> SplitResult | None:
    try:
        url = urlsplit(text)
        return url if url.port is None or url.port >= 0 else None  # reading .port is what checks it
    except ValueError:
        return None


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise ValueError("needs at least one")
    return items


def _one_inbox(name: str) -> str:
    """INBOX has no case (RFC 3501 §5.1)."""
    return "INBOX" if name.upper() == "INBOX" else name


Password = Annotated[PasswordHash, PlainValidator(read_password)]
Duration = Annotated[timedelta, PlainValidator(read_duration)]
Days = Annotated[timedelta, PlainValidator(read_days)]
Size = Annotated[int, PlainValidator(read_size)]
Words = Annotated[Text, PlainValidator(read_text)]
Word = Annotated[str, PlainValidator(_word)]
Address = Annotated[str, PlainValidator(read_address)]
Key = Annotated[str, PlainValidator(read_key)]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(read_network)]
Relay = Annotated[str, PlainValidator(read_relay)]
PublicUrl = Annotated[str, PlainValidator(read_public_url)]
TokenUrl = Annotated[str, PlainValidator(read_token_url)]
StoreUrl = Annotated[str, PlainValidator(read_store_url)]
AnyPath = Annotated[Path, PlainValidator(read_path)]
File = Annotated[Path, PlainValidator(read_file)]
TokenFile = Annotated[Path, PlainValidator(read_token_file)]
Directory = Annotated[Path, PlainValidator(read_directory)]
Timezone = Annotated[str, PlainValidator(read_timezone)]
SubjectTag = Annotated[str, PlainValidator(read_subject_tag)]
Pattern = Annotated[str, PlainValidator(read_pattern)]
Selector = Annotated[str, PlainValidator(read_selector)]
SpamField = Annotated[str, PlainValidator(read_spam_field)]
After = Annotated[str, PlainValidator(read_after)]
Folder = Annotated[str, Strict(), AfterValidator(_one_inbox)]
FolderWord = Annotated[Word, AfterValidator(_one_inbox)]
Count = Annotated[int, Field(strict=True, ge=0)]
Yes = Annotated[bool, Strict()]

OneOrMore = AfterValidator(_not_empty)
Strings = Annotated[tuple[Annotated[str, Strict()], ...], BeforeValidator(_as_list)]
Listeners = Annotated[tuple[Annotated[Listener, PlainValidator(read_listener)], ...], BeforeValidator(_as_list)]
