"""Where a recipient address leads: category, topic, token; everything else is answered with 550."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.core.address import is_mailbox, normalise
from maild.core.policy import Text, Topic
from maild.core.route import by_subject, category_for
from tests.values import BILLING, TECH, make_category, make_policy, token_address

POLICY = make_policy()
CARDS = Topic("cards", Text("Карты", "Cards"), ())


def test_a_category_address_leads_to_its_category_in_any_case_of_letters() -> None:
    for spelled in (BILLING.upper(), "Billing@Desk.Example", "billing@desk.example.", '"billing"@desk.example'):
        route = category_for(spelled, POLICY)
        assert route is not None
        assert (route.category, route.topic, route.is_general) == ("billing", "", False)


def test_the_general_address_leads_to_the_default_category() -> None:
    route = category_for("HELP@desk.example", make_policy(default_category="tech"))
    assert route is not None
    assert (route.category, route.is_general) == ("tech", True)


@pytest.mark.parametrize("detail", ["refund", "REFUND"])
def test_a_topic_stands_behind_the_plus_sign(detail: str) -> None:
    route = category_for(f"tech+{detail}@desk.example", POLICY)
    assert route is not None
    assert (route.category, route.topic) == ("tech", "refund")


@pytest.mark.parametrize(
    ("spelled", "address", "can_be_written_to"),
    [
        ('"anna"@Office.example', "anna@office.example", True),
        ('"an\\na"@office.example', "anna@office.example", True),
        ('"Anna B"@office.example', '"anna b"@office.example', True),
        ('"a,b"@office.example', '"a,b"@office.example', True),
        ('"a..b"@office.example', '"a..b"@office.example', True),
        ('"a  b"@office.example', '"a  b"@office.example', False),
        ('"anna@office.example"@evil.example', '"anna@office.example"@evil.example', False),
        ('"<anna>"@evil.example', '"<anna>"@evil.example', False),
        ('"a\\"b"@office.example', '"a\\"b"@office.example', False),
        ('""@office.example', '""@office.example', False),
        ("an\u200bna@office.example", "an\u200bna@office.example", False),
        ("an\u3000na@office.example", "an\u3000na@office.example", False),
        ("анна@office.example", "анна@office.example", True),
    ],
)
def test_quotes_that_nothing_needs_are_left_out_of_addresses(
    spelled: str, address: str, can_be_written_to: bool
) -> None:
    assert normalise(spelled) == address
    assert is_mailbox(address) == can_be_written_to


def test_an_unknown_detail_still_reaches_the_category() -> None:
    route = category_for("tech+refnud@desk.example", POLICY)
    assert route is not None
    assert (route.category, route.topic, route.reply_token) == ("tech", "", None)


def test_a_reply_token_is_found_and_a_bounce_token_is_none() -> None:
    route = category_for(token_address(), POLICY)
    assert route is not None
    assert route.reply_token is not None
    assert route.reply_token.number == 7
    bounced = category_for("billing+b7.aaaaaaaaaaaaaaaa@desk.example", POLICY)
    assert bounced is not None
    assert bounced.reply_token is None


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "@",
        "nobody@desk.example",
        "billing@elsewhere.example",
        "billing",
        "+refund@desk.example",
        "billing+refund@elsewhere.example",
        "billing%elsewhere.example@desk.example",
        "elsewhere.example!billing@desk.example",
        "@desk.example:billing@desk.example",
        '"billing@desk.example"@desk.example',
        "billing@desk.example@elsewhere.example",
    ],
)
def test_everything_else_leads_nowhere(recipient: str) -> None:
    assert category_for(recipient, POLICY) is None
    assert category_for(recipient, make_policy(general_address="")) is None


def test_an_exact_address_comes_before_a_detail() -> None:
    special = make_category("vip", "billing+vip@desk.example", "vip@office.example")
    route = category_for("billing+vip@desk.example", make_policy(categories=(*POLICY.categories, special)))
    assert route is not None
    assert route.category == "vip"


@given(st.text(max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    for recipient in (text, f"{text}@desk.example", f"tech+{text}@desk.example"):
        route = category_for(recipient, POLICY)
        assert route is None or route.category in ("billing", "tech")
    assert category_for(TECH, POLICY) is not None


@pytest.mark.parametrize(
    ("recipient", "subject", "category", "topic"),
    [
        (TECH, "[refund] Верните деньги", "tech", "refund"),
        (TECH, "Re: [REFUND]", "tech", "refund"),
        (TECH, "refund", "tech", ""),
        (TECH, "[refnud] [refund]", "tech", "refund"),
        (TECH, "[#1042] [1042]", "tech", ""),
        (TECH, "[cards]", "tech", ""),
        ("tech+refund@desk.example", "[cards]", "tech", "refund"),
        ("help@desk.example", "[refund]", "billing", "refund"),
        ("help@desk.example", "[cards] карта", "cards", "cards"),
        ("help@desk.example", "карта", "billing", ""),
    ],
)
def test_a_topic_can_stand_in_the_subject(recipient: str, subject: str, category: str, topic: str) -> None:
    cards = replace(make_category("cards", "cards@desk.example", "cards@office.example"), topics=(CARDS,))
    policy = make_policy(categories=(*POLICY.categories, cards))
    route = category_for(recipient, policy)
    assert route is not None
    found = by_subject(route, subject, policy)
    assert (found.category, found.topic) == (category, topic)
