"""Keeps our own tokens out of words that others get to read (SPEC section 8)."""

import re

from maild.core.policy import Policy

# Whatever looks like one of ours, in any case: an altered one does no harm, a real one must not travel. Both patterns
# begin with something that words seldom have: a line may have 64 KiB, and looking for its end from every octet of it
# would take minutes.
_TOKEN = re.compile(r"(?<=[\w.!#$%&'*/=?^`{|}~-])\+[tb][1-9][0-9]{0,17}\.[a-z2-7]{16}@", re.IGNORECASE)
_REMOVED = "[…]"


def without_tokens(words: str, policy: Policy) -> str:
    """The words with plain addresses in place of reply addresses, and without links to pages of this desk
    that are bound to a person.

    A quote that was not recognised as one carries both, and whoever holds them may act for somebody else.
    """
    words = _TOKEN.sub("@", words)
    if not policy.public_url:
        return words
    return re.sub(rf"{re.escape(policy.public_url)}/(?:[afl]|fields)/[\w.~%-]+", _REMOVED, words, flags=re.IGNORECASE)
