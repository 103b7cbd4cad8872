"""Settings of the interpreter and of the C library for a process that answers many clients. Knows no mail."""

import ctypes
import sys

TURN = 0.001  # seconds that a thread may compute while the event loop, which answers the clients, waits; Python: 5 ms

# mallopt(3). Left alone, glibc gives each thread an arena of its own and stops giving large blocks back to the system.
_ARENA_MAX, _ARENAS = -8, 2
# Octets. isal takes 280 KiB to pack the smallest mail: to ask the system for them each time costs as much as packing.
_MMAP_THRESHOLD, _LARGE = -3, 320 * 1024
_TRIM_THRESHOLD, _SPARE = -1, 1024 * 1024


def tune() -> None:
    """Let threads take short turns, and give back the memory of large mails. To be called before there are threads."""
    sys.setswitchinterval(TURN)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        mallopt(_ARENA_MAX, _ARENAS)
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _SPARE)
