"""Whose word about senders counts at a provider: by what is known of it, else by what its mails agree in."""

import pytest

from maild.cli.provider import Vouching, ids_in, provider_of, vouching_in

OURS = ("Authentication-Results", "mx.firma.example; dmarc=pass header.from=a.example")
BORDER = ("Received", "from a.example (by the way) by mx.firma.example with ESMTPS; Mon, 23 Nov 2026 12:00:00 +0000")
INNER = ("Received", "from mx.firma.example by store.firma.example with LMTP; Mon, 23 Nov 2026 12:00:01 +0000")


def sent_by(number: int) -> list[tuple[str, str]]:
    """What came with a mail: its sender's own fields."""
    return [
        ("Received", f"from laptop by out{number}.a.example; Mon, 23 Nov 2026 11:59:00 +0000"),
        ("Authentication-Results", f"out{number}.a.example; auth=pass"),
        ("From", "ivan@a.example"),
    ]


@pytest.mark.parametrize("top", [[OURS, BORDER], [INNER, OURS, BORDER]])
def test_the_field_that_most_mails_have_on_top_is_the_providers(top: list[tuple[str, str]]) -> None:
    mails = [[*top, *sent_by(number)] for number in range(4)]
    assert vouching_in(mails) == Vouching("mx.firma.example")
    assert ids_in(mails)["mx.firma.example"] == 4


def test_the_host_below_it_is_named_where_it_is_called_otherwise() -> None:
    border = ("Received", "from a.example by mx7.firma.example; Mon, 23 Nov 2026 12:00:00 +0000")
    assert vouching_in([[OURS, border, *sent_by(n)] for n in range(3)]) == Vouching(
        "mx.firma.example", "mx7.firma.example"
    )


def test_what_came_with_the_mails_is_not_taken_for_it() -> None:
    assert vouching_in([[BORDER, *sent_by(number)] for number in range(9)]) is None, "each has another one"
    forged = ("Authentication-Results", "mx.firma.example; dmarc=pass")
    assert vouching_in([[BORDER, forged, ("From", "x")] for _ in range(9)]) is None, "nothing stands below it"


def test_few_mails_say_nothing() -> None:
    assert vouching_in([]) is None
    assert vouching_in([[OURS, BORDER]] * 2) is None
    assert vouching_in([[OURS, BORDER]] * 3 + [[*sent_by(n)[1:], BORDER] for n in range(4)]) is None


@pytest.mark.parametrize(
    ("host", "relay", "name"),
    [
        ("imap.gmail.com", "smtps://smtp.gmail.com:465", "mx.google.com"),
        ("IMAP.Yandex.ru", "smtps://smtp.yandex.ru:465", "*.mail.yandex.net"),
        ("outlook.office365.com", "smtp://smtp.office365.com:587", ""),
        ("imap.firma.example", "smtps://smtp.firma.example:465", None),
    ],
)
def test_providers_are_known_by_their_server(host: str, relay: str, name: str | None) -> None:
    found = provider_of(host)
    assert found.relay == relay
    assert (found.vouching.authserv_id if found.vouching else None) == name
