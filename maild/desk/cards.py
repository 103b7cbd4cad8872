"""A ticket's card as letters show it: labels in the reader's language instead of keys."""

from collections.abc import Iterable, Mapping
from typing import Any

from maild.core.policy import Field, Topic


def shown_fields(topic: Topic | None, values: Mapping[str, str], language: str) -> list[dict[str, str]]:
    """What is filled in, in the order of the card; what the configuration does not know any more comes last."""
    known = {entry.key: entry.label.into(language) for entry in topic.fields} if topic else {}
    ordered = [key for key in known if key in values] + [key for key in values if key not in known]
    return [{"label": known.get(key, key), "value": values[key]} for key in ordered]


def shown_problems(
    topic: Topic | None, problems: Iterable[Mapping[str, Any]], language: str
) -> list[dict[str, object]]:
    """What is missing or wrong; a field that the configuration does not know any more is asked for no longer."""
    known = {entry.key: entry for entry in topic.fields} if topic else {}
    return [_problem(known[problem["key"]], problem, language) for problem in problems if problem["key"] in known]


def _problem(entry: Field, problem: Mapping[str, Any], language: str) -> dict[str, object]:
    return {
        "label": entry.label.into(language),
        "is_required": entry.is_required,
        "fault": problem["fault"],
        "given": problem["given"],
        "help": entry.help.into(language),
        "choices": list(entry.choices),
    }
