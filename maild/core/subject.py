"""The subject of a new ticket: what it is about, without what mail programs and desks have put before it."""

import re

from maild.core.match import without_numbers

# What programs write before an answered or forwarded subject: RFC 5322 §3.6.5 knows "Re: ", Russian Outlook writes
# «НА:» and «Ответ:», German "AW:" and "WG:", Swedish "SV:", The Bat! counts: "Re[2]:".
_WORDS = "re|fwd?|aw|antw|wg|sv|ha|на|отв|ответ|пересл|відп"
_PREFIX = re.compile(rf"(?:{_WORDS}) ?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\^\d{{1,3}})? ?[:\N{{FULLWIDTH COLON}}] ?", re.I)


_LONGEST = 80  # characters of a subject made of words
_FENCE = re.compile(r"^ {0,3}```.*?(?:^ {0,3}```[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)


def subject_of(words: str, topic: str) -> str:
    """The subject of a question that was asked without one: its first line, code aside, or the topic's title."""
    lines = (" ".join(line.split()) for line in _FENCE.sub("", words).splitlines())
    line = next((line for line in lines if any(char.isalnum() for char in line)), "") or topic
    if len(line) <= _LONGEST:
        return line
    whole = line[:_LONGEST].rpartition(" ")[0]
    return f"{(whole or line[: _LONGEST - 1]).rstrip(' ,;:.–—-')}…"


def own_subject(subject: str, tag: str) -> str:
    """The subject without numbers of ours and without "Re:", «Ответ:», "Fwd:" before it, however many there are.

    `tag` is desk.subject_tag. "" when nothing else was there.
    """
    subject, position = without_numbers(subject, tag), 0
    while found := _PREFIX.match(subject, position):
        position = found.end()
    return subject[position:]
