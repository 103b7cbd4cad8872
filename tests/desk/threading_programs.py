"""Programs that make threads of a maildir: Dovecot's THREAD (RFC 5256) and mutt's list of messages."""

import fcntl
import os
import pty
import pwd
import re
import select
import shutil
import struct
import subprocess
import termios
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

from tests.desk.threading_rules import Threads, own_id
from tests.servers import require

_IMAP = Path("/usr/lib/dovecot/imap")
_MESSAGE_ID = re.compile(r"^Message-ID: <(.+)>", re.M | re.I)
_ROWS = 400


def fill(maildir: Path, messages: Sequence[EmailMessage]) -> None:
    """A mailbox of these messages, in their order."""
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for index, message in enumerate(messages):
        (maildir / f"cur/{index:04}.test:2,S").write_bytes(message.as_bytes())


def dovecot(folder: Path, messages: Sequence[EmailMessage], algorithm: str) -> Threads:
    """What THREAD answers; `algorithm` is REFERENCES, or REFS, which does not look at subjects."""
    require("dovecot-imapd", _IMAP.exists())
    # Dovecot opens no mail as root.
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    fill(folder / "mail", messages)
    settings = folder / "dovecot.conf"
    settings.write_text(
        f"base_dir = {folder}\nmail_location = maildir:{folder}/mail:INDEX=MEMORY\nmail_uid = {user.pw_uid}\n"
        f"mail_gid = {user.pw_gid}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\nssl = no\nstats_writer_socket_path =\n"
    )
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user.pw_uid, user.pw_gid)
    commands = (
        "a SELECT INBOX",
        "b FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
        f"c THREAD {algorithm} UTF-8 ALL",
        "d LOGOUT",
    )
    ran = subprocess.run(
        [str(_IMAP), "-c", str(settings)],
        input="".join(f"{line}\r\n" for line in commands),
        env={"HOME": str(folder), "USER": user.pw_name},
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    shutil.rmtree(folder / "mail")
    names = _MESSAGE_ID.findall(ran.stdout)
    assert len(names) == len(messages), ran.stdout
    [answer] = re.findall(r"^\* THREAD (.*)", ran.stdout, re.M)
    return frozenset(frozenset(names[int(number) - 1] for number in re.findall(r"\d+", each)) for each in _top(answer))


def _top(answer: str) -> list[str]:
    """The outermost groups of `(1 (2)(3))(4)`."""
    found, depth = [""], 0
    for char in answer.strip():
        depth += {"(": 1, ")": -1}.get(char, 0)
        found[-1] += char
        if depth == 0:
            found.append("")
    return [each for each in found if each.strip()]


def mutt(folder: Path, messages: Sequence[EmailMessage]) -> Threads:
    """The threads of mutt's list: each line tells its message's place in its thread."""
    require("mutt")
    fill(folder / "box", messages)
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, 200, 0, 0))
    orders = (
        f'set sort=threads quit=yes mark_old=no folder="{folder}"',
        'set index_format="{%i,%e}"',
        'push "<refresh><exit>"',
    )
    command = ["mutt", "-n", "-F", "/dev/null", *(word for order in orders for word in ("-e", order))]
    environment = {"HOME": str(folder), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "vt100"}
    command += ["-f", str(folder / "box")]
    running = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True)
    os.close(its)
    screen = _read(ours)
    assert running.wait(120) == 0, screen
    shutil.rmtree(folder / "box")
    places = dict(re.findall(r"\{<?([^,{}<>]+)>?,(\d+)\}", screen))
    assert places.keys() == {own_id(message) for message in messages}
    threads: list[set[str]] = []
    for name, place in places.items():
        if place == "1":
            threads.append(set())
        threads[-1].add(name)
    return frozenset(map(frozenset, threads))


def _read(terminal: int) -> str:
    screen = b""
    try:
        while select.select([terminal], [], [], 30)[0] and (chunk := os.read(terminal, 65536)):
            screen += chunk
    except OSError:  # Linux says EIO when the last writer has gone
        pass
    finally:
        os.close(terminal)
    return screen.decode(errors="replace")
