"""What became of letters, in words: for support's letters and for the command line."""

from collections.abc import Iterable

from maild.core.reports import UNDELIVERED, Delivery
from maild.desk.desk import Desk
from maild.mime.status import status_in
from maild.store.deliveries import LetterState


def status_of(letter: LetterState) -> str:
    """The status that a bounce or report bore, else that in the relay's last reply; "" for a letter without trouble."""
    return letter.status or (status_in(letter.reply) if letter.state in UNDELIVERED else "")


def reason_of(desk: Desk, letter: LetterState, language: str) -> str:
    """Why a letter has not arrived, in plain words; "" for one that has, or where nobody has said why."""
    return desk.renderer.delivery_reason(status_of(letter), language) if letter.state in UNDELIVERED else ""


def undelivered(desk: Desk, answers: Iterable[LetterState], language: str) -> list[dict[str, str]]:
    """The people whom an answer has not reached, or not yet, as support's letters show them."""
    return [
        {
            "address": one.to,
            "state": "delayed" if one.state is Delivery.DELAYED else "undelivered",
            "words": reason_of(desk, one, language),
        }
        for one in answers
        if one.state in UNDELIVERED
    ]
