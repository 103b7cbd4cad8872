"""What would become of a mail: the same rules as in earnest, asked without writing anything down."""

import asyncio
from dataclasses import dataclass

from maild.core.decide import decide
from maild.core.effects import OPENED, Decision, OpenTicket, Send
from maild.core.mail import Envelope, Mail
from maild.core.match import keys_of
from maild.desk.desk import Desk
from maild.mime.parse import parse
from maild.store import tickets


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The fate a mail would have. `ticket` is None for none, 0 for a new one; `letters` are names and addresses."""

    mail: Mail
    trust: str
    is_held: bool
    reason: str
    ticket: int | None
    category: str
    letters: tuple[tuple[str, str], ...]

    @property
    def words(self) -> str:
        """For a log: what would happen, without anything a stranger wrote."""
        where = {None: "no ticket", OPENED: f"a new ticket in {self.category}"}.get(
            self.ticket, f"ticket {self.ticket}"
        )
        fate = "would be held" if self.is_held else f"would go to {where}"
        letters = ", ".join(letter for letter, _ in self.letters) or "none"
        return f"{fate} ({self.reason}; {self.trust}), letters: {letters}"


async def foresee(desk: Desk, raw: bytes, envelope: Envelope) -> Foreseen:
    """What would become of a mail that came in like that now; nothing changes, and nobody is written to."""
    mail = await asyncio.to_thread(parse, raw)
    keys = keys_of(mail, envelope, desk.policy, desk.keys)
    now = desk.now()
    facts = await desk.store.read(tickets.facts_for, keys, now)
    decision = decide(
        mail, envelope, facts, desk.policy, desk.keys, now, instance=desk.instance, macros=desk.renderer.macro
    )
    return Foreseen(
        mail=mail,
        trust=decision.trust.value,
        is_held=decision.is_held,
        reason=decision.reason.value,
        ticket=decision.ticket,
        category=_category(decision),
        letters=tuple((each.letter.value, each.to.address) for each in decision.effects if isinstance(each, Send)),
    )


def _category(decision: Decision) -> str:
    return next((effect.category for effect in decision.effects if isinstance(effect, OpenTicket)), "")
