"""Keeps our own tokens out of words that others get to read (SPEC section 8)."""

import re

from maild.core.policy import Policy

# Whatever looks like one of ours, in any case: an altered one does no harm, a real one must not travel. All patterns
# begin with something that words seldom have: a line may have 64 KiB, and looking for its end from every octet of it
# would take minutes. Programs that wrap long lines break links and addresses anywhere, and quote what they have broken:
# on paper that is harmless, but whoever puts the pieces together has the whole.
_BREAK = r"(?:=?[ \t]*\r?\n[ \t>|]*)?"
_TOKEN = re.compile(
    rf"(?<=[\w.!#$%&'*/=?^`{{|}}~-])(?:\+|%2B){_BREAK}[tb]{_BREAK}[1-9](?:{_BREAK}[0-9]){{0,17}}{_BREAK}\."
    rf"(?:{_BREAK}[a-z2-7]){{16}}{_BREAK}@",
    re.IGNORECASE,
)
_CODE = re.compile(rf"(?:solved|continue)-(?:{_BREAK}[a-z2-7]){{16}}(?![a-z0-9])", re.IGNORECASE)
_LINK = rf"(?:{_BREAK}\.)?(?:{_BREAK}[a-z0-9_-])+{_BREAK}\.(?:{_BREAK}[a-z0-9_-]){{43}}"  # base64 and its SHA-256
_PAGES = ("a", "f", "l", "fields", "login")
_REMOVED = "[…]"


def without_tokens(words: str, policy: Policy) -> str:
    """The words with plain addresses in place of reply addresses (in links to them too, RFC 6068), and without codes of
    ready mails and links to pages of this desk that are bound to a person, also where a line breaks them.

    A quote that was not recognised as one carries them, and whoever holds them may act for somebody else.
    """
    words = _CODE.sub(_REMOVED, _TOKEN.sub("@", words))
    if not policy.public_url:
        return words
    pages = "|".join(_broken(f"/{page}/") for page in _PAGES)
    return re.sub(
        rf"{_broken(policy.public_url)}{_BREAK}(?:{pages})(?:{_LINK}|[\w.~%-]+)", _REMOVED, words, flags=re.IGNORECASE
    )


def _broken(text: str) -> str:
    """A pattern of that text, wherever a line may break it."""
    return _BREAK.join(re.escape(char) for char in text)
