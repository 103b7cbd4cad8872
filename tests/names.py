"""A name server of our own on loopback: real DNS over UDP, with the records that a test wants."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

Zone = Mapping[tuple[str, str], list[str]]
"""(name without the final dot, type) → records as a zone file has them; `None` for a name is silence."""

SILENCE = ["silence"]
TROUBLE = ["trouble"]


@contextmanager
def name_server(zone: Zone) -> Iterator[dns.resolver.Resolver]:
    """A resolver that asks nobody but a server with these records."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    stopping = threading.Event()
    bound.settimeout(0.1)
    thread = threading.Thread(target=_serve, args=(bound, zone, stopping))
    thread.start()
    try:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = bound.getsockname()[1]
        yield resolver
    finally:
        stopping.set()
        thread.join()
        bound.close()


def _serve(bound: socket.socket, zone: Zone, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            data, client = bound.recvfrom(4096)
        except TimeoutError:
            continue
        answer = _answer(dns.message.from_wire(data), zone)
        if answer is not None:
            bound.sendto(answer.to_wire(), client)


def _answer(question: dns.message.Message, zone: Zone) -> dns.message.Message | None:
    asked = question.question[0]
    name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
    records = zone.get((name, kind), [])
    if records == SILENCE:
        return None
    answer = dns.message.make_response(question)
    answer.flags |= dns.flags.AA | dns.flags.RA
    if records == TROUBLE:
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif records:
        answer.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", kind, records))
    elif not any(known == name for known, _ in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer
