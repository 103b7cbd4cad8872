"""The words of tickets, for the search: subject and public messages, and whose they are. Made anew at each change.

Who takes part stands beside the words, so that a search costs what is found, and not what others have written.
"""

from collections.abc import Sequence

from maild.core.search import folded
from maild.store.mine import OwnTicket, accounts_of, may_read, shown
from maild.store.tx import Tx

_MESSAGES = 100  # of one ticket, the newest
_LONGEST = 20_000  # characters of one message


def index(tx: Tx, ticket: int) -> None:
    """Write down what can be found of a ticket as it is now."""
    subject = tx.one("SELECT subject FROM tickets WHERE number = ?", ticket)
    if subject is None:
        return
    people = tx.all("SELECT address FROM participants WHERE ticket = ?", ticket)
    said = tx.all(
        "SELECT CASE WHEN reply = '' AND role <> 'agent' THEN text ELSE reply END FROM messages WHERE ticket = ?"
        " AND is_note = FALSE ORDER BY id DESC LIMIT ?",
        ticket, _MESSAGES,
    )  # fmt: skip
    text = " ".join(folded(row[0][:_LONGEST]) for row in (subject, *said))
    tx.put_words(ticket, " ".join(_name(row[0]) for row in people), text)


def index_all(tx: Tx) -> None:
    """Every ticket: after their tables have been copied."""
    for (number,) in tx.all("SELECT number FROM tickets"):
        index(tx, number)


def find(tx: Tx, person: str, words: Sequence[str], *, before: int, limit: int) -> list[OwnTicket]:
    """The newest tickets with numbers below `before` that this person may read and that have all of these words.

    `words` are beginnings, in letters and digits only.
    """
    people = [_name(address) for address in (person, *accounts_of(tx, person))]
    found: list[int] = []
    while len(found) < limit:
        some = tx.find_words(people, words, before, limit)
        found += [number for number in some if may_read(tx, number, person)]
        if len(some) < limit:
            break
        before = some[-1]
    return shown(tx, person, found[:limit])


def _name(address: str) -> str:
    """An address as one word of letters and digits."""
    return f"a{address.encode().hex()}"
