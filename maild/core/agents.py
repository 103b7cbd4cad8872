"""An agent writes: is it safe to relay, and what does he say (SPEC sections 5 and 8)."""

from collections.abc import Sequence
from dataclasses import replace

from maild.core.address import normalise
from maild.core.case import Case
from maild.core.commands import Typed, Word, read_commands
from maild.core.effects import Decision, Event, Reason, Record, Role, Way
from maild.core.facts import TicketFacts
from maild.core.match import Proof
from maild.core.robots import is_machine_made
from maild.core.speech import Speech, decide_speech, happening_of
from maild.core.tokens import Purpose

# What this desk does so far; any other command is held and explained rather than half obeyed.
_SERVED = frozenset({Word.SOLVED, Word.OPEN, Word.NOTE})
_MARKER = "=-=-="  # how the line begins and ends above which one replies to our letters


def agent_proofs(case: Case) -> tuple[Proof, ...]:
    """The tokens in the mail that we sent to support, for tickets whose support the author is."""
    return tuple(
        proof for proof in case.proofs if proof.purpose in (Purpose.AGENT, Purpose.NOTE) and _may_use(proof, case)
    )


def _may_use(proof: Proof, case: Case) -> bool:
    """Answers are for the support of the ticket's category; notes also for that of another one which was told of it."""
    if proof.purpose is Purpose.NOTE:
        return case.policy.is_support(case.author.address)
    return case.policy.is_agent_of(case.author.address, proof.ticket.category)


def held(case: Case, reason: Reason, ticket: TicketFacts | None = None) -> Decision:
    """Set aside for a person. A solved ticket is not closed while mail for it from before the deadline is held."""
    if ticket is None:
        return Decision(reason, is_held=True)
    event = Record(ticket.number, Event.HELD, case.author.address, case.via, reason)
    return Decision(reason, (event,), ticket.number, is_held=True)


def decide_agent(case: Case, proofs: Sequence[Proof]) -> Decision:
    """A verified agent's mail that carries a token of ours."""
    ticket = proofs[0].ticket
    proofs = [proof for proof in proofs if proof.ticket == ticket]
    if is_machine_made(case.mail):
        return held(case, Reason.HELD_AGENT_AUTOMATIC, ticket)
    if _names_other_agent(case):
        return held(case, Reason.HELD_OTHER_AGENT, ticket)
    if not any(proof.is_reference for proof in proofs):
        # A new mail to a leaked or remembered address is not an answer to anything that we sent about this ticket.
        return held(case, Reason.HELD_AGENT_UNPROVEN, ticket)
    typed = read_commands("" if _is_only_quote(case.mail.reply) else case.mail.reply)
    if not _is_clear(typed):
        return held(case, Reason.HELD_COMMAND_UNCLEAR, ticket)
    if _takes_notes_only(proofs):
        typed = replace(typed, words="", note="\n\n".join(filter(None, (typed.words, typed.note))))
    speech = _speech(case, typed)
    if not (speech.answer or speech.note or speech.happening):
        return held(case, Reason.HELD_NOTHING_TO_SEND, ticket)
    decision = decide_speech(speech, ticket, case.facts, case.policy)
    return decision or held(case, Reason.HELD_TICKET_CLOSED, ticket)


def _names_other_agent(case: Case) -> bool:
    """Is another agent in To or Cc? Then it may be meant for him and not for the customer (SPEC section 8)."""
    named = {normalise(person.address) for person in (*case.mail.to, *case.mail.cc)} - {case.author.address}
    return any(case.policy.agent(address) for address in named)


def _is_only_quote(reply: str) -> bool:
    """Is there no new word at all? Then a reply is all of the mail, and that is our own letter with its notes.

    Our marker is always folded away with what stands below it, unless nothing at all would be left.
    """
    lines = [line for line in reply.splitlines() if line.strip()]
    return _MARKER in reply or all(line.lstrip().startswith(">") for line in lines)


def _is_clear(typed: Typed) -> bool:
    served = all(command.word in _SERVED for command in typed.commands)
    return served and not typed.unclear and not (typed.has(Word.SOLVED) and typed.has(Word.OPEN))


def _takes_notes_only(proofs: Sequence[Proof]) -> bool:
    """Does the letter answered, or the address written to, only take notes? The stricter of the two counts."""
    by_address = [proof for proof in proofs if not proof.is_reference][:1]
    by_reference = [proof for proof in proofs if proof.is_reference][:1]
    return any(proof.purpose is Purpose.NOTE for proof in by_address + by_reference)


def _speech(case: Case, typed: Typed) -> Speech:
    """Files go where the words go: with an answer, else with the note, even one without words."""
    files = case.mail.attachments
    has_words = bool(typed.words or (files and typed.note is None))
    has_note = bool(typed.note or (files and not has_words))
    answer = case.message(Role.AGENT, typed.words) if has_words else None
    note = case.message(Role.AGENT, typed.note or "", is_note=True) if has_note else None
    if answer and note:
        answer = replace(answer, text=typed.words)  # all of the mail holds the note as well
        note = replace(note, attachments=(), message_id="")
    return Speech(
        who=case.author.address,
        via=case.via,
        way=Way.COMMAND if typed.commands else Way.MAIL,
        moment=case.envelope.received_at,
        now=case.now,
        answer=answer,
        note=note,
        happening=happening_of(has_words=has_words, solves=typed.has(Word.SOLVED), opens=typed.has(Word.OPEN)),
    )
