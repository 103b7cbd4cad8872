"""What systemd wants to hear: readiness, the watchdog, stopping (sd_notify(3)). Silent where there is no systemd."""

import os
import socket


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
