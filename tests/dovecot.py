"""A real Dovecot for tests, in a directory of its own: IMAP with and without TLS, LMTP to put mail into it."""

import imaplib
import os
import pwd
import signal
import smtplib
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers import _end, _spawn, free_port, require, says, server_directory, until

PASSWORD = 'a "quoted" \\ word'
SUPPORT, BILLING = "support@t.invalid", "billing@t.invalid"

_CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login{mechanisms}
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_max_userip_connections = 100
lmtp_save_to_detail_mailbox = no
recipient_delimiter = +
{passdb}
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
}}
service anvil {{
  client_limit = 512
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""
_OAUTH = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.ext
}}
"""
_INTROSPECTION = """\
introspection_mode = post
introspection_url = {url}
client_id = dovecot
client_secret = x
username_attribute = email
active_attribute = active
active_value = true
"""


class Dovecot:
    """A Dovecot with a mailbox for each of `users`, all with `PASSWORD`.

    `introspection_url` (RFC 7662) is where it asks whether an access token is good; with it XOAUTH2 and OAUTHBEARER
    are served. Folders are divided by `separator` and named below `prefix`. `imap` is its plain port, `imaps` that with
    TLS, for which `ca_file` vouches under the name localhost.
    """

    def __init__(
        self, folder: Path, users: Sequence[str], introspection_url: str = "", separator: str = "/", prefix: str = ""
    ) -> None:
        self.folder, self.ca_file = folder, folder / "certificate.pem"
        self.imap, self.imaps, self.lmtp = free_port(), free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        nobody = pwd.getpwnam("nobody")
        for name in ("run", "state", "mail"):
            (folder / name).mkdir()
        os.chown(folder / "mail", nobody.pw_uid, nobody.pw_gid)
        (folder / "users").write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}::::::\n" for user in users))
        if introspection_url:
            (folder / "oauth2.ext").write_text(_INTROSPECTION.format(url=introspection_url))
        settings = {
            "folder": folder,
            "mechanisms": " xoauth2 oauthbearer" if introspection_url else "",
            "passdb": _OAUTH.format(folder=folder) if introspection_url else "",
            "uid": nobody.pw_uid,
            "gid": nobody.pw_gid,
            "imap": self.imap,
            "imaps": self.imaps,
            "lmtp": self.lmtp,
            "separator": separator,
            "prefix": prefix,
        }
        (folder / "dovecot.conf").write_text(_CONFIG.format(**settings))
        _make_certificate(folder)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "start.log").open("ab") as log:
            self._process = _spawn(["/usr/sbin/dovecot", "-F", "-c", str(self.folder / "dovecot.conf")], log, log)
        until(lambda: says(self.imap, b"* OK"), "Dovecot greets")
        until(lambda: says(self.lmtp, b"220"), "Dovecot greets on LMTP")

    def stop(self) -> None:
        """Stop it and cut all connections: by itself it would take leave of them ten seconds later."""
        if self._process is not None:
            self._process.terminate()
            _end(self._process, 60)
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None

    def cut(self) -> None:
        """Cut all IMAP connections in the middle of whatever they do; new ones are welcome."""
        command = ["pgrep", "-P", str(self._process.pid if self._process else 0), "-x", "imap|imap-login"]
        for process in subprocess.run(command, check=False, capture_output=True, text=True).stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)

    def doveadm(self, *arguments: str) -> str:
        """What doveadm answers; it must succeed."""
        command = ["/usr/bin/doveadm", "-c", str(self.folder / "dovecot.conf"), *arguments]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def deliver(self, raw: bytes, to: str = SUPPORT, sender: str = "anna@customer.example") -> None:
        """Put a mail into a mailbox, as the provider's own MTA does."""
        with smtplib.LMTP("127.0.0.1", self.lmtp) as client:
            client.sendmail(sender, [to], raw)

    @contextmanager
    def client(self, user: str = SUPPORT, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """Another mail program in the same mailbox."""
        program = imaplib.IMAP4("127.0.0.1", self.imap)
        program.login(user, PASSWORD)
        program.select(f'"{folder}"')
        yield program
        program.logout()

    def log(self) -> str:
        """Everything it has logged."""
        return (self.folder / "dovecot.log").read_text(errors="replace")


def _make_certificate(folder: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -days 2"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)


@contextmanager
def dovecot(*users: str, introspection_url: str = "", separator: str = "/", prefix: str = "") -> Iterator[Dovecot]:
    """A running Dovecot for a `with`; without names it serves SUPPORT and BILLING."""
    require("dovecot")
    require("dovecot's lmtp", Path("/usr/lib/dovecot/lmtp").exists())
    require("openssl")
    require("root (Dovecot changes users)", os.geteuid() == 0)
    with server_directory("dovecot") as folder:
        server = Dovecot(folder, users or (SUPPORT, BILLING), introspection_url, separator, prefix)
        try:
            server.start()
            yield server
        finally:
            server.stop()
