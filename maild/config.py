"""The configuration: one TOML file becomes one frozen value, or all that is wrong with it at once.

Everything else gets its settings as arguments: the rules get `Config.policy()`, the doors single attributes.
"""

import re
import tomllib
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from maild.config_checks import Problem, Where, check, check_queues
from maild.config_model import Config
from maild.config_values import read_bytes
from maild.core.errors import ConfigError

__all__ = ["Config", "load"]


def load(path: Path, *, before_login: bool = False) -> Config:
    """Read the configuration file. Raises ConfigError with a line for each problem: file, key path, reason.

    `before_login`: files with refresh tokens may be yet to be made.
    """
    try:
        raw = tomllib.loads(read_bytes(path).decode())
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: {_at_line_first(str(error))}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 at byte {error.start}"]) from None
    except ValueError as error:
        raise ConfigError([str(error)]) from None
    problems, config = check(raw), None
    try:
        config = Config.model_validate(raw, context={"folder": path.absolute().parent, "before_login": before_login})
        problems += check_queues(config.queue_addresses())
    except ValidationError as error:
        problems = [*_problems_of(error), *problems]
    if config is None or problems:
        raise ConfigError(_lines(path, problems))
    return config


def _at_line_first(message: str) -> str:
    match = re.fullmatch(r"(.*) \(at (.*)\)", message)
    return f"{match[2]}: {match[1]}" if match else message


def _lines(path: Path, problems: list[Problem]) -> list[str]:
    """One line for each place in the file: the first reason is the plainest."""
    reasons: dict[Where, str] = {}
    for where, why in problems:
        reasons.setdefault(where, why)
    return [f"{path}: {_key_path(where)}: {why}" for where, why in reasons.items()]


def _problems_of(error: ValidationError) -> list[Problem]:
    # A default made from another key is not made when that one is wrong, which has its own line.
    return [(each["loc"], _reason(each)) for each in error.errors() if each["type"] != "default_factory_not_called"]


_REASONS = {
    "missing": "is required",
    "extra_forbidden": "unknown key",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "value_error": "{error}",
}


def _reason(error: ErrorDetails) -> str:
    template = _REASONS.get(error["type"])
    return template.format(**error.get("ctx", {})) if template else error["msg"]


def _key_path(where: Where) -> str:
    """`("category", 0, "address")` → `category[0].address`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
