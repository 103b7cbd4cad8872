"""One function decides who may do what, and everything that acts for a person asks it."""

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from maild.core.errors import NotAllowed
from maild.core.rights import Actor, Right, Standing, authorise, rights_of
from maild.core.tokens import Purpose
from tests.values import ANNA, BILLING_TEAM, IVAN, OLGA, STRANGER, TECH_TEAM, make_policy, make_ticket

POLICY, TICKET = make_policy(), make_ticket(participants=(IVAN, OLGA))
TOKENS = (None, *Purpose)
SUPPORT = (ANNA, BILLING_TEAM)
SPEAKING = {Right.ANSWER, Right.COMMAND}
PACKAGE = Path(__file__).parents[2] / "maild"


def rights(address: str, standing: Standing, token: Purpose | None = None) -> frozenset[Right]:
    return rights_of(Actor(address, standing, token), TICKET.category, TICKET, POLICY)


@pytest.mark.parametrize("person", [ANNA, BILLING_TEAM, TECH_TEAM, IVAN.address, STRANGER.address, ""])
@pytest.mark.parametrize(("standing", "token"), list(product(Standing, TOKENS)))
def test_support_speaks_only_verified_and_with_a_letter_of_ours(
    person: str, standing: Standing, token: Purpose | None
) -> None:
    found = rights(person, standing, token)
    if standing is Standing.OPERATOR and person:
        assert found >= SPEAKING
        return
    is_known = standing in (Standing.VERIFIED, Standing.CONFIRMED)
    assert (Right.ANSWER in found) is (person in SUPPORT and is_known and token is Purpose.AGENT)
    assert (Right.COMMAND in found) is (person in SUPPORT and is_known and token in (Purpose.AGENT, Purpose.NOTE))
    assert (Right.NOTE in found) <= (person in (*SUPPORT, TECH_TEAM) and is_known)
    assert (Right.DECIDE in found) <= (person in SUPPORT and standing is Standing.CONFIRMED)
    assert (Right.OPEN in found) <= (person in SUPPORT and is_known)
    assert (Right.WRITE in found) is (person == IVAN.address and standing is not Standing.FAILED)
    assert (Right.CHOOSE in found) is (standing is Standing.CONFIRMED and person != "")
    assert (Right.SETTLE in found) <= (person == IVAN.address and is_known)
    assert not (person == IVAN.address and found & {Right.READ_NOTES, Right.NOTE, Right.DECIDE})


def test_who_may_not_is_told_so() -> None:
    with pytest.raises(NotAllowed, match="may not answer"):
        authorise(Actor(IVAN.address, Standing.CONFIRMED, Purpose.AGENT), Right.ANSWER, "billing", TICKET, POLICY)


# What changes tickets or gives their words away for nobody in particular: the clock, the relay, the worker's own books.
_NOBODYS = {
    "desk.clock", "desk.delivery", "desk.apply", "desk.letters", "desk.notices", "desk.accept",
    "desk.enclosures.tell_left_out",
    "desk.drafts.keep",  # what somebody types before he asks is his own, and no ticket's
    "desk.holds.expire_holds", "desk.holds._expire", "desk.receive._settle_second", "desk.receive._trouble",
}  # fmt: skip
_CHANGING = {"apply", "replay", "drop", "file_of", "put", "choose"}


def functions() -> dict[str, ast.AST]:
    """Every function of rules and desk, by `folder.file.name`."""
    found: dict[str, ast.AST] = {}
    for folder in ("core", "desk"):
        for path in sorted((PACKAGE / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    found[f"{folder}.{path.stem}.{node.name}"] = node
    return found


def names_in(node: ast.AST) -> Iterator[str]:
    """Everything a function names: what it calls, and what it hands to the store to be called."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def reaches(start: str, wanted: set[str], known: dict[str, ast.AST]) -> bool:
    """Does a function name one of the wanted ones, itself or by way of others?"""
    by_name: dict[str, list[str]] = {}
    for full in known:
        by_name.setdefault(full.rpartition(".")[2], []).append(full)
    seen, todo = set(), [start]
    while todo:
        full = todo.pop()
        if full in seen:
            continue
        seen.add(full)
        named = set(names_in(known[full]))
        if named & wanted:
            return True
        todo += [one for name in named for one in by_name.get(name, ())]
    return False


def entries(known: dict[str, ast.AST]) -> list[str]:
    """The public functions of the desk that change something, or give something away."""
    return [
        full
        for full in known
        if full.startswith("desk.")
        and not full.rpartition(".")[2].startswith("_")
        and full not in _NOBODYS
        and full.rpartition(".")[0] not in _NOBODYS
        and reaches(full, _CHANGING, {name: node for name, node in known.items() if name.startswith("desk.")})
    ]


def test_every_entry_that_acts_for_a_person_asks_the_one_function() -> None:
    known = functions()
    found = entries(known)
    assert {name.rpartition(".")[2] for name in found} >= {
        "click", "speak", "open_towards", "order", "release", "replay", "drop", "approve", "press_held",
        "receive_waiting", "look_for_file", "switch_language", "send_form",
    }  # fmt: skip
    unasked = [name for name in found if not reaches(name, {"rights_of", "authorise"}, known)]
    assert unasked == []


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["decide_agent", "decide_approved", "decide_business", "decide_customer"])
def test_every_rule_by_which_somebody_speaks_asks_it_too(rule: str) -> None:
    known = functions()
    start = next(full for full in known if full.endswith(f".{rule}"))
    assert reaches(start, {"rights_of", "authorise"}, known)


def test_nobody_else_decides_roles() -> None:
    """`is_agent_of` is for the one function, and for whom letters go to."""
    allowed = {"policy", "rights", "sends", "obey", "decide", "deadlines", "portal"}  # support does not ask itself
    asking = {full.split(".")[1] for full, node in functions().items() if "is_agent_of" in set(names_in(node))}
    assert asking <= allowed


@pytest.mark.parametrize(
    ("standing", "found"),
    [
        (Standing.CLAIMED, set()),
        (Standing.FAILED, set()),
        (Standing.VERIFIED, {Right.WRITE, Right.SETTLE}),
        (Standing.CONFIRMED, {Right.READ, Right.WRITE, Right.SETTLE, Right.CHOOSE, Right.SHARE}),
    ],
)
def test_a_guest_of_the_customer_is_believed_only_if_somebody_vouches_for_him(
    standing: Standing, found: set[Right]
) -> None:
    ticket = make_ticket(participants=(IVAN,), guests=frozenset({OLGA.address}))
    assert rights_of(Actor(OLGA.address, standing), ticket.category, ticket, POLICY) == found
    assert rights_of(Actor(STRANGER.address, standing), ticket.category, ticket, POLICY) <= {Right.CHOOSE, Right.SHARE}
