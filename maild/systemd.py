"""Our half of systemd: what it wants to hear (sd_notify(3)) and the sockets it hands over (sd_listen_fds(3)).

Silent and empty-handed where there is no systemd.
"""

import os
import socket

_FIRST_FD = 3  # SD_LISTEN_FDS_START


def notify(*states: str) -> None:
    """Send state lines like READY=1 to $NOTIFY_SOCKET."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto("\n".join(states).encode(), address)
        except OSError:
            # A supervisor that does not listen must not stop the mail; it will see us missing by itself.
            return


def watchdog_interval() -> float | None:
    """How often to feed the watchdog, in seconds: half of what systemd allows ($WATCHDOG_USEC). None: not asked for."""
    micros = os.environ.get("WATCHDOG_USEC", "")
    if not micros.isdigit() or int(micros) == 0 or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(micros) / 2_000_000


def activated_sockets() -> list[tuple[str, socket.socket]]:
    """The sockets that systemd bound for us, each with its FileDescriptorName ("unknown" for a nameless one).

    They can be taken once: the environment forgets them, so that no program of ours believes they are for it.
    Raises OSError for a descriptor that is no socket.
    """
    pid, count, names = (os.environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES"))
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    found: list[tuple[str, socket.socket]] = []
    given = names.split(":") if names else []
    for index in range(int(count)):
        descriptor = _FIRST_FD + index
        os.set_inheritable(descriptor, False)
        found.append((given[index] if index < len(given) else "unknown", socket.socket(fileno=descriptor)))
    return found
