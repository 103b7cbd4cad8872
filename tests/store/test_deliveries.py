"""What was reported of letters, beside what the relay said."""

from datetime import timedelta

import pytest

from maild.core.reports import Delivery
from maild.store import deliveries, outbox
from maild.store.db import Store
from tests.store.rows import add_letter
from tests.values import NOW

LATER = NOW + timedelta(minutes=5)
DELAYED, DELIVERED, BOUNCED = Delivery.DELAYED, Delivery.DELIVERED, Delivery.BOUNCED


def states(store: Store) -> list[Delivery]:
    return [one.state for one in store.read_now(deliveries.of_ticket, 7)]


def test_a_letter_goes_from_the_queue_to_the_relay_or_never_leaves(store: Store) -> None:
    sent, dropped = add_letter(store, 7), add_letter(store, 7)
    assert states(store) == [Delivery.QUEUED, Delivery.QUEUED]
    store.run_now(outbox.later, sent, "451 4.3.0 later", LATER)
    store.run_now(outbox.drop, dropped, "dropped by hand")
    assert states(store) == [Delivery.DELAYED, Delivery.FAILED]
    store.run_now(outbox.sent, sent, "250 2.0.0 taken", LATER)
    [letter, _] = store.read_now(deliveries.of_ticket, 7)
    assert (letter.state, letter.reply, letter.changed_at) == (Delivery.ACCEPTED, "250 2.0.0 taken", LATER)


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        ([DELAYED], DELAYED),
        ([DELAYED, DELIVERED], DELIVERED),
        ([DELIVERED, DELAYED], DELIVERED),
        ([DELIVERED, BOUNCED], BOUNCED),
        ([BOUNCED, DELIVERED, DELAYED], BOUNCED),
    ],
)
def test_a_bounce_is_the_last_word_and_a_delay_the_first(
    store: Store, reports: list[Delivery], state: Delivery
) -> None:
    letter = add_letter(store, 7)
    store.run_now(outbox.sent, letter, "250 ok", NOW)
    for one in reports:
        store.run_now(deliveries.report, letter, one, f"x.{one}", LATER)
    [found] = store.read_now(deliveries.of_ticket, 7)
    assert (found.state, found.status, found.changed_at) == (state, f"x.{state}", LATER)
    assert store.read_now(deliveries.of_ticket, 8) == []


def test_a_letter_that_is_tried_again_forgets_its_bounce(store: Store) -> None:
    letter = add_letter(store, 7)
    store.run_now(outbox.sent, letter, "250 ok", NOW)
    store.run_now(outbox.bounced, letter, "5.2.2")
    store.run_now(deliveries.report, letter, BOUNCED, "5.2.2", NOW)
    assert states(store) == [BOUNCED]
    assert store.run_now(outbox.retry, letter, LATER)
    assert states(store) == [Delivery.DELAYED]
