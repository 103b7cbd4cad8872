"""Tokens bind ticket, person and purpose; altered ones, and those made for somebody else, count for nothing."""

import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.address import split_detail
from maild.core.tokens import (
    Action,
    Claim,
    FileClaim,
    LanguageClaim,
    Purpose,
    Signed,
    action_token,
    bounce_address,
    bounced_letter,
    derive_keys,
    file_token,
    fingerprint,
    is_page_nonce,
    language_token,
    message_id,
    new_nonce,
    page_nonce,
    read_action,
    read_detail,
    read_file_token,
    read_language_token,
    read_message_id,
    reply_address,
    verify,
)
from tests.values import BILLING, IVAN, KEYS, NONCE, NOW, OLGA

OTHER_KEYS = derive_keys([b"another secret text, as long as the first one"])
ROTATED = OTHER_KEYS + KEYS  # a new key signs, the old one goes on verifying
LARGEST = 10**18 - 1
DAY = timedelta(days=1)
CLAIM = Claim(7, IVAN.address, Action.CONTINUE)

purposes = st.sampled_from(Purpose)
numbers = st.integers(1, LARGEST)


def token_in(address: str) -> Signed:
    found = read_detail(split_detail(address)[1])
    assert found is not None
    return found[1]


def id_token(value: str) -> Signed:
    found = read_message_id(value)
    assert found is not None
    return found


@given(numbers, purposes)
def test_a_reply_address_says_whose_it_is_and_what_for_in_any_case_of_letters(number: int, purpose: Purpose) -> None:
    address = reply_address(KEYS, BILLING, number, IVAN.address, purpose)
    for spelled in (address, address.upper(), address.title()):
        assert token_in(spelled).number == number
        assert verify(KEYS, token_in(spelled), [OLGA.address, IVAN.address]) == (IVAN.address, purpose)


@given(numbers, purposes)
def test_a_message_id_says_whose_it_is_and_what_for_in_any_case_of_letters(number: int, purpose: Purpose) -> None:
    value = message_id(KEYS, number, IVAN.address, purpose, NONCE, "desk.example")
    for spelled in (value, value.upper()):
        assert id_token(spelled).number == number
        assert verify(KEYS, id_token(spelled), [IVAN.address]) == (IVAN.address, purpose)


def test_the_person_is_compared_as_addresses_are() -> None:
    token = token_in(reply_address(KEYS, BILLING, 7, "Ivan@Пример.РФ", Purpose.CUSTOMER))
    assert verify(KEYS, token, ["ivan@xn--e1afmkfd.xn--p1ai"]) is not None


@pytest.mark.parametrize("place", range(16))
def test_a_code_with_one_letter_altered_counts_for_nothing(place: int) -> None:
    address, identifier = reply_address(KEYS, BILLING, 7, IVAN.address, Purpose.CUSTOMER), ids()[0]
    for token in (token_in(address), id_token(identifier)):
        for letter in string.ascii_lowercase + "234567":
            code = token.code[:place] + letter + token.code[place + 1 :]
            expected = code == token.code
            altered = Signed(token.number, code, token.purpose, token.nonce)
            assert (verify(KEYS, altered, [IVAN.address]) is not None) is expected


def ids() -> list[str]:
    return [message_id(KEYS, 7, IVAN.address, purpose, NONCE, "desk.example") for purpose in Purpose]


def test_a_token_of_another_ticket_person_purpose_or_letter_counts_for_nothing() -> None:
    token = id_token(ids()[0])
    forged = [
        Signed(8, token.code, token.purpose, token.nonce),
        Signed(7, token.code, Purpose.AGENT, token.nonce),
        Signed(7, token.code, token.purpose, "b" * 16),
        Signed(7, token.code),  # the code of a Message-ID in a reply address
    ]
    assert [verify(KEYS, one, [IVAN.address]) for one in forged] == [None] * 4
    assert verify(KEYS, token, [OLGA.address]) is None
    assert verify(KEYS, token, []) is None
    assert verify(OTHER_KEYS, token, [IVAN.address]) is None


def test_retired_keys_go_on_verifying_but_sign_no_more() -> None:
    address = reply_address(KEYS, BILLING, 7, IVAN.address, Purpose.CUSTOMER)
    assert verify(ROTATED, token_in(address), [IVAN.address]) is not None
    assert reply_address(ROTATED, BILLING, 7, IVAN.address, Purpose.CUSTOMER) != address
    assert read_action(ROTATED, action_token(KEYS, CLAIM)) == CLAIM
    assert action_token(ROTATED, CLAIM) == action_token(OTHER_KEYS, CLAIM)
    assert bounced_letter(ROTATED, split_detail(bounce_address(KEYS, BILLING, 3))[1]) == 3
    token = action_token(KEYS, CLAIM)
    assert is_page_nonce(ROTATED, token, page_nonce(KEYS, token, NONCE, NOW), NOW, DAY)


@given(st.integers(1, 10**10 - 1), st.binary(min_size=10, max_size=10))
def test_the_local_part_stays_within_64_octets_for_the_longest_category_address(number: int, entropy: bytes) -> None:
    longest = "a" * 35 + "@desk.example"  # no longer one passes config_checks
    for address in (
        reply_address(KEYS, longest, number, IVAN.address, Purpose.CUSTOMER),
        bounce_address(KEYS, longest, number),
    ):
        assert len(address.partition("@")[0].encode()) <= 64
    assert new_nonce(entropy).isascii()
    assert len(new_nonce(entropy)) == 16


@pytest.mark.parametrize(
    "detail",
    [
        "",
        "refund",
        "t0.aaaaaaaaaaaaaaaa",
        "t07.aaaaaaaaaaaaaaaa",
        "t7.aaaaaaaaaaaaaaa",
        "t7.aaaaaaaaaaaaaaa1",
        "t7.aaaaaaaaaaaaaaaaa",
        "t1234567890123456789.aaaaaaaaaaaaaaaa",
        "t٧.aaaaaaaaaaaaaaaa",  # a digit, but not an ASCII one
        "t7.aaaaaaaaaaaaaaa\u017f",  # long s: the capital S in disguise
        "t7.aaaaaaaaaaaaaaa\u212a",  # Kelvin sign: a K in disguise
        "x7.aaaaaaaaaaaaaaaa",
    ],
)
def test_what_does_not_look_like_a_token_is_none(detail: str) -> None:
    assert read_detail(detail) is None
    assert bounced_letter(KEYS, detail) is None


@given(st.text(max_size=80))
def test_reading_never_fails_whatever_stands_there(text: str) -> None:
    for token in (read_detail(text), read_message_id(text), bounced_letter(KEYS, text), read_action(KEYS, text)):
        assert token is None or token
    assert not is_page_nonce(KEYS, "token", text, NOW, DAY)


def test_a_bounce_address_names_the_letter_and_cannot_be_made_up() -> None:
    detail = split_detail(bounce_address(KEYS, BILLING, 31))[1]
    assert bounced_letter(KEYS, detail) == 31
    assert bounced_letter(KEYS, detail.replace("31", "32")) is None
    assert bounced_letter(OTHER_KEYS, detail) is None
    assert bounced_letter(KEYS, "t" + detail[1:]) is None
    assert verify(KEYS, token_in(f"billing+{detail}@desk.example"), [IVAN.address]) is None


def test_an_action_token_altered_in_any_character_is_none() -> None:
    token = action_token(KEYS, CLAIM)
    assert read_action(KEYS, token) == CLAIM
    for place in range(len(token)):
        for letter in string.ascii_letters + string.digits + "-_.":
            altered = token[:place] + letter + token[place + 1 :]
            assert altered == token or read_action(KEYS, altered) is None, altered
    for shortened in (token[:-1], token[1:], token + "A", token + "=", ""):
        assert read_action(KEYS, shortened) is None


def test_a_file_token_altered_in_any_character_is_none() -> None:
    claim = FileClaim(12, 3, IVAN.address, NOW + DAY)
    token = file_token(KEYS, claim)
    assert read_file_token(KEYS, token) == claim
    assert read_file_token((*OTHER_KEYS, *KEYS), token) == claim, "retired keys go on verifying"
    assert read_file_token(OTHER_KEYS, token) is None
    for place in range(len(token)):
        for letter in string.ascii_letters + string.digits + "-_.":
            altered = token[:place] + letter + token[place + 1 :]
            assert altered == token or read_file_token(KEYS, altered) is None, altered
    assert read_file_token(KEYS, action_token(KEYS, CLAIM)) is None
    assert read_action(KEYS, token) is None


def test_a_language_token_altered_in_any_character_is_none() -> None:
    claim = LanguageClaim(IVAN.address, "en")
    token = language_token(KEYS, claim)
    assert read_language_token((*OTHER_KEYS, *KEYS), token) == claim, "retired keys go on verifying"
    assert read_language_token(OTHER_KEYS, token) is None
    for place in range(len(token)):
        for letter in string.ascii_letters + string.digits + "-_.":
            altered = token[:place] + letter + token[place + 1 :]
            assert altered == token or read_language_token(KEYS, altered) is None, altered
    assert read_language_token(KEYS, action_token(KEYS, CLAIM)) is None
    assert read_action(KEYS, token) is None


def test_a_page_nonce_is_good_for_its_page_and_time_only() -> None:
    token = action_token(KEYS, CLAIM)
    nonce = page_nonce(KEYS, token, NONCE, NOW)
    assert is_page_nonce(KEYS, token, nonce, NOW + DAY, DAY)
    assert not is_page_nonce(KEYS, token, nonce, NOW + DAY + timedelta(seconds=1), DAY)
    assert is_page_nonce(KEYS, token, nonce, NOW - DAY, DAY), "a clock that was set back locks nobody out"
    assert not is_page_nonce(KEYS, token + "x", nonce, NOW, DAY)
    assert not is_page_nonce(OTHER_KEYS, token, nonce, NOW, DAY)


def test_a_page_nonce_has_one_spelling_so_that_it_acts_once() -> None:
    token = action_token(KEYS, CLAIM)
    nonce = page_nonce(KEYS, token, NONCE, NOW)
    for spelled in ("0" + nonce, nonce.upper(), " " + nonce, nonce + "\n"):
        assert not is_page_nonce(KEYS, token, spelled, NOW, DAY)


def test_a_fingerprint_tells_keys_apart_and_does_not_hold_them() -> None:
    assert fingerprint(KEYS[0]) != fingerprint(OTHER_KEYS[0])
    assert KEYS[0].hex() not in fingerprint(KEYS[0])
    assert b"secret" not in KEYS[0]
