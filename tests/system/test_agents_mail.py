"""Support by mail through the real door: commands, mail that waits for its author, and what he is told."""

import pytest

from tests.conftest import StartMaild
from tests.servers import until
from tests.smtpsink import SmtpSink
from tests.system.browser import ask, press
from tests.system.people import ANNA, IVAN, TEAM, all_of, events, last_to, links_in, settled, ticket, trusting, write

pytestmark = pytest.mark.system


def test_orders_an_answer_and_a_mail_that_is_asked_about(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    write(desk, "Где мой счёт?")
    last_to(sink, IVAN, 1)
    notice = last_to(sink, TEAM, 1)

    write(desk, "#метка +счёт\n#priority high\n\nДержите.\n#note он сердится", sender=ANNA, answers=notice)
    answer = last_to(sink, IVAN, 2)
    assert not any(word in all_of(answer) for word in ("сердится", "#метка", "#priority", ANNA, TEAM))
    assert (ticket(desk)["tags"], ticket(desk)["priority"]) == (["счёт"], "high")

    write(desk, "#решена\n\nВот ещё один.", sender=ANNA, answers=notice)
    asked = last_to(sink, ANNA, 1)
    assert "Вот ещё один." in all_of(asked)
    assert len(sink.to(IVAN)) == 2
    send = links_in(asked)[0]
    press(send)
    assert "Вот ещё один." in all_of(last_to(sink, IVAN, 3))
    again = ask("GET", send)
    assert (again.status, again.nonce) == (200, ""), "it has been sent: the page has no button any more"
    assert len(settled(desk, 3)) == 3
    assert len(sink.to(IVAN)) == 3

    write(desk, f"#назначить {ANNA}\n#спам", sender=ANNA, answers=notice)
    until(lambda: ticket(desk)["status"] == "closed", "the ticket is closed")
    assert len(sink.to(IVAN)) == 3, "spam is closed without a letter"
    assert [event for event, _ in events(desk)][-3:] == ["assigned", "spam", "closed"]
