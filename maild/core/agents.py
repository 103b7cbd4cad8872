"""An agent writes: is it safe to relay, and what does he say (SPEC sections 5 and 8)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from maild.core.address import normalise
from maild.core.case import Case
from maild.core.commands import Typed, is_known, read_commands
from maild.core.effects import Decision, Effect, Reason, Role, Way
from maild.core.explain import explained, held
from maild.core.facts import TicketFacts
from maild.core.match import Proof
from maild.core.obey import Giver, changed, closes, obstacle, order_effects
from maild.core.orders import Order, Problem, Trouble, UseMacro, read_order
from maild.core.receipts import receipt
from maild.core.rights import Actor, Right, Standing, rights_of
from maild.core.robots import is_machine_made
from maild.core.speech import Speech, decide_speech, happening_of
from maild.core.ticket import Happening
from maild.core.tokens import HeldAction, Purpose
from maild.core.words import Word

_MARKER = "=-=-="  # how the line begins and ends above which one replies to our letters
_QUOTED = re.compile(r"\s*(?:\w{0,4}>|\|)")  # `IP> ` of The Bat!, `| ` of old programs
_FATES = (Word.SOLVED, Word.OPEN, Word.SPAM, Word.MERGE)  # what is to become of the ticket: one of them is enough
_ONCE = (Word.ASSIGN, Word.MOVE, Word.PRIORITY, Word.SNOOZE, Word.MERGE, Word.CUSTOMER)


def agent_proofs(case: Case) -> tuple[Proof, ...]:
    """The tokens in the mail that we sent to support, by which the author may at least add a note."""
    return tuple(
        proof
        for proof in case.proofs
        if proof.purpose in (Purpose.AGENT, Purpose.NOTE)
        and _needed(proof) in _rights(case, proof.ticket, proof.purpose)
    )


def _needed(proof: Proof) -> Right:
    return Right.ANSWER if proof.purpose is Purpose.AGENT else Right.NOTE


def _rights(case: Case, ticket: TicketFacts, purpose: Purpose) -> frozenset[Right]:
    """Of the author, if he is who he says he is; whether he is, is asked before anything comes of it."""
    actor = Actor(case.author.address, Standing.VERIFIED, purpose)
    return rights_of(actor, ticket.category, ticket, case.policy)


def decide_agent(case: Case, proofs: Sequence[Proof]) -> Decision:
    """A verified agent's mail that carries a token of ours."""
    ticket = proofs[0].ticket
    proofs = [proof for proof in proofs if proof.ticket == ticket]
    if is_machine_made(case.mail):
        return held(case, Reason.HELD_AGENT_AUTOMATIC, ticket)
    if names_other_agent(case):
        return explained(case, Reason.HELD_OTHER_AGENT, ticket)
    if not any(proof.is_reference for proof in proofs):
        # A new mail to a leaked or remembered address is not an answer to anything that we sent about this ticket.
        return explained(case, Reason.HELD_AGENT_UNPROVEN, ticket)
    purpose = Purpose.NOTE if _takes_notes_only(proofs) else Purpose.AGENT
    said = said_by(case, ticket, purpose, read_commands(new_words(case)))
    problems = problems_of(said, ticket, case)
    if problems:
        return explained(case, Reason.HELD_COMMAND_UNCLEAR, ticket, problems)
    if said.speech.answer and _collides(case, ticket):
        return explained(case, Reason.HELD_COLLISION, ticket)
    return _carried_out(case, said, ticket)


def decide_approved(case: Case, ticket: TicketFacts, action: HeldAction) -> Decision:
    """A person of support has looked at a held mail and said that it shall be sent, or kept as a note.

    What cannot be obeyed is left out; nothing that looks like a note is sent.
    """
    purpose = Purpose.AGENT if action is HeldAction.SEND else Purpose.NOTE
    if _needed_for(purpose) not in _rights(case, ticket, purpose):
        return held(case, Reason.HELD_AGENT_UNPROVEN, ticket)
    if purpose is Purpose.NOTE:
        said = said_by(case, ticket, purpose, Typed((), "", new_words(case), ()))
    else:
        said = said_by(case, ticket, purpose, read_commands(new_words(case), is_approved=True))
    good = tuple(order for order in said.orders if obstacle(order, said.giver, ticket, case.facts, case.policy) is None)
    return _carried_out(case, replace(said, orders=good), ticket)


def _needed_for(purpose: Purpose) -> Right:
    return Right.ANSWER if purpose is Purpose.AGENT else Right.NOTE


def names_other_agent(case: Case) -> bool:
    """Is another agent in To or Cc? Then it may be meant for him and not for the customer (SPEC section 8)."""
    named = {normalise(person.address) for person in (*case.mail.to, *case.mail.cc)} - {case.author.address}
    return any(case.policy.agent(address) for address in named)


def new_words(case: Case) -> str:
    """What he wrote, "" if there is nothing new: a reply is then all of the mail, our own letter with its notes.

    Our marker is always folded away with what stands below it, unless nothing at all would be left.
    """
    reply = case.mail.reply
    lines = [line for line in reply.splitlines() if line.strip()]
    is_only_quote = _MARKER in reply or all(_QUOTED.match(line) for line in lines)
    return "" if is_only_quote else reply


def _takes_notes_only(proofs: Sequence[Proof]) -> bool:
    """Does the letter answered, or the address written to, only take notes? The stricter of the two counts."""
    by_address = [proof for proof in proofs if not proof.is_reference][:1]
    by_reference = [proof for proof in proofs if proof.is_reference][:1]
    return any(proof.purpose is Purpose.NOTE for proof in by_address + by_reference)


def _collides(case: Case, ticket: TicketFacts) -> bool:
    """Has a colleague answered meanwhile, whose answer this author has not seen (SPEC section 8)?"""
    last, mail = case.facts.last_answer, case.mail
    if last is None or last.ticket != ticket.number:
        return False
    is_fresh = case.envelope.received_at - last.at < case.policy.collision_window
    is_known = not last.names.isdisjoint((*mail.in_reply_to, *mail.references))
    is_own = last.author == case.author.address and case.policy.agent(last.author) is not None
    return is_fresh and last.message > case.facts.replied_to and not is_known and not is_own


@dataclass(frozen=True, slots=True)
class Said:
    """An agent's mail, understood: what goes out, what stays inside, what is ordered, and what is wrong with it."""

    typed: Typed
    giver: Giver
    speech: Speech
    orders: tuple[Order, ...]
    problems: tuple[Problem, ...]


def said_by(case: Case, ticket: TicketFacts, purpose: Purpose, typed: Typed) -> Said:
    """Orders and words. `purpose` is NOTE where nothing may go out: then all words are a note."""
    read = [(command, read_order(command, case.policy)) for command in typed.commands]
    problems = [Problem(command.line, order) for command, order in read if isinstance(order, Trouble)]
    orders: list[Order] = []
    macros: list[str] = []
    for command, order in read:
        if isinstance(order, UseMacro):
            words = case.macro(order.name, ticket)
            macros.append(words or "")
            problems += [] if words else [Problem(command.line, Trouble.NO_MACRO)]
        elif order and not isinstance(order, Trouble):
            orders.append(order)
    words = "\n\n".join(filter(None, (*macros, typed.words)))
    typed = replace(typed, words=words)
    if purpose is Purpose.NOTE:
        typed = replace(typed, words="", note="\n\n".join(filter(None, (words, typed.note))))
    problems += _contradictions(typed, case)
    giver = Giver(
        actor=Actor(case.author.address, Standing.VERIFIED, purpose),
        via=case.via,
        way=Way.COMMAND if typed.commands else Way.MAIL,
        moment=case.envelope.received_at,
        now=case.now,
    )
    return Said(typed, giver, _speech(case, typed, giver), tuple(orders), tuple(problems))


def problems_of(said: Said, ticket: TicketFacts, case: Case) -> list[Problem]:
    """Everything in a mail that keeps it from being relayed and obeyed."""
    return [*_unclear(said.typed), *said.problems, *_obstacles(said, ticket, case)]


def _unclear(typed: Typed) -> list[Problem]:
    return [Problem(line, Trouble.MISPLACED if is_known(line) else Trouble.UNKNOWN) for line in typed.unclear]


def _contradictions(typed: Typed, case: Case) -> list[Problem]:
    """Commands that cannot all be meant."""
    found: list[Problem] = []
    words = [command.word for command in typed.commands]
    fates = [command for command in typed.commands if command.word in _FATES]
    if len({command.word for command in fates}) > 1:
        found += [Problem(command.line, Trouble.CONTRADICTION) for command in fates]
    for command in typed.commands:
        is_twice = command.word in _ONCE and words.count(command.word) > 1
        is_asked_and_done = command.word is Word.ASK and bool({*_FATES} & {*words})
        is_fate_of_new = command.word is Word.CUSTOMER and bool({Word.MERGE, Word.SPAM, Word.OPEN} & {*words})
        is_spam_with_words = command.word is Word.SPAM and bool(typed.words or case.mail.attachments)
        if is_twice or is_asked_and_done or is_spam_with_words or is_fate_of_new:
            found.append(Problem(command.line, Trouble.CONTRADICTION))
        elif command.word is Word.ASK and not (typed.words or typed.note):
            found.append(Problem(command.line, Trouble.NO_WORDS))
    return found


def _obstacles(said: Said, ticket: TicketFacts, case: Case) -> list[Problem]:
    """The commands that make no sense for this ticket, or are not this agent's to give."""
    lines = {order: command.line for command in said.typed.commands for order in (read_order(command, case.policy),)}
    after = changed(ticket, said.orders, case.policy, said.giver.moment)
    found = [
        Problem(lines.get(order, ""), trouble)
        for order in said.orders
        if (trouble := obstacle(order, said.giver, ticket, case.facts, case.policy, after))
    ]
    if said.speech.happening and Right.COMMAND not in rights_of(said.giver.actor, ticket.category, ticket, case.policy):
        found += [Problem(command.line, Trouble.NOT_YOURS) for command in said.typed.commands]
    return found


def _speech(case: Case, typed: Typed, giver: Giver) -> Speech:
    """Files go where the words go: with an answer, else with the note, even one without words."""
    files, is_note = case.files, giver.actor.token is Purpose.NOTE
    has_words = not is_note and bool(typed.words or (files and typed.note is None))
    has_note = bool(typed.note or (files and not has_words))
    answer = case.message(Role.AGENT, typed.words) if has_words else None
    note = case.message(Role.AGENT, typed.note or "", is_note=True) if has_note else None
    if answer and (note or typed.commands):
        answer = replace(answer, text=typed.words)  # all of the mail holds the note as well
    if answer and note:
        note = replace(note, attachments=(), message_id="")
    return Speech(
        who=giver.who,
        via=giver.via,
        way=giver.way,
        moment=giver.moment,
        now=giver.now,
        answer=answer,
        note=note,
        happening=happening_of(has_words=has_words, solves=typed.has(Word.SOLVED), opens=typed.has(Word.OPEN)),
        is_question=typed.has(Word.ASK),
    )


def _carried_out(case: Case, said: Said, ticket: TicketFacts) -> Decision:
    """Orders first, so that whoever joins gets the answer too; what closes the ticket comes after the words."""
    speech, facts, policy = said.speech, case.facts, case.policy
    if not (speech.answer or speech.note or speech.happening or said.orders):
        return explained(case, Reason.HELD_NOTHING_TO_SEND, ticket)
    first = [order for order in said.orders if not closes([order])]
    last = [order for order in said.orders if closes([order])]
    is_waiting = speech.happening in (None, Happening.AGENT_ANSWERS) and not last
    giver = replace(said.giver, asks=is_waiting)
    after = changed(ticket, first, policy, giver.moment)
    effects: list[Effect] = [*order_effects(first, giver, ticket, facts, policy)]
    spoken = decide_speech(speech, after, facts, policy)
    if spoken is None:
        return explained(case, Reason.HELD_TICKET_CLOSED, ticket)
    effects += [*spoken.effects, *order_effects(last, giver, ticket, facts, policy)]
    reason = spoken.reason if speech.answer or not said.orders else Reason.AGENT_COMMANDED
    number = ticket.number if spoken.ticket is None else spoken.ticket
    effects += receipt(case, said.typed, number, effects)
    return Decision(reason, tuple(effects), number)
