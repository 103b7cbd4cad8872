"""Paths of MAIL and RCPT, and what they mean here. The dialogues play the rest."""

from dataclasses import replace

import pytest

from maild.mailin.paths import asks_to_relay, served_address, split_path, without_route
from tests.mailin.doors import policy


@pytest.mark.parametrize(
    ("argument", "path", "parameters"),
    [
        ("<a@b.example>", "a@b.example", ""),
        ("  <a@b.example>  SIZE=3 BODY=8BITMIME ", "a@b.example", "SIZE=3 BODY=8BITMIME"),
        ("<>", "<>", ""),
        ("<> SIZE=3", "<>", "SIZE=3"),
        ("a@b.example SIZE=3", "a@b.example", "SIZE=3"),
        ("<@a,@b:c@d.example>", "@a,@b:c@d.example", ""),
        ('<"a> b\\"c"@d.example>', '"a> b\\"c"@d.example', ""),
        ("<почта@пример.рф>", "почта@пример.рф", ""),
        ("<postmaster>", "postmaster", ""),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]", ""),
    ],
)
def test_a_path_is_told_from_its_parameters(argument: str, path: str, parameters: str) -> None:
    assert split_path(argument) == (path, parameters)


@pytest.mark.parametrize(
    "argument",
    ["", "a", "<a@b.example", "<a b@c.example>", "<a\r@b.example>", "<a@b\udcff>", '<"a@b.example>', "<\0@b>"],
)
def test_anything_else_is_no_path(argument: str) -> None:
    assert split_path(argument) is None


def test_a_path_that_never_ends_is_judged_quickly() -> None:
    assert split_path("<" + '"a' * 30_000) is None


def test_a_route_of_the_sender_is_ignored() -> None:
    assert without_route("@a,@b:c@d.example") == "c@d.example"
    assert without_route("c@d.example") == "c@d.example"
    assert without_route("@a") == "@a"


@pytest.mark.parametrize("path", ["@a:b@desk.example", "b%a@desk.example", "a!b@desk.example", '"b@a"@desk.example'])
def test_all_ways_of_asking_us_to_relay_are_known(path: str) -> None:
    assert asks_to_relay(path)


def test_an_ordinary_address_asks_for_nothing() -> None:
    assert not asks_to_relay("billing+t7.abc@desk.example")


def test_postmaster_without_a_domain_is_the_one_of_this_desk() -> None:
    plain = policy()
    assert served_address("postmaster", plain) is None
    category = replace(plain.categories[0], address="postmaster@desk.example")
    assert served_address("PostMaster", replace(plain, categories=(category,))) == "postmaster@desk.example"
    general = replace(plain, general_address="postmaster@desk.example")
    assert served_address("postmaster", general) == "postmaster@desk.example"


def test_needless_quotes_are_taken_off() -> None:
    assert served_address('"billing+refund"@desk.example', policy()) == "billing+refund@desk.example"
    assert served_address('"bill ing"@desk.example', policy()) is None
