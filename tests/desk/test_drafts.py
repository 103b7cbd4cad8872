"""What is typed and not sent: whose it is, how much of it there may be, and that it is one draft when sent twice."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from maild.desk import drafts as desk_drafts
from maild.desk.desk import Desk
from maild.desk.drafts import Refusal, Writer, attachments_of, discard, draft_of, files_of, keep
from maild.desk.networks import network_of
from maild.mime.compose import OutgoingAttachment
from maild.store.drafts import Draft
from tests.factory import make_desk

IVAN, EVE = "ivan@firma.example", "eve@firma.example"
EMPTY = Draft("", "", "tech", "", "Слова")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with make_desk(tmp_path) as made:
        yield made


def kept(desk: Desk, draft: Draft, person: str, mark: str, octets: int = 0, client: str = "") -> Draft | Refusal:
    files = [OutgoingAttachment("a", "text/plain", b"x" * octets)] if octets else []
    client = client or "192.0.2.1"
    return asyncio.run(keep(desk, draft, files, (), Writer(person, client), mark))


def sizes(desk: Desk, id_: str, person: str) -> list[int]:
    return [one.size for one in asyncio.run(files_of(desk, id_, person))]


def test_a_draft_of_another_person_is_neither_read_nor_changed_nor_discarded(desk: Desk) -> None:
    mine = kept(desk, replace(EMPTY, person=IVAN), IVAN, "1", 5)
    assert isinstance(mine, Draft)
    foreign = kept(desk, replace(EMPTY, id=mine.id, person=EVE, words="Чужое"), EVE, "2")
    assert isinstance(foreign, Draft)
    assert foreign.id != mine.id
    assert (sizes(desk, foreign.id, EVE), sizes(desk, mine.id, EVE)) == ([], [])
    assert asyncio.run(attachments_of(desk, mine.id, (), EVE)) == ()
    asyncio.run(discard(desk, mine.id, EVE))
    assert asyncio.run(draft_of(desk, mine.id)) == mine
    assert sizes(desk, mine.id, IVAN) == [5]
    asyncio.run(discard(desk, mine.id, IVAN))
    assert asyncio.run(draft_of(desk, mine.id)) is None


def test_whoever_typed_a_draft_for_an_address_sees_nothing_of_what_its_owner_does_with_it(desk: Desk) -> None:
    typed = kept(desk, replace(EMPTY, person=IVAN), "", "of a stranger", 5)
    assert isinstance(typed, Draft)
    gone_on = [kept(desk, replace(EMPTY, id=typed.id, person=IVAN, words="Своё"), IVAN, "1", 7) for _ in range(2)]
    first = gone_on[0]
    assert isinstance(first, Draft)
    assert gone_on[1] == first, "a form that was sent twice"
    assert (sizes(desk, first.id, IVAN), sizes(desk, first.id, ""), sizes(desk, typed.id, "")) == ([5, 7], [], [])
    copied = kept(desk, replace(EMPTY, id=first.id), "", "of a stranger again")
    assert isinstance(copied, Draft)
    assert sizes(desk, copied.id, "") == []
    asyncio.run(discard(desk, first.id, ""))
    again = kept(desk, replace(first, words="Ещё"), IVAN, "2", 9)
    assert isinstance(again, Draft)
    assert (again.id, sizes(desk, first.id, IVAN)) == (first.id, [5, 7, 9])


def test_a_form_that_was_sent_twice_is_one_draft(desk: Desk) -> None:
    first, second = (kept(desk, replace(EMPTY, person=IVAN), "", "same", 5) for _ in range(2))
    assert isinstance(first, Draft)
    assert first == second
    assert sizes(desk, first.id, "") == [5]
    other = kept(desk, replace(EMPTY, id=first.id, person=IVAN, words="Иное"), "", "other")
    assert isinstance(other, Draft)
    assert (other.id != first.id, sizes(desk, other.id, IVAN)) == (True, [5]), "its owner sends what he has seen"


def test_strangers_fill_neither_the_disk_nor_the_room_of_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_drafts, "_MOST", 4_000_000)
    monkeypatch.setattr(desk_drafts, "_PIECES", 6)
    assert kept(desk, replace(EMPTY, words="ы" * 200_000), "", "long") is Refusal.LONG
    assert kept(desk, replace(EMPTY, fields={"a": "y" * 300_000}), IVAN, "long") is Refusal.LONG
    assert isinstance(kept(desk, EMPTY, "", "1", 1_000_000, "2001:db8:0:1::1"), Draft)
    assert kept(desk, EMPTY, "", "2", 700_000, "2001:db8:0:1:ffff::2") is Refusal.ROOM, "one network, one share"
    assert isinstance(kept(desk, EMPTY, "", "3", 700_000, "2001:db8:0:2::1"), Draft)
    assert kept(desk, EMPTY, "", "4", 700_000, "2001:db8:0:3::1") is Refusal.ROOM, "half of it is for others"
    assert isinstance(kept(desk, EMPTY, "", "5", 0, "2001:db8:0:3::1"), Draft), "words have room"
    assert isinstance(kept(desk, replace(EMPTY, person=IVAN), IVAN, "6", 2_000_000), Draft)
    assert kept(desk, replace(EMPTY, person=IVAN), IVAN, "7", 2_000_000) is Refusal.ROOM


def test_forms_are_kept_so_often_and_no_more(desk: Desk) -> None:
    strangers = [kept(desk, EMPTY, "", str(number)) for number in range(31)]
    people = [kept(desk, replace(EMPTY, person=IVAN), IVAN, f"p{number}") for number in range(61)]
    assert [number for number, one in enumerate(strangers) if one is Refusal.OFTEN] == [30]
    assert [number for number, one in enumerate(people) if one is Refusal.OFTEN] == [60]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "nonsense", False),
    ],
)
def test_an_ipv6_network_is_one_client(one: str, other: str, *, is_same: bool) -> None:
    assert (network_of(one) == network_of(other)) is is_same
