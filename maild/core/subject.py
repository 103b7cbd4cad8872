"""The subject of a new ticket: what it is about, without what mail programs and desks have put before it."""

import re

from maild.core.match import without_numbers

# What programs write before an answered or forwarded subject: RFC 5322 §3.6.5 knows "Re: ", Russian Outlook writes
# «НА:» and «Ответ:», German "AW:" and "WG:", Swedish "SV:", The Bat! counts: "Re[2]:".
_WORDS = "re|fwd?|aw|antw|wg|sv|ha|на|отв|ответ|пересл|відп"
_PREFIX = re.compile(rf"(?:{_WORDS}) ?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\^\d{{1,3}})? ?[:\N{{FULLWIDTH COLON}}] ?", re.I)


def own_subject(subject: str, tag: str) -> str:
    """The subject without numbers of ours and without "Re:", «Ответ:», "Fwd:" before it, however many there are.

    `tag` is desk.subject_tag. "" when nothing else was there.
    """
    subject, position = without_numbers(subject, tag), 0
    while found := _PREFIX.match(subject, position):
        position = found.end()
    return subject[position:]
