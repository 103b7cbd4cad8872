"""A small IMAP server of our own on loopback, which does as it is told: lacks extensions, refuses, hangs, hangs up."""

import re
import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from tests.servers import free_port, until

MODERN = "IMAP4rev1 IDLE MOVE UIDPLUS SPECIAL-USE LIST-EXTENDED SASL-IR"
USER, PASSWORD = "support@provider.example", "secret"

# What the server does instead of carrying out a command.
NO, BYE, DROP, HANG = "NO", "BYE", "DROP", "HANG"
CUT = "CUT"  # hangs up in the middle of the first literal of the answer
HALFWAY = "HALFWAY"  # asks for a literal, reads some of it, says no and waits
WITHHOLD = "WITHHOLD"  # says OK, but gives no message


@dataclass
class Stored:
    """A message in a folder."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)
    date: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Box:
    """A folder."""

    uidvalidity: int = 1
    uidnext: int = 1
    messages: list[Stored] = field(default_factory=list)


@dataclass
class Fault:
    """What goes wrong, and how often; `when` looks at the command line."""

    command: str
    does: str
    times: int
    when: Callable[[str], bool] = lambda line: True


class ImapServer:
    """Serves one user until the end of a `with`. `commands` are all that it was asked, without tags."""

    def __init__(self, capabilities: str = MODERN, *, only_esearch: bool = False) -> None:
        self.capabilities, self.only_esearch = capabilities, only_esearch
        self.folders: dict[str, Box] = {"INBOX": Box()}
        self.faults: list[Fault] = []
        self.commands: list[str] = []
        self.logins = 0
        self.is_deaf = False  # IDLE tells of nothing
        self.repeats = False  # IDLE begins with what is known
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._clients: set[socket.socket] = set()
        self._server: socketserver.ThreadingTCPServer | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, at the same port each time."""
        outer = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _Session(outer, self).run()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Talk)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Hang up on everybody and be gone."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        with self._changed:
            for client in list(self._clients):
                client.close() if client.fileno() < 0 else client.shutdown(socket.SHUT_RDWR)
            self._changed.notify_all()

    def put(self, raw: bytes, folder: str = "INBOX") -> int:
        """A mail arrives; its UID."""
        with self._changed:
            box = self.folders.setdefault(folder, Box())
            message = Stored(box.uidnext, raw)
            box.messages.append(message)
            box.uidnext += 1
            self._changed.notify_all()
            return message.uid

    def renumber(self, folder: str = "INBOX") -> None:
        """Another UIDVALIDITY, other UIDs."""
        with self._lock:
            box = self.folders[folder]
            box.uidvalidity += 1
            for number, message in enumerate(box.messages, 100):
                message.uid = number
            box.uidnext = 100 + len(box.messages)

    def fail(self, command: str, does: str, times: int = 1, when: Callable[[str], bool] = lambda line: True) -> None:
        """The next so many commands of that name (`FETCH` also after UID) come to something else."""
        with self._lock:
            self.faults.append(Fault(command, does, times, when))

    def asked(self, command: str) -> int:
        """How often."""
        with self._lock:
            return sum(command in line.split(" ")[:2] for line in self.commands)

    def wait_asked(self, command: str, times: int = 1) -> None:
        """Until it has been asked that often."""
        until(lambda: self.asked(command) >= times, f"{command} {times} times")

    def fault_for(self, name: str, line: str) -> str:
        """What to do instead, "" for nothing."""
        with self._lock:
            for fault in self.faults:
                if fault.command == name and fault.times > 0 and fault.when(line):
                    fault.times -= 1
                    return fault.does
        return ""


class _End(Exception):
    """This connection is over."""


class _Session:
    """One client."""

    def __init__(self, server: ImapServer, talk: socketserver.StreamRequestHandler) -> None:
        self.server, self.talk = server, talk
        self.box: Box | None = None
        self.seen = 0
        self.has_cut = False

    def run(self) -> None:
        self.server._clients.add(self.talk.connection)
        try:
            self.say(f"* OK [CAPABILITY {self.server.capabilities}] ready")
            while line := self.talk.rfile.readline().decode():
                self.command(line.rstrip("\r\n"))
        except (_End, OSError, ValueError):
            pass  # the client left, or was sent away
        finally:
            self.server._clients.discard(self.talk.connection)

    def say(self, line: str) -> None:
        self.talk.wfile.write(f"{line}\r\n".encode())

    def command(self, line: str) -> None:
        tag, _, rest = line.partition(" ")
        words = rest.split(" ", 2)
        name = words[1].upper() if words[0].upper() == "UID" else words[0].upper()
        arguments = rest.partition(" ")[2].partition(" ")[2] if words[0].upper() == "UID" else rest.partition(" ")[2]
        with self.server._lock:
            self.server.commands.append(rest)
        does = self.server.fault_for(name, rest)
        if does in (DROP, HANG, BYE):
            if does == BYE:
                self.say("* BYE so long")
            if does == HANG:
                while self.talk.rfile.readline():
                    pass
            raise _End
        if does == NO:
            if match := re.search(r"\{(\d+)\}$", rest):
                self.say(f"{tag} NO no {match[1]} octets")
                return
            self.say(f"{tag} NO not today")
            return
        self.does = does
        getattr(self, f"do_{name.lower()}")(tag, arguments)
        if name == "LOGOUT":
            raise _End

    def ok(self, tag: str, code: str = "") -> None:
        self.say(f"{tag} OK {code}done")

    def do_capability(self, tag: str, _: str) -> None:
        self.say(f"* CAPABILITY {self.server.capabilities}")
        self.ok(tag)

    def do_login(self, tag: str, arguments: str) -> None:
        self.server.logins += 1
        if arguments == f'"{USER}" "{PASSWORD}"':
            self.ok(tag)
        else:
            self.say(f"{tag} NO [AUTHENTICATIONFAILED] wrong")

    def do_noop(self, tag: str, _: str) -> None:
        self.tell_exists()
        self.ok(tag)

    def do_logout(self, tag: str, _: str) -> None:
        self.say("* BYE bye")
        self.ok(tag)

    def do_list(self, tag: str, _: str) -> None:
        for name in self.server.folders:
            self.say(f'* LIST (\\HasNoChildren) "/" "{name}"')
        self.ok(tag)

    def do_create(self, tag: str, arguments: str) -> None:
        with self.server._lock:
            is_new = arguments.strip('"') not in self.server.folders
            self.server.folders.setdefault(arguments.strip('"'), Box())
        self.ok(tag) if is_new else self.say(f"{tag} NO it is there")

    def do_subscribe(self, tag: str, _: str) -> None:
        self.ok(tag)

    def do_examine(self, tag: str, arguments: str) -> None:
        self.do_select(tag, arguments)

    def do_select(self, tag: str, arguments: str) -> None:
        box = self.server.folders.get(arguments.strip('"'))
        if box is None:
            self.say(f"{tag} NO [NONEXISTENT] no such folder")
            return
        self.box, self.seen = box, len(box.messages)
        self.say(f"* {self.seen} EXISTS")
        self.say(f"* OK [UIDVALIDITY {box.uidvalidity}] .")
        self.say(f"* OK [UIDNEXT {box.uidnext}] .")
        self.ok(tag, "[READ-WRITE] ")

    def tell_exists(self) -> None:
        if self.box is not None and len(self.box.messages) != self.seen:
            self.seen = len(self.box.messages)
            self.say(f"* {self.seen} EXISTS")

    def chosen(self, sequence: str) -> list[Stored]:
        """The messages of a UID set."""
        assert self.box is not None
        last = max((message.uid for message in self.box.messages), default=0)
        uids: set[int] = set()
        for part in sequence.split(","):
            ends = [last if end == "*" else int(end) for end in part.split(":")]
            uids |= set(range(min(ends), max(ends) + 1))
        return [message for message in self.box.messages if message.uid in uids]

    def do_search(self, tag: str, arguments: str) -> None:
        assert self.box is not None
        if found := re.fullmatch(r"UID (\S+)", arguments):
            uids = [message.uid for message in self.chosen(found[1])]
        elif found := re.fullmatch(r'HEADER Message-ID "(.*)"', arguments):
            uids = [each.uid for each in self.box.messages if found[1].encode() in each.raw]
        else:
            assert arguments == "DELETED", arguments
            uids = [each.uid for each in self.box.messages if "\\Deleted" in each.flags]
        if self.server.only_esearch:
            known = f" ALL {','.join(map(str, uids))}" if uids else ""
            self.say(f'* ESEARCH (TAG "{tag}") UID{known}')
        else:
            self.say(" ".join(["* SEARCH", *map(str, uids)]))
        self.ok(tag)

    def do_fetch(self, tag: str, arguments: str) -> None:
        assert self.box is not None
        sequence, _, items = arguments.partition(" ")
        for message in self.chosen(sequence):
            number = self.box.messages.index(message) + 1
            if self.does == WITHHOLD:
                continue
            self.say_message(number, message, items)
        self.ok(tag)

    def say_message(self, number: int, message: Stored, items: str) -> None:
        if part := re.search(r"BODY\.PEEK\[(.*?)\](?:<0\.(\d+)>)?", items):
            text = message.raw.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n" if part[1] else message.raw
            text = text[: int(part[2])] if part[2] else text
            origin = "<0>" if part[2] else ""
            self.say(f"* {number} FETCH (UID {message.uid} BODY[{part[1]}]{origin} {{{len(text)}}}")
            if self.does == CUT:
                self.talk.wfile.write(text[: len(text) // 2])
                raise _End
            self.talk.wfile.write(text)
            self.say(")")
            return
        date = message.date.strftime("%d-%b-%Y %H:%M:%S +0000")
        flags = " ".join(sorted(message.flags))
        self.say(
            f'* {number} FETCH (UID {message.uid} FLAGS ({flags}) INTERNALDATE "{date}" RFC822.SIZE {len(message.raw)})'
        )

    def do_store(self, tag: str, arguments: str) -> None:
        sequence, sign, flags = arguments.split(" ", 2)
        for message in self.chosen(sequence):
            words = set(flags.strip("()").split())
            message.flags = message.flags | words if sign.startswith("+") else message.flags - words
        self.ok(tag)

    def do_copy(self, tag: str, arguments: str) -> None:
        self.ok(tag, self.copied(arguments))

    def copied(self, arguments: str) -> str:
        assert self.box is not None
        sequence, _, name = arguments.partition(" ")
        folder = name.strip('"')
        chosen = self.chosen(sequence)
        new = [self.server.put(message.raw, folder) for message in chosen]
        if "UIDPLUS" not in self.server.capabilities or not new:
            return ""
        old = ",".join(str(message.uid) for message in chosen)
        return f"[COPYUID {self.server.folders[folder].uidvalidity} {old} {','.join(map(str, new))}] "

    def do_move(self, tag: str, arguments: str) -> None:
        assert self.box is not None
        code = self.copied(arguments)
        if code:
            self.say(f"* OK {code}.")
        self.remove(self.chosen(arguments.partition(" ")[0]))
        self.ok(tag)

    def do_expunge(self, tag: str, arguments: str) -> None:
        assert self.box is not None
        chosen = self.chosen(arguments) if arguments else self.box.messages
        self.remove([message for message in chosen if "\\Deleted" in message.flags])
        self.ok(tag)

    def remove(self, messages: list[Stored]) -> None:
        assert self.box is not None
        for message in messages:
            number = self.box.messages.index(message) + 1
            self.box.messages.remove(message)
            self.say(f"* {number} EXPUNGE")
        self.seen = len(self.box.messages)

    def do_append(self, tag: str, arguments: str) -> None:
        folder = arguments.split(" ", maxsplit=1)[0].strip('"')
        size = int(arguments.rpartition("{")[2].rstrip("}"))
        self.say("+ go on")
        if self.does == HALFWAY:
            self.talk.rfile.read(1000)
            self.say(f"{tag} NO no room")
            while self.talk.rfile.read(1 << 16):
                pass
            raise _End
        raw = self.talk.rfile.read(size)
        self.talk.rfile.readline()
        uid = self.server.put(raw, folder)
        self.ok(tag, f"[APPENDUID 1 {uid}] " if "UIDPLUS" in self.server.capabilities else "")

    def do_idle(self, tag: str, _: str) -> None:
        self.say("+ idling")
        if self.server.repeats:
            self.say(f"* {self.seen} EXISTS")
        done = threading.Event()
        teller = threading.Thread(target=self.tell_until, args=(done,), daemon=True)
        teller.start()
        self.talk.rfile.readline()
        done.set()
        with self.server._changed:
            self.server._changed.notify_all()
        teller.join()
        self.ok(tag)

    def tell_until(self, done: threading.Event) -> None:
        with self.server._changed:
            while not done.is_set():
                if not self.server.is_deaf:
                    try:
                        self.tell_exists()
                    except (OSError, ValueError):
                        return
                self.server._changed.wait(0.2)
