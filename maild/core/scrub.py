"""Keeps our own tokens out of words that others get to read (SPEC section 8)."""

import re

from maild.core.policy import Policy

# Whatever looks like one of ours, in any case: an altered one does no harm, a real one must not travel. All patterns
# begin with something that words seldom have: a line may have 64 KiB, and looking for its end from every octet of it
# would take minutes.
_TOKEN = re.compile(r"(?<=[\w.!#$%&'*/=?^`{|}~-])(?:\+|%2B)[tb][1-9][0-9]{0,17}\.[a-z2-7]{16}@", re.IGNORECASE)
_CODE = re.compile(r"(?:solved|continue)-[a-z2-7]{16}(?![a-z0-9])", re.IGNORECASE)
_REMOVED = "[…]"


def without_tokens(words: str, policy: Policy) -> str:
    """The words with plain addresses in place of reply addresses (in links to them too, RFC 6068), and without codes of
    ready mails and links to pages of this desk that are bound to a person.

    A quote that was not recognised as one carries them, and whoever holds them may act for somebody else.
    """
    words = _CODE.sub(_REMOVED, _TOKEN.sub("@", words))
    if not policy.public_url:
        return words
    return re.sub(
        rf"{re.escape(policy.public_url)}/(?:[afl]|fields|login)/[\w.~%-]+", _REMOVED, words, flags=re.IGNORECASE
    )
