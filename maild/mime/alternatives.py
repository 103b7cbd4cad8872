"""Long lists of phrases as regular expressions: one alternative a line, so that they can be read and added to."""

import re

_CONTINUED = re.compile(r"\\\n\s*")


def alternatives(lines: str) -> str:
    """The lines as alternatives of one group; a line that ends in a backslash goes on with the next."""
    return "(?:" + "|".join(filter(None, map(str.strip, _CONTINUED.sub("", lines).split("\n")))) + ")"


def any_of(lines: str) -> re.Pattern[str]:
    """The lines as a pattern, in any case; `^` and `$` are those of a line."""
    return re.compile(alternatives(lines), re.IGNORECASE | re.MULTILINE)
