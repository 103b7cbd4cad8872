"""Reads one Authentication-Results field (RFC 8601 §2.2), as tolerant as the programs that write it make necessary.

Each result is parsed by itself: one that breaks the grammar must not take its neighbours with it. Comments and quoted
strings are parsed, never searched for results.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import authres

# One word of a result: `method=result`, `reason="…"`, `ptype.property=value`.
_PAIR = re.compile(r'([^\s"=]+)\s*=\s*("(?:\\.|[^"\\])*"|[^\s"]+)', re.DOTALL)
_WORDS = re.compile(r"[^\s,;()]+")
_NO_POLICY = frozenset({"p=none", "policy=none"})  # as OpenDMARC, Gmail and rspamd comment it
_NO_ACTION = "none"  # Microsoft 365: what the domain wants to be done about a failure
_NO_POLICY_PROPERTIES = ("policy.dmarc", "policy.published-domain-policy")  # as properties


@dataclass(frozen=True, slots=True)
class Result:
    """One result; `properties` by "type.name" (`header.from`). `has_no_policy`: the DMARC policy there is none."""

    method: str
    result: str
    properties: Mapping[str, str]
    has_no_policy: bool = False


def read_results(value: str) -> tuple[str, list[Result]]:
    """authserv-id and results of one field; the id is "" for a field that was written without one (Microsoft 365)."""
    pieces = _split(value)
    words, _ = pieces[0]
    authserv_id = "" if "=" in words else (words.split() or [""])[0].strip('"')
    infos = pieces if "=" in words else pieces[1:]
    return authserv_id, [_read(info, comments) for info, comments in infos if "=" in info]


def _split(value: str) -> list[tuple[str, str]]:
    """The parts between semicolons, each without its comments, and these; semicolons in quotes or comments are text."""
    pieces: list[tuple[list[str], list[str]]] = [([], [])]
    depth, is_quoted, is_escaped = 0, False, False
    for character in value:
        words, comments = pieces[-1]
        place = comments if depth else words
        if is_escaped or character == "\\":
            is_escaped = not is_escaped
        elif character == '"' and not depth:
            is_quoted = not is_quoted
        elif character == "(" and not is_quoted:
            depth += 1
            place = comments
        elif character == ")" and depth:
            depth -= 1
            words.append(" ")
        elif character == ";" and not depth and not is_quoted:
            pieces.append(([], []))
            continue
        place.append(character)
    return [("".join(words), "".join(comments)) for words, comments in pieces]


def _read(info: str, comments: str) -> Result:
    pairs = _PAIR.findall(info)
    # Microsoft 365 adds words of its own (`action=none`); RFC 8601 knows only `reason` without a dot.
    known = [f"{name}={value}" for at, (name, value) in enumerate(pairs) if at == 0 or "." in name or name == "reason"]
    try:
        parsed = authres.AuthenticationResultsHeader.parse_value("id; " + " ".join(known)).results[0]
    except (authres.AuthResError, ValueError, IndexError):
        return Result(info.partition("=")[0].strip().lower(), "permerror", {})
    properties = {f"{item.type}.{item.name}".lower(): str(item.value) for item in parsed.properties}
    has_no_policy = (
        not _NO_POLICY.isdisjoint(_WORDS.findall(comments.lower()))
        or any(properties.get(name, "").lower() == "none" for name in _NO_POLICY_PROPERTIES)
        or dict(pairs[1:]).get("action", "").lower() == _NO_ACTION
    )
    return Result(str(parsed.method).lower(), str(parsed.result).lower(), properties, has_no_policy)
