"""What is packed in other parts: winmail.dat, signed envelopes, uuencoded files, whole mails in an encoding."""

import struct
from base64 import b64encode, encodebytes
from binascii import b2a_uu
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.core.mail import Mail
from maild.mime import cms, tnef
from maild.mime.attach import cut
from maild.mime.parse import parse

ENTITY = (
    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    "Подписано.\r\n--i\r\nContent-Type: image/png; name=a.png\r\n\r\nPIXELS\r\n--i--\r\n"
).encode()


def mail_with(content_type: str, content: bytes, text: bytes = b"words") -> bytes:
    head = b"From: a@b.example\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    first = b"--b\r\nContent-Type: text/plain\r\n\r\n" + text + b"\r\n"
    second = f"--b\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
    return head + first + second + encodebytes(content) + b"--b--\r\n"


def files(raw: bytes) -> dict[str, bytes]:
    """Every attachment's name and the octets that are cut out for it, which must be those that were counted."""
    mail = parse(raw)
    assert mail.error is None
    found = {one.name: cut(raw, one.part) for one in mail.attachments}
    assert [sha256(cut(raw, one.part)).hexdigest() for one in mail.attachments] == [
        one.sha256 for one in mail.attachments
    ]
    return found


# TNEF, written as [MS-OXTNEF] says


def attribute(name: int, value: bytes, level: int = 2) -> bytes:
    return struct.pack("<BII", level, name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def prop(number: int, kind: int, value: bytes) -> bytes:
    padded = value + b"\0" * (-len(value) % 4)
    return struct.pack("<HHII", kind, number, 1, len(value)) + padded


def props(*written: bytes) -> bytes:
    return struct.pack("<I", len(written)) + b"".join(written)


def packed(*attributes: bytes) -> bytes:
    return tnef.SIGNATURE + b"\1\0" + b"".join(attributes)


def packed_file(title: str, content: bytes, *more: bytes) -> bytes:
    name = title.encode("utf-16-le") + b"\0\0"
    number = struct.pack("<HHI", 3, 0x3705, 1)
    named = struct.pack("<HH16sII", 3, 0x8001, b"g" * 16, 0, 7) + struct.pack("<I", 5)
    text_named = struct.pack("<HH16sII", 0x0B, 0x8002, b"g" * 16, 1, 6) + b"x\0y\0\0\0\0\0" + struct.pack("<I", 1)
    return (
        attribute(0x00069002, b"\1" * 14)
        + attribute(0x00018010, b"SHORT~1.PDF\0")
        + attribute(0x0006800F, content)
        + attribute(0x00069005, props(number, named, text_named, prop(0x3707, 0x1F, name), *more))
    )


WINMAIL = packed(
    attribute(0x00069007, struct.pack("<II", 1251, 0), level=1),
    attribute(0x0002800C, "Текст письма\0".encode("cp1251"), level=1),
    packed_file("Счёт №5.pdf", b"%PDF-1.4 contents", prop(0x370E, 0x1E, b"application/pdf\0")),
    packed_file("../evil.exe", b"MZ", prop(0x3712, 0x1E, b"pic@x\0")),
)


def test_winmail_is_unpacked() -> None:
    raw = mail_with("application/ms-tnef; name=winmail.dat", WINMAIL)
    assert files(raw) == {"Счёт №5.pdf": b"%PDF-1.4 contents", "evil.exe": b"MZ"}
    mail = parse(raw)
    assert mail.text.strip() == "words"
    assert mail.attachments[0].type == "application/pdf"
    assert mail.attachments[1].content_id == "pic@x"


def test_winmail_is_known_by_its_first_octets() -> None:
    assert len(files(mail_with("application/octet-stream; name=winmail.dat", WINMAIL))) == 2


def test_the_text_of_winmail_is_read_where_the_mail_has_none() -> None:
    assert parse(mail_with("application/ms-tnef", WINMAIL, text=b" ")).text.strip() == "Текст письма"


def test_what_is_no_tnef_stays_a_file() -> None:
    raw = mail_with("application/ms-tnef; name=winmail.dat", b"garbage")
    assert files(raw) == {"winmail.dat": b"garbage"}


def test_a_mail_packed_in_winmail_gives_its_files() -> None:
    inner = packed(attribute(0x0002800C, b"inner words\0", level=1), packed_file("deep.txt", b"deep"))
    embedded = prop(0x3701, 0x0D, b"i" * 16 + inner)
    outer = packed(packed_file("Fwd", b"", embedded))
    assert files(mail_with("application/ms-tnef", outer)) == {"Fwd.txt": b"inner words", "deep.txt": b"deep"}


@given(st.data())
def test_damaged_winmail_never_fails(data: st.DataObject) -> None:
    cut_at = data.draw(st.integers(0, len(WINMAIL)))
    noise = data.draw(st.binary(max_size=40))
    found = tnef.read(WINMAIL[:cut_at] + noise + WINMAIL[cut_at + len(noise) :])
    assert found is None or len(found.files) <= 4


# S/MIME


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes(-(-size.bit_length() // 8), "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def ber(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x80]) + content + b"\0\0"


def signed(entity: bytes, kind: str = "2a864886f70d010702") -> bytes:
    content = der(0x30, der(6, bytes.fromhex("2a864886f70d010701")) + der(0xA0, der(4, entity)))
    data = der(0x30, der(2, b"\1") + der(0x31, der(0x30, b"")) + content + der(0x31, b""))
    return der(0x30, der(6, bytes.fromhex(kind)) + der(0xA0, data))


def signed_in_pieces(entity: bytes) -> bytes:
    pieces = b"".join(der(4, entity[at : at + 50]) for at in range(0, len(entity), 50))
    content = ber(0x30, der(6, bytes.fromhex("2a864886f70d010701")) + ber(0xA0, ber(0x24, pieces)))
    data = ber(0x30, der(2, b"\1") + ber(0x31, b"") + content + der(0x31, b""))
    return ber(0x30, der(6, bytes.fromhex("2a864886f70d010702")) + ber(0xA0, data))


@pytest.mark.parametrize("make", [signed, signed_in_pieces], ids=["definite", "indefinite"])
@pytest.mark.parametrize("kind", ["application/pkcs7-mime", "application/octet-stream; name=smime.p7m"])
def test_what_is_only_signed_is_opened(make: type, kind: str) -> None:
    head = f"From: a@b.example\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = head.encode() + encodebytes(make(ENTITY))
    assert parse(raw).text == "Подписано."
    assert files(raw) == {"a.png": b"PIXELS"}


def test_what_is_encrypted_stays_a_file() -> None:
    enveloped = signed(ENTITY, kind="2a864886f70d010703")
    assert files(mail_with("application/pkcs7-mime; name=smime.p7m", enveloped)) == {"smime.p7m": enveloped}


def test_envelopes_in_each_other_are_opened_three_deep() -> None:
    entity = ENTITY
    head = b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    for number in range(4):
        assert list(files(b"From: a@b.example\r\n" + entity)) == ["a.png"], number
        entity = head + encodebytes(signed(entity))
    assert list(files(b"From: a@b.example\r\n" + entity)) == ["smime.p7m"]


@given(st.data())
def test_damaged_envelopes_never_fail(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([signed(ENTITY), signed_in_pieces(ENTITY)]))
    place = data.draw(st.integers(0, len(whole)))
    noise = data.draw(st.binary(max_size=10))
    content = cms.signed_content(whole[:place] + noise + whole[place + len(noise) :])
    assert content is None or len(content) <= len(whole) + 10


# uuencode


def uuencoded(content: bytes, name: str = "a b.txt") -> bytes:
    lines = b"".join(b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45))
    return f"begin 644 {name}\n".encode() + lines + b"`\nend\n"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_uuencoded_files_in_a_text_are_attachments(line_end: bytes) -> None:
    content = bytes(range(256)) * 3
    text = b"before\n\n" + uuencoded(content) + b"between\n" + uuencoded(b"Cat", "cat.gif") + b"after\n"
    raw = b"From: a@b.example\nSubject: s\n\n".replace(b"\n", line_end) + text.replace(b"\n", line_end)
    assert files(raw) == {"a b.txt": content, "cat.gif": b"Cat"}
    assert parse(raw).text == "before\n\nbetween\nafter\n"


def test_words_that_begin_are_no_uuencoded_file() -> None:
    text = b"begin 644 times and you will see\nthat nothing comes of it.\n"
    mail = parse(b"From: a@b.example\n\n" + text)
    assert (mail.text, mail.attachments) == (text.decode(), ())


# Texts that are more than text


def test_a_multipart_that_was_encoded_as_a_whole_is_read() -> None:
    head = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=i\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    raw = head + b64encode(ENTITY.partition(b"\r\n\r\n")[2])
    assert parse(raw).text == "Подписано."
    assert files(raw) == {"a.png": b"PIXELS"}


def test_an_endless_text_is_read_from_its_beginning_and_kept_as_a_file() -> None:
    line = "Строка журнала номер такой-то.\n".encode()
    text = line * (3 * (1 << 20) // len(line))
    raw = b"From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n" + text
    mail = parse(raw)
    assert 500_000 < len(mail.text) < 1 << 20
    assert text.decode().startswith(mail.text)
    assert files(raw) == {"text.txt": text}


def test_a_text_of_a_rare_type_is_read_where_there_is_no_other() -> None:
    enriched = b"<bold>Bold</bold> words\nin one line,\n\nand <<tags>.<param>red</param>"
    raw = b"From: a@b.example\nContent-Type: text/enriched; charset=us-ascii\n\n" + enriched
    assert parse(raw).text == "Bold words in one line,\nand <tags>."
    assert parse(raw).attachments == ()
    assert parse(b"From: a@b.example\nContent-Type: text/markdown\n\n*a*\n").text == "*a*\n"


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([WINMAIL, signed(ENTITY), uuencoded(b"x" * 99), ENTITY, b"\r\n", b"--b\r\n"]), max_size=6)
)
def test_everything_packed_is_found_again(pieces: list[bytes]) -> None:
    raw = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + b"".join(pieces)
    mail: Mail = parse(raw)
    assert [len(cut(raw, one.part)) for one in mail.attachments] == [one.size for one in mail.attachments]
