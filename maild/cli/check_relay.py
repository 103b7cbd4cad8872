"""`maild check` asks the relay: does it answer, and what does it say to the desk's envelopes? No letter is sent."""

import asyncio
from collections.abc import Iterator

from maild.cli.finding import Finding
from maild.config import Config
from maild.core.address import split_detail, with_detail
from maild.core.errors import Unreachable
from maild.core.mail import Envelope
from maild.core.tokens import Purpose, bounce_address, derive_keys, reply_address
from maild.mailout.probe import Answers, Reply, ask
from maild.wiring import relay_for

_NUMBER = 1_000_000  # of a ticket and a letter that are not there; as long as real ones become


def relay_findings(config: Config, recent: list[tuple[int, Envelope]]) -> Iterator[Finding]:
    """What the relay says. `recent` are the newest mails with their envelopes: they show what arrives."""
    desk, team = config.category[0].address, config.category[0].team[0]
    keys = derive_keys(config.secrets())
    own_sender = bounce_address(keys, desk, _NUMBER)
    plus = reply_address(keys, desk, _NUMBER, team, Purpose.CUSTOMER)
    try:
        answers = asyncio.run(ask(relay_for(config), [(desk, team), (own_sender, team), (desk, desk), (desk, plus)]))
    except Unreachable as error:
        words = f"{config.outbound.relay}: {error}; letters wait until it answers, or set outbound.relay"
        yield Finding("error", "relay", words)
        return
    yield _greeting(config, answers)
    yield from _size(config, answers)
    plain, own, to_desk, to_plus = answers.replies
    yield _sender(config, plain, own)
    yield _plus(config, to_desk, to_plus, _arrived(recent))


def _greeting(config: Config, answers: Answers) -> Finding:
    outbound = config.outbound
    login = f"takes {outbound.username}" if outbound.username else "answers"
    return Finding("ok", "relay", f"{outbound.relay}: {login}, {'with' if answers.has_tls else 'without'} TLS")


def _size(config: Config, answers: Answers) -> Iterator[Finding]:
    if 0 < answers.max_size < config.outbound.max_size:
        limit = answers.max_size
        yield Finding("warning", "relay", f"takes no letter above {limit} octets: set outbound.max_size = {limit}")


def _sender(config: Config, plain: Reply, own: Reply) -> Finding:
    """May every letter have an envelope sender of its own (VERP)?"""
    address, is_on = config.category[0].address, config.outbound.verp and config.desk.subaddress
    if plain.is_refused:
        return Finding("error", "sender", f"the relay refuses letters from {address}: {plain.text}")
    if not plain.is_taken:
        return Finding("warning", "sender", f"letters from {address} have to wait: {plain.text}")
    if own.is_taken and is_on:
        unsure = "that it does not replace them shows only in a letter that has arrived"
        return Finding("ok", "sender", f"each letter's own envelope sender is taken; {unsure}")
    if own.is_taken:
        hint = "" if config.desk.subaddress else ", once desk.subaddress = true"
        return Finding(
            "ok", "sender", f"{address} is taken; outbound.verp = true would be{hint}, and tells bounces apart"
        )
    if is_on:
        words = f"{with_detail(address, 'b…')} is refused ({own.text}) and {address} is taken"
        return Finding("warning", "sender", f"{words}: set outbound.verp = false")
    return Finding(
        "ok", "sender", f"{address} is taken and {with_detail(address, 'b…')} is not: outbound.verp is right"
    )


def _arrived(recent: list[tuple[int, Envelope]]) -> int | None:
    """The newest mail that came to a plus-address."""
    return next((mail for mail, envelope in recent if any(split_detail(to)[1] for to in envelope.rcpt_tos)), None)


def _plus(config: Config, to_desk: Reply, to_plus: Reply, arrived: int | None) -> Finding:
    """Does mail to plus-addresses come back to the desk? What only a mail from outside could show is said so."""
    address, is_on = config.category[0].address, config.desk.subaddress
    if arrived is not None:
        hint = "" if is_on else ": desk.subaddress = true would do"
        return Finding("ok", "plus", f"mail to plus-addresses arrives, mail {arrived} for one{hint}")
    if to_desk.is_taken and to_plus.is_refused:
        words = f"the relay takes mail for {address}, but none for {with_detail(address, 't…')} ({to_plus.text})"
        return Finding("warning" if is_on else "ok", "plus", f"{words}: {_advice(is_on)}")
    if not is_on:
        return Finding("ok", "plus", "desk.subaddress = false: plus-addresses are not used")
    ours = "our own doors take plus-addresses" if config.smtp.listen or config.lmtp.listen else "nothing known"
    asked = "the relay would pass them on" if to_plus.is_taken else f"the relay says {to_plus.text}"
    trial = with_detail(address, "trial")
    words = f"{ours}; {asked}. None has arrived lately: to be sure, write to {trial} from outside"
    return Finding("ok", "plus", f"{words}; if it comes back, set desk.subaddress = false")


def _advice(is_on: bool) -> str:
    return "set desk.subaddress = false" if is_on else "desk.subaddress = false is right"
