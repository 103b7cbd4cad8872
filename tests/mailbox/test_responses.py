"""What a server sends, cut and read, wherever the pieces end."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mailbox import responses
from maild.mailbox.names import decoded_name, encoded_name, quoted, read_date, written_date
from maild.mailbox.protocol import Folder
from maild.mailbox.responses import Parts, ResponseReader, code_of, fetched, numbers_in, searched, sequence_of
from maild.mailbox.special import folder_for

SAID = (
    b"* OK ready {5}\r\n"
    b'* LIST (\\HasNoChildren \\Sent) "/" {4}\r\nSent\r\n'
    b'* 1 FETCH (UID 7 FLAGS (\\Seen $x) INTERNALDATE " 5-Nov-2026 09:08:07 +0300"'
    b" BODY[HEADER.FIELDS (TO)] {3}\r\n)\r\n"
    b" RFC822.SIZE 12 BODY[] {0}\r\n)\r\n"
    b"A1 OK [COPYUID 1 2:4 7,9:10] done\r\n"
)


def read(pieces: list[bytes]) -> list[Parts]:
    reader = ResponseReader()
    return [parts for piece in pieces for parts in reader.feed(piece)]


@given(st.lists(st.integers(0, len(SAID)), max_size=12))
def test_it_does_not_matter_where_the_pieces_end(cuts: list[int]) -> None:
    ends = sorted({0, *cuts, len(SAID)})
    pieces = [SAID[start:end] for start, end in pairwise(ends)]
    assert read(pieces) == read([SAID])


def test_literals_stand_between_the_lines() -> None:
    said = read([SAID])
    assert len(said) == 4
    assert said[0] == [b"* OK ready {5}"]
    item = fetched(said[2])
    assert item["UID"] == b"7"
    assert item["FLAGS"] == [b"\\Seen", b"$x"]
    assert item["BODY[HEADER.FIELDS (TO)]"] == b")\r\n"
    assert item["BODY[]"] == b""
    assert item["RFC822.SIZE"] == b"12"
    assert code_of(said[3][0][6:]) == ("COPYUID", ["1", "2:4", "7,9:10"])


@given(st.binary(max_size=200))
def test_nothing_that_is_sent_raises(said: bytes) -> None:
    for parts in read([said.replace(b"{", b""), b"\r\n"]):
        fetched(parts)
        searched(parts)


def test_giants_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="literal"):
        read([b"* 1 FETCH (BODY[] {9999999999}\r\n"])
    monkeypatch.setattr(responses, "MAX_LINE", 1000)
    with pytest.raises(ValueError, match="line"):
        read([b"* " + b"x" * 1000])


def test_searches_are_answered_in_either_form() -> None:
    assert searched([b"* SEARCH 3 1 2"]) == [3, 1, 2]
    assert searched([b"* SEARCH"]) == []
    assert searched([b'* ESEARCH (TAG "A1") UID ALL 1:3,7']) == [1, 2, 3, 7]
    assert searched([b'* ESEARCH (TAG "A1") UID']) == []
    assert searched([b"* 3 EXISTS"]) is None


@given(st.sets(st.integers(1, 300)))
def test_sequences_are_read_as_they_were_written(numbers: set[int]) -> None:
    assert numbers_in(sequence_of(sorted(numbers))) == sorted(numbers)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_folder_names_come_back(name: str) -> None:
    assert encoded_name(name).isascii()
    assert decoded_name(encoded_name(name).encode()) == name


def test_folder_names_as_servers_write_them() -> None:
    assert encoded_name("Отправленные & «x»") == "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1- &- &AKs-x&ALs-"
    assert decoded_name(b"Tom & Jerry") == "Tom & Jerry"
    assert decoded_name(b"&!!!-") == "&!!!-"
    with pytest.raises(ValueError, match="line end"):
        quoted("a\r\nb")


def test_dates_are_written_and_read_in_no_locale() -> None:
    moment = datetime(2026, 3, 5, 9, 8, 7, tzinfo=UTC)
    assert written_date(moment) == '" 5-Mar-2026 09:08:07 +0000"'
    assert read_date(b" 5-Mar-2026 12:08:07 +0300") == moment
    assert read_date(b"31-Feb-2026 12:08:07 +0300") is None
    assert read_date(b"yesterday") is None


def folder(name: str, *uses: str) -> Folder:
    return Folder(name, "/", frozenset(uses), is_selectable=True)


def test_folders_without_a_special_use_are_known_by_name() -> None:
    assert folder_for("\\Junk", [folder("INBOX"), folder("[Gmail]/Спам", "\\Junk"), folder("Spam")]) == "[Gmail]/Спам"
    assert folder_for("\\Sent", [folder("INBOX"), folder("INBOX/Отправленные")]) == "INBOX/Отправленные"
    assert folder_for("\\Junk", [folder("INBOX"), folder("Sent", "\\Sent")]) is None
