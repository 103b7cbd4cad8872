"""A day with several people through the real door: a colleague joins, support begins, two tickets become one."""

import pytest

from tests.conftest import StartMaild
from tests.servers import until
from tests.smtpsink import SmtpSink
from tests.system.people import (
    ANNA,
    BILLING,
    IVAN,
    TEAM,
    all_of,
    events,
    last_to,
    settled,
    ticket,
    token_addresses_in,
    trusting,
    write,
)

pytestmark = pytest.mark.system

OLGA = "olga@firma.example"
PAVEL = "pavel@client.example"


def test_a_colleague_joins_support_begins_and_two_tickets_become_one(start_maild: StartMaild, sink: SmtpSink) -> None:
    options = trusting()
    desk = start_maild(
        **{**options, "rest": options["rest"].replace('"Анна Смирнова"', '"Анна Смирнова"\necho = true')}
    )
    write(desk, "Где мой счёт?", fields={"Cc": f"Ольга <{OLGA}>"})
    notice = last_to(sink, TEAM, 1)
    assert OLGA in all_of(notice)
    assert ticket(desk)["participants"] == [IVAN]
    assert sink.to(OLGA) == []

    write(desk, "#cc accept\n\nСчёт у Ольги.", sender=ANNA, answers=notice)
    to_olga = last_to(sink, OLGA, 1)
    assert token_addresses_in(to_olga) != token_addresses_in(last_to(sink, IVAN, 2))
    echo = last_to(sink, ANNA, 1)
    assert IVAN in all_of(echo)
    assert OLGA in all_of(echo)
    assert ticket(desk)["participants"] == [IVAN, OLGA]

    write(desk, "Да, он у меня.", sender=OLGA, answers=to_olga)
    until(lambda: ticket(desk)["status"] == "open", "the colleague has answered")
    assert [message["author"] for message in ticket(desk)["messages"]] == [IVAN, ANNA, OLGA]

    write(desk, f"#customer {PAVEL}\n\nВаш договор кончается.", sender=ANNA, subject="Договор", to=BILLING)
    to_pavel = last_to(sink, PAVEL, 1)
    begun = ticket(desk, 2)
    assert (begun["customer"], begun["status"], begun["subject"]) == (PAVEL, "pending", "Договор")
    assert "#customer" not in all_of(to_pavel)

    last_notice = sink.to(TEAM)[-1]
    write(desk, "Продлите, пожалуйста.", sender=PAVEL, answers=to_pavel)
    until(lambda: ticket(desk, 2)["status"] == "open", "the customer has answered")
    until(lambda: sink.to(TEAM)[-1] is not last_notice, "the team is told")
    write(desk, "#merge 1", sender=ANNA, answers=sink.to(TEAM)[-1])
    until(lambda: ticket(desk, 2)["merged_into"] == 1, "the tickets are one")
    assert ticket(desk, 2)["status"] == "closed"

    write(desk, "И ещё одно.", sender=PAVEL, answers=to_pavel)
    settled(desk, 6)
    assert ticket(desk)["messages"][-1]["text"].strip() == "И ещё одно."
    assert PAVEL in ticket(desk)["participants"]
    assert [event for event, _ in events(desk)].count("merged") == 1
    assert len(desk.json("ticket", "list")) == 2
