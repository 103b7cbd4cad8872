"""What a relay tells of its client."""

import pytest

from maild.mailin.xforward import forwarded_peer


@pytest.mark.parametrize(
    ("argument", "peer"),
    [
        ("NAME=a.example ADDR=192.0.2.1 PROTO=ESMTP", "192.0.2.1"),
        ("addr=192.0.2.1", "192.0.2.1"),
        ("ADDR=IPV6:2001:DB8::1", "2001:db8::1"),
        ("ADDR=[UNAVAILABLE]", ""),
        ("ADDR=+5BUNAVAILABLE+5D", ""),
        ("NAME=[UNAVAILABLE] HELO=x SOURCE=LOCAL IDENT=3f PORT=25", None),
    ],
)
def test_the_address_is_read(argument: str, peer: str | None) -> None:
    assert forwarded_peer(argument) == peer


@pytest.mark.parametrize("argument", ["ADDR", "ADDR=", "ADDR=somewhere", "COLOUR=blue", "192.0.2.1"])
def test_anything_else_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        forwarded_peer(argument)
