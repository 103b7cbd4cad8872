"""Rarer kinds of text as plain text: text/enriched (RFC 1896), RTF, and what an invitation says (RFC 5545).

Read only where a mail has no other text. Never raises; linear in the text.
"""

import re
from collections.abc import Callable

_PARAMETER = re.compile(r"<param>[^<]*</param>", re.IGNORECASE)
_ENRICHED_TAG = re.compile(r"<<|</?[a-zA-Z-]{1,60}>")
_NEWLINES = re.compile(r"\n+")
_RTF_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(\*)|\\([^a-zA-Z'*])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_RTF_DESTINATIONS = frozenset("fonttbl colortbl stylesheet info pict header footer object themedata datastore".split())
_RTF_BREAKS = {"par": "\n", "line": "\n", "row": "\n", "tab": "\t", "cell": "  "}
_FOLDED = re.compile(r"\r?\n[ \t]")
_PROPERTY = re.compile(r"^(SUMMARY|LOCATION|DESCRIPTION)(?:;[^:\n]*)?:(.*)$", re.MULTILINE | re.IGNORECASE)
_ESCAPE = re.compile(r"\\([\\;,nN])")


def from_enriched(text: str) -> str:
    """text/enriched: commands go, one newline is a space, more of them are one less."""
    bare = _PARAMETER.sub("", text)
    bare = _NEWLINES.sub(lambda match: " " if len(match[0]) == 1 else match[0][1:], bare)
    return _ENRICHED_TAG.sub(lambda match: "<" if match[0] == "<<" else "", bare).strip()


def from_richtext(text: str) -> str:
    """text/richtext, its ancestor (RFC 1341 §7.1.3): line breaks are <nl>, `<` is <lt>."""
    bare = re.sub(r"<comment>[^<]*</comment>", "", text, flags=re.IGNORECASE).replace("\n", " ")
    bare = re.sub(r"<(?:nl|np|/paragraph)>", "\n", bare, flags=re.IGNORECASE)
    marked = re.sub(r"<(?!lt>)/?[a-zA-Z-]{1,60}>", "", bare, flags=re.IGNORECASE)
    return re.sub(r"<lt>", "<", marked, flags=re.IGNORECASE).strip()


def from_rtf(text: str) -> str:
    """The words of RTF in its own code page, without fonts, pictures and other hidden groups."""
    pieces: list[str] = []
    hidden: list[bool] = [False]
    page, skip = "cp1252", 0
    for word, number, octet, star, symbol, brace, words in _RTF_TOKEN.findall(text):
        if brace:
            hidden = [*hidden, hidden[-1]] if brace == "{" else hidden[:-1] or [False]
        elif star or word in _RTF_DESTINATIONS:
            hidden[-1] = True
        elif word == "ansicpg" and number:
            page = f"cp{number}"
        elif hidden[-1]:
            continue
        elif word == "u" and number:
            pieces.append(chr(int(number) % 65536))
            skip = 1
        elif skip and (octet or words):
            pieces.append("" if octet else words[1:])
            skip = 0
        else:
            pieces.append(_RTF_BREAKS.get(word, "") or _symbol(symbol) or words or _letter(octet, page))
    return "".join(pieces).strip()


def _symbol(symbol: str) -> str:
    return {"~": "\u00a0", "_": "-"}.get(symbol, symbol if symbol in ("\\", "{", "}") else "")


def _letter(octet: str, page: str) -> str:
    if not octet:
        return ""
    try:
        return bytes.fromhex(octet).decode(page, "replace")
    except LookupError:  # a code page nobody knows
        return bytes.fromhex(octet).decode("cp1252", "replace")


def from_calendar(text: str) -> str:
    """Summary, place and description of the first event."""
    event = _FOLDED.sub("", text).partition("BEGIN:VEVENT")[2] or _FOLDED.sub("", text)
    found: dict[str, str] = {}
    for name, value in _PROPERTY.findall(event):
        found.setdefault(name.upper(), _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip())
    return "\n\n".join(found[name] for name in ("SUMMARY", "LOCATION", "DESCRIPTION") if found.get(name))


READERS: dict[str, Callable[[str], str]] = {
    "text/enriched": from_enriched,
    "text/richtext": from_richtext,
    "text/rtf": from_rtf,
    "application/rtf": from_rtf,
    "text/calendar": from_calendar,
}
