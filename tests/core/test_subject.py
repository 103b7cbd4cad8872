"""A new ticket's subject carries nothing that mail programs and desks put before it."""

import pytest

from maild.core.subject import own_subject


@pytest.mark.parametrize(
    "subject",
    [
        "Счёт за ноябрь",
        "Re: Счёт за ноябрь",
        "RE: FW: Счёт за ноябрь",
        "Re: [#7] Счёт за ноябрь",
        "[#7] Re: Счёт за ноябрь",
        "Fwd: RE[2]: Счёт за ноябрь",
        "Re^2: Re(3) : Счёт за ноябрь",
        "Ответ: Отв: На: Счёт за ноябрь",
        "НА: HA: Счёт за ноябрь",
        "AW: WG: SV:Счёт за ноябрь",
        "Re：Счёт за ноябрь",
        "Re:Re:Re: [#7] Re: Счёт за ноябрь",
    ],
)
def test_what_stands_before_it_is_left_out(subject: str) -> None:
    assert own_subject(subject, "#") == "Счёт за ноябрь"


@pytest.mark.parametrize(
    "subject",
    ["Report: November", "На складе: пусто", "Ответственный: кто?", "Резерв", "[list] Re: two", "Re", "Awe: some"],
)
def test_words_that_only_look_alike_stay(subject: str) -> None:
    assert own_subject(subject, "#") == subject


def test_nothing_may_be_left() -> None:
    assert own_subject("Re: [#7]", "#") == ""


def test_a_very_long_pile_takes_no_time() -> None:
    assert own_subject("Re: " * 20_000 + "x", "#") == "x"
