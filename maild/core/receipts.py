"""What an agent is told of his own mail once it has been carried out: to whom it went, what was left out, what ran."""

from collections.abc import Iterable

from maild.core.case import Case
from maild.core.commands import Typed
from maild.core.effects import Effect, Send
from maild.core.letter import FOR_TEAM, Letter
from maild.core.mail import Mailbox
from maild.core.scrub import without_tokens
from maild.core.sends import support_language
from maild.core.tokens import Purpose


def receipt(case: Case, typed: Typed, ticket: int, effects: Iterable[Effect]) -> tuple[Send, ...]:
    """The receipt, for an agent who asked for it (`agent.echo`). What he answers to it stays inside."""
    agent = case.policy.agent(case.author.address)
    if agent is None or not agent.echo:
        return ()
    customers = [effect.to.address for effect in effects if isinstance(effect, Send) and effect.letter not in FOR_TEAM]
    context: dict[str, object] = {
        "category": case.policy.category(case.routes[0].category if case.routes else "").key,
        "answers": case.mail.message_id,
        "echo": {
            "to": list(dict.fromkeys(customers)),
            "stripped": _stripped(case, typed),
            "commands": [command.line for command in typed.commands],
            "text": without_tokens(typed.words, case.policy) if customers else "",
            "note": typed.note or "",
        },
    }
    language = support_language(case.policy, agent.address)
    to = Mailbox(agent.name, agent.address)
    return (Send(Letter.ECHO, ticket, to, Purpose.NOTE, language, context=context),)


def _stripped(case: Case, typed: Typed) -> list[str]:
    """The names of what was in the mail and did not go out."""
    found = {
        "quote": bool(case.mail.folds),
        "tokens": without_tokens(typed.words, case.policy) != typed.words,
        "note": typed.note is not None,
        "lines": bool(typed.commands),
        "letter": case.files != case.mail.attachments,
    }
    return [name for name, is_there in found.items() if is_there]
