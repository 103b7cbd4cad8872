"""Drafts: kept under their id, their files in order, gone when sent or forgotten."""

import json
from datetime import timedelta

from maild.store import drafts
from maild.store.db import Store
from maild.store.drafts import Draft
from tests.values import NOW

DRAFT = Draft("d1", "ivan@client.example", "billing", "refund", "Где счёт?", {"contract": "17"})


def test_a_draft_keeps_its_words_and_files(store: Store) -> None:
    store.run_now(drafts.put, DRAFT, NOW)
    store.run_now(drafts.add_files, "d1", [("a", "text/plain", b"1"), ("b", "text/plain", b"\0\xff")])
    store.run_now(drafts.drop_files, "d1", [1])
    store.run_now(drafts.add_files, "d1", [("c", "text/plain", b"3")])
    assert store.read_now(drafts.newest_of, DRAFT.person) == DRAFT
    assert store.read_now(drafts.newest_of, DRAFT.person, 7) is None
    found = store.read_now(drafts.files_of, "d1", with_content=True)
    assert [(one.position, one.name, one.content) for one in found] == [(2, "b", b"\0\xff"), (3, "c", b"3")]
    assert store.read_now(drafts.octets) == 3 + len(DRAFT.words) + len(
        json.dumps(dict(DRAFT.fields), ensure_ascii=False)
    )
    store.run_now(drafts.copy_files, "d1", "d2")
    assert [one.content for one in store.read_now(drafts.files_of, "d2")] == [None, None]


def test_what_nobody_comes_back_for_is_forgotten(store: Store) -> None:
    store.run_now(drafts.put, DRAFT, NOW)
    store.run_now(drafts.add_files, "d1", [("a", "text/plain", b"1")])
    assert store.run_now(drafts.forget, NOW) == 0
    assert store.run_now(drafts.forget, NOW + timedelta(seconds=1)) == 1
    assert store.read_now(drafts.octets) == 0
