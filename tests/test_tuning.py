"""What large mails took is given back to the system."""

import subprocess
import sys
from pathlib import Path

import pytest

# Blocks of a large mail, each followed by something small that stays, in a thread of its own.
_PROGRAM = """
import re, threading
from pathlib import Path
from maild.tuning import tune

def memory():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

def work():
    bytes(4_000_000)  # glibc learns from its end that such blocks are worth keeping
    large = []
    for _ in range(150):
        large.append(b"x" * 400_000)
        small.append(b"x" * 1_000)

tune()
small, before = [], memory()
for _ in range(3):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(memory() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux only")
def test_large_blocks_are_given_back() -> None:
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], check=True, capture_output=True, text=True)
    assert int(ended.stdout) < 20, "60 MiB were taken three times"
