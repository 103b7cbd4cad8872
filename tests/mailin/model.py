"""What a door has to say to each line, in any order: an SMTP and LMTP receiver on paper (RFC 5321, RFC 2033).

Knows no line of the doors' own code. The client names itself `client.example`, the desk serves billing@ and tech@.
"""

import re
from dataclasses import dataclass, field

MAX_SIZE = 20_000  # octets of a mail
MAX_LINE = 1 << 16

_BARE = re.compile(rb"\r\r?\n|\r|\n")
_SERVED = (b"billing@desk.example", b"Tech+refund@desk.example")
_HTTP = (b"GET", b"POST", b"CONNECT")

MAIL = {
    b"MAIL FROM:<ivan@client.example>": "250",
    b"mail from:<>": "250",
    b"MAIL FROM: <a@b.example> SIZE=1000 BODY=8BITMIME": "250",
    b"MAIL FROM:<a@b.example> SIZE=99999999": "552",
    b"MAIL FROM:<a@b.example> SIZE=many": "501",
    b"MAIL FROM:<a@b.example> FOO=1": "555",
    b"MAIL FROM:<a b@c.example>": "553",
    b"MAIL FROM:<\xff@b.example>": "553",
    b"MAIL TO:<a@b.example>": "501",
    b"MAIL": "501",
}
RCPT = {
    **{b"RCPT TO:<" + one + b">": "250" for one in _SERVED},
    b"rcpt to:<nobody@desk.example>": "550",
    b"RCPT TO:<ivan@client.example>": "550",
    b"RCPT TO:<@desk.example:ivan@client.example>": "550",
    b"RCPT TO:<ivan%client.example@desk.example>": "550",
    b"RCPT TO:<billing@desk.example> FOO=1": "555",
    b"RCPT TO:<billing @desk.example>": "553",
    b"RCPT TO:<>": "550",
    b"RCPT FROM:<billing@desk.example>": "501",
    b"RCPT": "501",
}
OTHERS = {
    b"RSET": "250",
    b"RSET now": "501",
    b"NOOP": "250",
    b"NOOP \0\xff": "250",
    b"VRFY ivan": "252",
    b"VRFY": "501",
    b"XFORWARD ADDR=192.0.2.1": "550",
    b"QUIT please": "501",
}


@dataclass(slots=True)
class Receiver:
    """One client's talk so far. `taken` are the mails that were answered with 250, without their dots."""

    is_lmtp: bool = False
    is_closed: bool = False
    has_said_hello: bool = False
    is_extended: bool = False
    has_sender: bool = False
    recipients: int = 0
    text: bytearray | None = None
    taken: list[bytes] = field(default_factory=list)

    def hear(self, octets: bytes) -> list[str]:
        """The codes that follow on one line, its end included; several separated by | if any of them will do."""
        if self.text is not None:
            return self._text(octets)
        line = octets.rstrip(b"\r\n")
        verb = line.partition(b" ")[0].upper()
        if len(line) > MAX_LINE or not verb.isalpha() or len(line) > 512:
            return ["500"]
        if verb in _HTTP:
            return self._closed("421")
        return self._command(verb.decode(), line)

    def _closed(self, code: str) -> list[str]:
        self.is_closed = True
        return [code]

    def _command(self, verb: str, line: bytes) -> list[str]:
        if verb in ("EHLO", "HELO", "LHLO"):
            return self._hello(verb, line)
        if verb in _ORDERED:
            return [_ORDERED[verb](self, line) if self.has_said_hello else "503"]
        if line == b"QUIT":
            return self._closed("221")
        if line == b"RSET":
            self._reset()
        if line in OTHERS:
            return [OTHERS[line]]
        if verb == "EXPN" or (verb in ("STARTTLS", "AUTH") and not self.is_lmtp):
            return ["502"]
        return ["500"]

    def _hello(self, verb: str, line: bytes) -> list[str]:
        if self.is_lmtp != (verb == "LHLO"):
            return ["500"]
        if line == verb.encode():
            return ["501"]
        self.has_said_hello, self.is_extended = True, verb != "HELO"
        self._reset()
        return ["250"]

    def _reset(self) -> None:
        self.has_sender, self.recipients = False, 0

    def _mail(self, line: bytes) -> str:
        code = MAIL[line]
        if code in ("501", "553") and b"=" not in line:
            return code
        if not self.is_extended and b"=" in line:
            return "501"
        if self.has_sender:
            return "503"
        self.has_sender = code == "250"
        return code

    def _rcpt(self, line: bytes) -> str:
        code = RCPT[line]
        if not self.has_sender:
            return "503"
        if not self.is_extended and b"=" in line:
            return "501"
        self.recipients += code == "250"
        return code

    def _data(self, line: bytes) -> str:
        if not self.recipients:
            return "503"
        if line != b"DATA":
            return "501"
        self.text = bytearray()
        return "354"

    def _text(self, octets: bytes) -> list[str]:
        assert self.text is not None
        self.text += octets
        whole = b"\r\n" + bytes(self.text)
        if not whole.endswith(b"\r\n.\r\n"):
            return []
        count, self.text = (self.recipients if self.is_lmtp else 1), None
        self._reset()
        return [self._judge(whole[:-3].replace(b"\r\n.", b"\r\n")[2:], len(whole))] * count

    def _judge(self, mail: bytes, size: int) -> str:
        if any(len(line) > MAX_LINE for line in mail.split(b"\r\n")):
            return "552|554"
        if size > MAX_SIZE:
            return "552"
        mended = _BARE.sub(b"\r\n", mail)
        if mended != mail and not self.is_lmtp:
            return "554"
        self.taken.append(mended)
        return "250"


_ORDERED = {"MAIL": Receiver._mail, "RCPT": Receiver._rcpt, "DATA": Receiver._data}
