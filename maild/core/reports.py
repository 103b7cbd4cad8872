"""What is known of a letter's way to its recipient."""

from enum import StrEnum


class Delivery(StrEnum):
    """The state of one letter. `ACCEPTED` is what the relay said; what lies behind it is known from reports only."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"  # it never left: refused, given up or dropped


UNDELIVERED = frozenset({Delivery.DELAYED, Delivery.BOUNCED, Delivery.FAILED})


def delivery_of(state: str, attempts: int, reported: str) -> Delivery:
    """From the letter's state in the outbox (queued, sent, failed), its attempts, and what was reported of it ("")."""
    if reported == Delivery.BOUNCED:
        return Delivery.BOUNCED
    if state == "queued":
        return Delivery.DELAYED if attempts else Delivery.QUEUED
    if state == "failed":
        return Delivery.FAILED
    return Delivery(reported) if reported else Delivery.ACCEPTED
