"""Binds the sockets of all doors before anything starts, so that every problem is told at once.

A door that systemd has bound for us listens there, and not where the configuration says.
"""

import os
import socket
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from maild.config import Config
from maild.config_values import Listener
from maild.core.errors import ConfigError
from maild.systemd import activated_sockets

_BACKLOG = 512
DOORS = ("smtp", "lmtp", "http", "ops")


@dataclass(frozen=True, slots=True)
class Listening:
    """The bound sockets of each door, by its name."""

    sockets: dict[str, list[socket.socket]]

    def names(self) -> str:
        """`smtp=127.0.0.1:2525 http=…`: what is listening, as the ready line says it."""
        return " ".join(
            f"{door}={','.join(name_of(bound) for bound in found)}" for door, found in self.sockets.items() if found
        )

    def addresses(self, door: str) -> list[tuple[str, int]]:
        """Host and port of each TCP socket of a door."""
        names = [bound.getsockname() for bound in self.sockets[door] if bound.family != socket.AF_UNIX]
        return [(str(name[0]), int(name[1])) for name in names]

    def close(self) -> None:
        """Let go of all of them; those that a door has closed already do not mind."""
        for bound in (bound for found in self.sockets.values() for bound in found):
            bound.close()


def name_of(bound: socket.socket) -> str:
    """`host:port` or `unix:/path` of a bound socket."""
    name = bound.getsockname()
    if bound.family == socket.AF_UNIX:
        return f"unix:{name}"
    return f"[{name[0]}]:{name[1]}" if bound.family == socket.AF_INET6 else f"{name[0]}:{name[1]}"


def bind_all(config: Config) -> Listening:
    """Take the sockets systemd hands over, by the names of doors, and bind what the configuration names for the others.

    Raises ConfigError with a line for each address that cannot be had.
    """
    problems: list[str] = []
    sockets = _activated(problems)
    for door in DOORS:
        if not sockets[door]:
            sockets[door] = _bind_door(door, getattr(config, door).listen, problems)
    if problems:
        Listening(sockets).close()
        raise ConfigError(problems)
    return Listening(sockets)


def _activated(problems: list[str]) -> dict[str, list[socket.socket]]:
    found: dict[str, list[socket.socket]] = {door: [] for door in DOORS}
    for name, bound in activated_sockets():
        if name not in found:
            problems.append(f'systemd: a socket named "{name}": FileDescriptorName must be one of {", ".join(DOORS)}')
        elif not bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            problems.append(f"systemd: the socket for {name} does not listen: it needs ListenStream and Accept=no")
        else:
            found[name].append(bound)
            continue
        bound.close()
    return found


def _bind_door(door: str, listeners: Iterable[Listener], problems: list[str]) -> list[socket.socket]:
    found: list[socket.socket] = []
    for listener in listeners:
        try:
            found.append(_bind_unix(listener.path) if listener.path else _bind_tcp(listener))
        except OSError as error:
            problems.append(f"{door}.listen: {listener}: {os.strerror(error.errno) if error.errno else error}")
    return found


def _bind_tcp(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    return socket.create_server((listener.host, listener.port), family=family, backlog=_BACKLOG)


def _bind_unix(path: str) -> socket.socket:
    """A socket file that an earlier run left behind is replaced; one that somebody listens on is not."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_stale(path):
            os.unlink(path)
        bound.bind(path)
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP)
        bound.listen(_BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


def _is_stale(path: str) -> bool:
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
    return False
