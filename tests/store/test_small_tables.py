"""Leases, nonces, settings: small tables with one promise each."""

from collections.abc import Callable
from datetime import timedelta

from maild.store import leases, muted, nonces, people, proposals, settings, unreachable
from maild.store.db import Store
from tests.values import IVAN, NOW, OLGA, STRANGER

MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def test_a_lease_is_one_holders_until_it_runs_out(store: Store) -> None:
    def take(holder: str, after: timedelta) -> bool:
        return store.run_now(leases.take, "mailbox", holder, NOW + after, MINUTE)

    assert take("a", timedelta(0))
    assert not take("b", MINUTE - TICK)
    assert take("a", MINUTE - TICK), "renewed"
    assert not take("b", MINUTE)
    assert take("b", 2 * MINUTE - TICK)
    assert not take("a", 2 * MINUTE)


def test_a_lease_can_be_given_back_by_its_holder_only(store: Store) -> None:
    store.run_now(leases.take, "job", "a", NOW, MINUTE)
    store.run_now(leases.give_back, "job", "b")
    assert not store.run_now(leases.take, "job", "b", NOW, MINUTE)
    store.run_now(leases.give_back, "job", "a")
    assert store.run_now(leases.take, "job", "b", NOW, MINUTE)
    assert store.run_now(leases.take, "another", "a", NOW, MINUTE)


def test_a_nonce_works_once(store: Store) -> None:
    assert store.run_now(nonces.use, "n", NOW)
    assert not store.run_now(nonces.use, "n", NOW)
    assert store.run_now(nonces.use, "m", NOW)


def test_old_nonces_are_forgotten_and_young_ones_kept(store: Store) -> None:
    store.run_now(nonces.use, "old", NOW - TICK)
    store.run_now(nonces.use, "young", NOW)
    assert store.run_now(nonces.forget, NOW) == 1
    assert not store.run_now(nonces.use, "young", NOW)
    assert store.run_now(nonces.use, "old", NOW)


def test_the_first_value_of_a_setting_stands(store: Store, open_again: Callable[[], Store]) -> None:
    assert store.read_now(settings.setting, "key") is None
    assert store.run_now(settings.keep, "key", "one") == "one"
    assert store.run_now(settings.keep, "key", "two") == "one"
    name = store.run_now(settings.instance_id)
    assert len(name) == 16
    assert open_again().run_now(settings.instance_id) == name


def test_an_address_is_unreachable_until_somebody_writes_from_there(store: Store) -> None:
    store.run_now(unreachable.add, "gone@client.example", NOW)
    store.run_now(unreachable.add, "gone@client.example", NOW + MINUTE)
    assert store.read_now(unreachable.has, "gone@client.example")
    assert not store.read_now(unreachable.has, "here@client.example")
    store.run_now(unreachable.remove, "gone@client.example")
    assert not store.read_now(unreachable.has, "gone@client.example")


def test_people_are_proposed_once_and_in_order_until_they_are_settled(store: Store) -> None:
    store.run_now(proposals.propose, 7, (OLGA, IVAN), NOW)
    store.run_now(proposals.propose, 7, (STRANGER, IVAN), NOW + MINUTE)
    store.run_now(proposals.propose, 8, (STRANGER,), NOW)
    assert store.read_now(proposals.proposed, [7, 8, 9]) == {7: [IVAN, OLGA, STRANGER], 8: [STRANGER]}
    store.run_now(proposals.settle, 7, OLGA.address)
    assert store.read_now(proposals.proposed, [7]) == {7: [IVAN, STRANGER]}


def test_a_language_is_learned_until_its_person_chooses(store: Store) -> None:
    def known() -> dict[str, str]:
        return store.read_now(people.languages, [IVAN.address, OLGA.address, ""])

    assert known() == {}
    assert store.read_now(people.languages, [""]) == {}
    store.run_now(people.learn, IVAN.address, "en")
    store.run_now(people.learn, IVAN.address, "ru")
    assert known() == {IVAN.address: "ru"}
    store.run_now(people.choose, IVAN.address, "en")
    store.run_now(people.choose, OLGA.address, "de")
    store.run_now(people.learn, IVAN.address, "ru")
    assert known() == {IVAN.address: "en", OLGA.address: "de"}


def test_a_muted_address_stays_so_for_a_while(store: Store) -> None:
    store.run_now(muted.add, "spam@elsewhere.example", NOW)
    assert store.read_now(muted.has, "spam@elsewhere.example", NOW + muted.LASTS - TICK)
    assert not store.read_now(muted.has, "spam@elsewhere.example", NOW + muted.LASTS)
    store.run_now(muted.add, "spam@elsewhere.example", NOW + MINUTE)
    assert store.read_now(muted.has, "spam@elsewhere.example", NOW + muted.LASTS)
    store.run_now(muted.remove, "spam@elsewhere.example")
    assert not store.read_now(muted.has, "spam@elsewhere.example", NOW)
