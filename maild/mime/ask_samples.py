"""What the form of a new question shows, for the check of its templates at the start."""

from typing import Any

ASK_PAGES = ("portal/ask", "portal/taken")

Context = dict[str, Any]


def sample_question() -> Context:
    """A form with everything wrong that can be."""
    topic: Context = {
        "key": "refund",
        "title": "Возврат",
        "is_chosen": True,
        "inputs": [_input("text"), _input("choice")],
    }
    category: Context = {"key": "billing", "title": "Счета и оплата", "is_chosen": True, "topics": [topic]}
    return {
        "categories": [category, {**category, "key": "tech", "is_chosen": False, "topics": []}],
        "question": {
            "category": "billing",
            "topic": "refund",
            "has_topics": True,
            "has_card": True,
            "words": "Где мой счёт?",
            "email": "customer@firma",
            "draft": "0" * 32,
            "others": {"f-order": "17"},
        },
        "faults": {
            "lead": "size",
            "category": "missing",
            "topic": "missing",
            "words": "missing",
            "email": "not_an_address",
        },
        "is_wrong": True,
        "is_kept": True,
        "is_question": True,
        "draft": "0" * 32,
        "files": [{"position": 1, "name": "счёт.pdf", "size": 20480}],
        "limit": 25 * 2**20,
        "most_files": 100,
        "inputs": topic["inputs"],
        "group": "field",
        "topic": topic,
        "category": category,
    }


def _input(type_: str) -> Context:
    return {
        "name": "f-contract",
        "label": "Номер договора",
        "type": type_,
        "choices": ["да", "нет"],
        "value": "17",
        "is_required": True,
        "help": "На первой странице",
        "fault": "missing",
    }
