"""Mails spoilt at random, from a seed: what hostile, broken and cut-off mail may look like."""

import random
from collections.abc import Iterator, Sequence

MAX_SIZE = 64 * 1024  # octets of one spoilt mail: many small ones find more than few large ones

_TOKENS = (
    b"\r\n",
    b"\n\n",
    b"\r",
    b"\0",
    b"--",
    b"--b\r\n",
    b"\xff\xfe",
    b"\xd0\x9f",
    b"\xef\xf0\xe8",
    b"=?utf-8?B?",
    b"=?koi8-r?Q?=F0=D2?=",
    b"?=",
    b'"',
    b"<",
    b">",
    b"@",
    b"(",
    b";",
    b"%0d%0aBcc: v@v.example",
    b"\r\nBcc: v@v.example\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\n\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n\r\n",
    b"Content-Type: text/plain; charset=utf-7\r\n",
    b"Content-Type: text/calendar; method=REPLY\r\n",
    b"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''%00; filename*1=../x\r\n",
    b"From: MAILER-DAEMON@mx.example\r\nReturn-Path: <>\r\n",
    b"Subject: Undelivered Mail Returned to Sender\r\n",
    b"Auto-Submitted: auto-replied\r\n",
    b"<div class=gmail_quote>",
    b"<table><tr><td>",
    b"<script>",
    b"</",
    b"> ",
    b"-- \r\n",
    b"On Mon, 12 May 2025 at 09:00, Ivan wrote:\r\n",
    b"5.1.1",
)


def mutations(mails: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` spoilt mails made of these; the same seed makes the same ones."""
    dice = random.Random(seed)
    for _ in range(count):
        mail = bytearray(dice.choice(mails))
        for _ in range(dice.choice((1, 1, 2, 3, 8, 30))):
            _spoil(mail, dice, mails)
        yield bytes(mail[:MAX_SIZE])


def _spoil(mail: bytearray, dice: random.Random, mails: Sequence[bytes]) -> None:
    """One change at a random place."""
    start = dice.randrange(len(mail) + 1)
    end = min(len(mail), start + dice.choice((1, 2, 8, 64, 512)))
    match dice.randrange(8):
        case 0:
            mail[start:end] = dice.randbytes(end - start)
        case 1:
            del mail[start:end]
        case 2:
            mail[start:start] = mail[start:end] * dice.choice((1, 2, 50))
        case 3 | 4:
            mail[start:start] = dice.choice(_TOKENS) * dice.choice((1, 1, 1, 20))
        case 5:
            other = dice.choice(mails)
            place = dice.randrange(len(other) + 1)
            mail[start:end] = other[place : place + dice.choice((64, 512, 4096))]
        case 6:
            del mail[start:]
        case _:
            mail[:] = mail.replace(b"\r\n", dice.choice((b"\n", b"\r", b"\r\r\n", b"\r\n ")))
