"""Signed S/MIME envelopes: the content of a CMS SignedData, read without checking any signature (RFC 5652 §5).

Knows just enough of BER (X.690 §8) to get there, indefinite lengths included; every step goes forward, so any octets
cost at most one pass.
"""

_SEQUENCE, _OBJECT_ID, _OCTETS, _OCTETS_IN_PIECES, _EXPLICIT = 0x30, 0x06, 0x04, 0x24, 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2
_DATA = bytes.fromhex("2a864886f70d010701")  # 1.2.840.113549.1.7.1
_MAX_DEPTH = 20


class _NotThatError(ValueError):
    """The octets are no BER, or not the structure that was looked for."""


def signed_content(envelope: bytes) -> bytes | None:
    """The MIME entity inside; None for anything but signed data with its content (encrypted, detached, broken)."""
    try:
        return _content(envelope)
    except _NotThatError:
        return None


def _content(envelope: bytes) -> bytes:
    place, _ = _enter(envelope, 0, _SEQUENCE)  # ContentInfo
    place = _expect_id(envelope, place, _SIGNED_DATA)
    place, _ = _enter(envelope, place, _EXPLICIT)
    place, _ = _enter(envelope, place, _SEQUENCE)  # SignedData
    place = _behind(envelope, _behind(envelope, place))  # version, digestAlgorithms
    place, _ = _enter(envelope, place, _SEQUENCE)  # EncapsulatedContentInfo
    place = _expect_id(envelope, place, _DATA)
    place, _ = _enter(envelope, place, _EXPLICIT)
    return _octets(envelope, place)


def _header(data: bytes, place: int) -> tuple[int, int, int | None]:
    """Tag, start of the content, its length (None: until the end-of-contents octets)."""
    if place + 2 > len(data):
        raise _NotThatError("cut off")
    tag, first = data[place], data[place + 1]
    if tag & 0x1F == 0x1F:
        raise _NotThatError("no tag of CMS has more than one octet")
    if first < 0x80:
        return tag, place + 2, first
    if first == 0x80:
        return tag, place + 2, None
    start = place + 2 + (first & 0x7F)
    if first > 0x88 or start > len(data):
        raise _NotThatError("length out of reach")
    return tag, start, int.from_bytes(data[place + 2 : start], "big")


def _enter(data: bytes, place: int, wanted: int) -> tuple[int, int | None]:
    tag, start, length = _header(data, place)
    if tag != wanted:
        raise _NotThatError("another structure")
    return start, length


def _expect_id(data: bytes, place: int, wanted: bytes) -> int:
    start, length = _enter(data, place, _OBJECT_ID)
    if length is None or data[start : start + length] != wanted:
        raise _NotThatError("other content")
    return start + length


def _behind(data: bytes, place: int) -> int:
    """Where the element at `place` ends."""
    depth = 0
    while True:
        tag, start, length = _header(data, place)
        if length is None:
            depth, place = depth + 1, start
            if depth > _MAX_DEPTH:
                raise _NotThatError("nested too deep")
        else:
            depth, place = depth - (tag == 0 and length == 0), start + length
        if depth <= 0:
            return place


def _octets(data: bytes, place: int) -> bytes:
    """An OCTET STRING, whole or in pieces (X.690 §8.7); what is missing at a cut-off end is missing."""
    tag, start, length = _header(data, place)
    if tag == _OCTETS and length is not None:
        return data[start : start + length]
    if tag != _OCTETS_IN_PIECES:
        raise _NotThatError("no octets")
    end = len(data) if length is None else min(start + length, len(data))
    return b"".join(_pieces(data, start, end))


def _pieces(data: bytes, place: int, end: int) -> list[bytes]:
    pieces: list[bytes] = []
    depth = 1
    while depth and place < end:
        tag, start, length = _header(data, place)
        if tag == _OCTETS and length is not None:
            pieces.append(data[start : min(start + length, end)])
            place = start + length
        elif tag == _OCTETS_IN_PIECES:
            depth, place = depth + (length is None), start
        elif tag == 0 and length == 0:
            depth, place = depth - 1, start
        else:
            break
    return pieces
