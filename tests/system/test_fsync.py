"""What the kernel sees: between the dot of a mail and its 250 the database's log is written and flushed to the disk."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import MaildProcess, require, until
from tests.smtpsink import SmtpSink
from tests.system.load import Senders, all_work_done
from tests.system.people import trusting

pytestmark = pytest.mark.system

_CALL = re.compile(
    r"(?P<thread>\d+) +[\d.]+ (?:(?P<call>\w+)\(\d+<(?P<file>.*?)>(?=[,)]| <unfinished)(?P<rest>.*)"
    r"|<\.\.\. (?P<resumed>\w+) resumed>(?P<end>.*))"
)
_ENDS = {"fsync", "fdatasync"}


@dataclass(slots=True)
class Call:
    """One system call: where in the trace it began and ended, its file, and the octets it moved."""

    name: str
    file: str
    begin: int
    end: int
    octets: str


def calls_in(trace: str) -> Iterator[Call]:
    """The calls of a trace in the order in which they ended."""
    unfinished: dict[str, Call] = {}
    for place, line in enumerate(trace.splitlines()):
        found = _CALL.match(line)
        if found is None or (found["resumed"] and found["thread"] not in unfinished):
            continue  # of a descriptor that strace could not name
        if found["resumed"]:
            call = unfinished.pop(found["thread"])
            call.octets += found["end"]
        else:
            call = Call(found["call"], found["file"], place, place, found["rest"])
            if line.endswith("<unfinished ...>"):
                unfinished[found["thread"]] = call
                continue
        call.end = place
        yield call


def assert_flushed_before_every_250(trace: str) -> int:
    """How many mails the trace has."""
    dots: dict[str, Call] = {}  # by connection
    logged: list[Call] = []  # writes to the WAL
    flushed: list[Call] = []
    mails = 0
    for call in calls_in(trace):
        if call.name in _ENDS and call.file.endswith("-wal"):
            flushed.append(call)
        elif call.name.startswith("pwrite") and call.file.endswith("-wal"):
            logged.append(call)
        elif not call.file.startswith(("TCP", "socket")):
            continue  # a source file of ours has the same words
        elif r"\r\n.\r\n" in call.octets:
            dots[call.file] = call
        elif '"250 2.0.0 mail ' in call.octets:
            dot = dots.pop(call.file)
            written = [each for each in logged if each.begin > dot.end]
            assert written, "nothing was written between the dot and the 250"
            assert any(written[0].end < each.begin and each.end < call.begin for each in flushed), (
                f"no flush between line {dot.end} and line {call.begin}"
            )
            mails += 1
    return mails


def test_every_250_comes_after_a_flush_of_the_log(folder: Path, sink: SmtpSink) -> None:
    require("strace")
    trace = folder / "trace"
    calls = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync"
    # -D: the tracer is a grandchild, so that signals go to the program itself.
    wrapper = ["strace", "-D", "-f", "-ttt", "-yy", "-s", "200000", "-e", f"trace={calls}", "-o", str(trace)]
    with MaildProcess(folder, sink.url, wrapper=wrapper, **trusting()) as desk:
        with Senders(desk, clients=5, total=40) as senders:
            senders.finish(120)
        all_work_done(desk)
        assert desk.stop(20) == 0
    found = until(lambda: trace.read_text(errors="replace"), "the trace is written")
    assert assert_flushed_before_every_250(found) == 40
