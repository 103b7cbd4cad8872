"""The configuration that `maild init` writes, for a desk behind an MTA and for a mailbox at a provider. Text only."""

from collections.abc import Mapping
from dataclasses import dataclass

_HEAD = """\
# The configuration of maild. Paths are relative to this file; every key is told in config.example.toml.
# After a change: `maild check`.

[desk]
name = {name}
language = {language}
timezone = {timezone}
# Where customers reach the action links, "https://help.example.com"; "" = letters carry none.
public_url = {public_url}
# Database and secret. Keep both, and let nobody else read them.
state_dir = "."
secret_file = "secret"
"""
_BEHIND_MTA = """
[smtp]
# Put maild behind your MTA, or let it listen on port 25 itself.
listen = ["127.0.0.1:2525"]
# The MTAs in front of it: what they say of senders counts.
trusted_peers = ["127.0.0.1"]

[trust]
# What your MTA calls itself in Authentication-Results fields. Without it senders are not verified!
#authserv_id = "mx.example.com"

[http]
listen = ["127.0.0.1:8080"]

[outbound]
# Where letters go: "smtp://host:port", "smtps://host:port", or "maildir:DIRECTORY" for a trial.
relay = {relay}
"""
_AT_PROVIDER = """\
# Do plus-addresses (support+anything@…) arrive in the mailbox?
subaddress = {subaddress}

[smtp]
# All mail comes out of the mailbox below.
listen = []

[trust]
{trust}
[http]
listen = ["127.0.0.1:8080"]

[outbound]
relay = {relay}
username = {username}
password_file = {password_file}
{relay_ca_file}# Does the relay keep an envelope sender of each letter's own?
verp = {verp}
"""
_CATEGORY = """
[[category]]
key = {category}
title = {title}
# Where customers write.
address = {mailbox}
# Where support reads{where}
team = [{team}]

# A person of support, who may answer from an address of his own.
#[[agent]]
#address = "anna@example.com"
#name = "Anna"
"""
_MAILBOX = """
[[imap]]
name = {category}
# "desk": customers' mail arrives here, and support reads here. "intake": only the first.
role = {role}
host = {host}
port = {port}
tls = {tls}
username = {username}
password_file = {password_file}
{ca_file}{folders}"""
_UNKNOWN = """\
# Who writes Authentication-Results into this mailbox could not be made out. Without it senders are not verified!
#authserv_id = "mx.example.com"
"""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was found out about a provider, as lines and values of TOML."""

    trust: str
    subaddress: str
    verp: str
    folders: str


def behind_mta(answers: Mapping[str, str]) -> str:
    """For a desk that an MTA hands its mail to. `answers` are values as TOML writes them."""
    where = ": mailboxes, not an address of the desk."
    return _HEAD.format(**answers) + _BEHIND_MTA.format(**answers) + _CATEGORY.format(**answers, where=where)


def at_provider(answers: Mapping[str, str], learned: Learned) -> str:
    """For a mailbox at a provider."""
    values = {
        **answers,
        "trust": learned.trust or _UNKNOWN,
        "subaddress": learned.subaddress,
        "verp": learned.verp,
        "folders": learned.folders,
        "where": ": the same mailbox, in folders." if answers["role"] == '"desk"' else ".",
    }
    return "".join(part.format(**values) for part in (_HEAD, _AT_PROVIDER, _CATEGORY, _MAILBOX))
