"""Line ends of raw mail: CRLF and nothing else (RFC 5321 §2.3.8)."""

import re

_LINE_END = re.compile(rb"\r{1,2}\n|\r|\n")  # some gateways turn CRLF into CR CR LF


def has_bare_newline(raw: bytes) -> bool:
    """Is there a CR without LF or an LF without CR (RFC 5321 §2.3.8 forbids both)?"""
    return not raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n")


def with_crlf(raw: bytes) -> bytes:
    """The same text with CRLF at the end of every line, whatever stood there."""
    return _LINE_END.sub(b"\r\n", raw) if has_bare_newline(raw) else raw
