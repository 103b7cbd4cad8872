"""Templates become subject, text and HTML. The language is an argument; nothing here decides what is said to whom.

Templates are the admin's to change, so they run in a sandbox; words of strangers enter as variables only.
"""

import re
import tomllib
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.bccache import Bucket
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from maild.core.letter import FOR_TEAM, Letter
from maild.mime import dates, plain
from maild.mime.code import coloured
from maild.mime.headers import clean_header
from maild.mime.page_samples import PAGES, sample_macro, sample_page
from maild.mime.portal_samples import PORTAL_PAGES, sample_portal
from maild.mime.samples import bare_context, sample_context

FALLBACK = "en"
OWN_LANGUAGES = ("ru", "en")  # those that maild comes with; a folder of templates adds another
_SUFFIXES = (".subject.txt", ".txt", ".html")
_NOTES = frozenset(
    {
        Letter.COPY,
        Letter.DELIVERY_FAILED,
        Letter.LEFT_OUT,
        Letter.COMMAND_HELP,
        Letter.COLLISION,
        Letter.CLAIMED,
        Letter.ECHO,
    }
)
_TROUBLE = (jinja2.TemplateError, jinja2.TemplateNotFound, TypeError, ValueError, ArithmeticError, LookupError)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter in words: subject in one line, text with a final line end, HTML."""

    subject: str
    text: str
    html: str


def templates_dir() -> Path:
    """Where the templates lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "templates"
    return packaged if packaged.is_dir() else package.parent / "templates"


class _Compiled(jinja2.BytecodeCache):
    """Compiled templates of this process: a reload compiles only what has changed."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()
_NAMES: dict[str, set[str]] = {}  # source of a template -> variables it uses


def environment(directory: Path, language: str) -> SandboxedEnvironment:
    """The one way templates are set up: files of the language first, then those all languages share.

    Raises OSError or ValueError (TOMLDecodeError) when the language's words.toml cannot be read.
    """
    made = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([directory / language, directory]),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(("html",), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    made.globals["say"] = tomllib.loads((directory / language / "words.toml").read_text(encoding="utf-8"))
    made.globals["language"] = language
    made.filters.update(
        moment=partial(dates.moment, language=language),
        until=partial(dates.until, language=language),
        stamp=partial(dates.stamp, language=language),
        size=partial(plain.size, language=language),
        plural=partial(plain.plural, language=language),
        paragraphs=lambda text: Markup(plain.paragraphs(text)),  # noqa: S704 - escaped there
        coloured=lambda text: Markup(plain.paragraphs(text, coloured)),  # noqa: S704 - the same
        quoted=plain.quoted,
        line=clean_header,
    )
    return made


class Renderer:
    """Renders letters and pages from one directory of templates. Read once: a new one is made to reload."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._environments: dict[str, SandboxedEnvironment] = {}
        self.languages = _languages_in(directory)

    def letter(self, letter: Letter, language: str, context: Mapping[str, object]) -> Rendered:
        """A letter from the context described in `mime.samples`. A language without templates reads English.

        Raises jinja2.TemplateError for a template that `check` would name.
        """
        made = self._environment(language)
        full = _complete(letter, context)
        subject, text, html = (made.get_template(f"{letter}{suffix}").render(full) for suffix in _SUFFIXES)
        return Rendered(clean_header(subject), text.strip("\n") + "\n", html)

    def page(self, name: str, language: str, context: Mapping[str, object]) -> str:
        """A web page, `name` without folder and suffix: action, done, past, missing, refused, busy, expired, held,
        language, letters, letter.
        """
        return self._environment(language).get_template(f"web/{name}.html").render(context)

    def status_word(self, status: str, language: str, *, for_team: bool = False) -> str:
        """A ticket's status in words, from the language's words.toml; support reads some of them otherwise."""
        say = self._say(language)
        for_whom = say.get("status_for_team", {}) if for_team else {}
        return str(for_whom.get(status) or say["status"][status])

    def held_reason(self, reason: str, language: str) -> str:
        """Why a mail is held, in words; `reason` is the name of a Reason without HELD_, in lower case."""
        return str(self._say(language)["held"][reason])

    def trouble(self, name: str, language: str) -> str:
        """What is wrong with a command, in words."""
        return str(self._say(language)["trouble"][name])

    def held_label(self, action: str, language: str) -> str:
        """What the button for a held mail says: send, note, release, drop; show is the name of its link."""
        return str(self._say(language)["hold"][action])

    def macro(self, name: str, language: str, context: Mapping[str, object]) -> str | None:
        """The words of a macro: `macros/NAME.txt` of that language. None if there is none of that name."""
        made = self._environment(language)
        path = f"macros/{name.strip().casefold()}.txt"
        if not _MACRO.fullmatch(path) or path not in made.list_templates(["txt"]):
            return None
        return made.get_template(path).render(context).strip()

    def delivery_reason(self, status: str, language: str) -> str:
        """Why a letter did not arrive, in plain words: the narrowest for this status (RFC 3463), "" without one."""
        words = self._say(language)["delivery"]
        kind, _, detail = status.partition(".")
        keys = (status, detail, detail.partition(".")[0], f"{kind}.x")
        return str(next((words[key] for key in keys if key in words), "")) if status else ""

    def language_offer(self, language: str) -> str:
        """The offer to write in that language, in its own words."""
        return str(self._say(language)["offer"])

    def language_name(self, language: str) -> str:
        """What a language is called in itself."""
        return str(self._say(language)["language_name"])

    def label(self, action: str, language: str) -> str:
        """What the button of an action says; `action` is solved or continue."""
        return str(self._say(language)["continue_" if action == "continue" else action])

    def _say(self, language: str) -> dict[str, Any]:
        say: dict[str, Any] = dict(self._environment(language).globals["say"])  # type: ignore[call-overload]
        return say

    def check(self, languages: Iterable[str] = ()) -> list[str]:
        """What is wrong with the templates of these languages, or of all; a problem a line, each naming its file."""
        return [problem for language in languages or self.languages for problem in self._check_language(language)]

    def _environment(self, language: str) -> SandboxedEnvironment:
        if language not in self._environments:
            known = language if language.isalpha() and (self._directory / language).is_dir() else FALLBACK
            self._environments[language] = environment(self._directory, known)
        return self._environments[language]

    def _check_language(self, language: str) -> list[str]:
        folder = self._directory / language
        if not (language.isalpha() and folder.is_dir()):
            return [f"{folder}: no templates for language {language!r}"]
        try:
            made = environment(self._directory, language)
        except (OSError, ValueError) as error:
            return [f"{folder / 'words.toml'}: {error}"]
        problems = self._missing_words(language)
        for letter in Letter:
            samples = [_complete(letter, make(letter, language)) for make in (sample_context, bare_context)]
            for suffix in _SUFFIXES:
                problems += self._check_template(made, language, f"{letter}{suffix}", samples)
        for path in sorted((folder / "macros").glob("*.txt")):
            problems += self._check_template(made, language, f"macros/{path.name}", [sample_macro(language)])
        for name in (*PAGES, *PORTAL_PAGES):
            problems += self._check_template(made, language, f"web/{name}.html", [_sample_of(name, language)])
        return problems

    def _missing_words(self, language: str) -> list[str]:
        """Words that English has and this language lacks: some are used where no sample comes by."""
        try:
            model = tomllib.loads((self._directory / FALLBACK / "words.toml").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []  # told of English itself
        path = self._directory / language / "words.toml"
        have = set(_keys_of(tomllib.loads(path.read_text(encoding="utf-8"))))
        return [f"{path}: missing {key}" for key in _keys_of(model) if key not in have]

    def _check_template(
        self, made: SandboxedEnvironment, language: str, name: str, samples: list[dict[str, object]]
    ) -> list[str]:
        """Every name it uses must be known, also in branches the samples do not enter; then it must render."""
        own, shared = self._directory / language / name, self._directory / name
        path = shared if shared.is_file() and not own.is_file() else own
        if not path.is_file():
            return [f"{path}: missing"]
        try:
            used = _names_in(path.read_text(encoding="utf-8"), made)
            if unknown := sorted(used - samples[0].keys() - made.globals.keys()):
                return [f"{path}: undefined variable {one!r}" for one in unknown]
            for sample in samples:
                made.get_template(name).render(sample)
        except jinja2.TemplateSyntaxError as error:
            return [f"{error.filename or path}: line {error.lineno}: {error.message}"]
        except _TROUBLE as error:
            return [f"{self._place(error, path)}: {error}"]
        return []

    def _place(self, error: BaseException, path: Path) -> str:
        """The template file and line an error came from: jinja2 names them in the traceback."""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if Path(frame.filename).is_relative_to(self._directory):
                return f"{frame.filename}: line {frame.lineno}"
        return str(path)


def _sample_of(page: str, language: str) -> dict[str, object]:
    return sample_portal(language) if page in PORTAL_PAGES else sample_page(language)


def _names_in(source: str, made: SandboxedEnvironment) -> set[str]:
    """The variables a template uses and does not set."""
    if source not in _NAMES:
        _NAMES[source] = meta.find_undeclared_variables(made.parse(source))
    return _NAMES[source]


def _languages_in(directory: Path) -> tuple[str, ...]:
    """Our own, and every other folder that is named like a language."""
    folders = sorted(path.name for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []
    others = (name for name in folders if _LANGUAGE.fullmatch(name) and name not in (*OWN_LANGUAGES, "web"))
    return (*OWN_LANGUAGES, *others)


def _keys_of(table: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Every key of a TOML table as its path: `status.closed`."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _keys_of(value, f"{before}{key}.")
        else:
            yield f"{before}{key}"


_LANGUAGE = re.compile(r"[a-z]{2,3}")  # ISO 639
_MACRO = re.compile(r"macros/[\w-]{1,50}\.txt")
_NO_LINKS = {"solved": "", "continue_": ""}
_NOTHING: dict[str, object] = {
    "ticket": None,
    "person": {"name": "", "address": ""},
    "author": None,
    "words": "",
    "attachments": [],
    "thread": [],
    "links": _NO_LINKS,
    "mailtos": _NO_LINKS,
    "reopen_until": None,
    "other": [],
    "follow_up_of": None,
    "verdict": "",
    "failure": None,
    "undelivered": [],
    "left_out": None,
    "holds": [],
    "note": "",
    "auto_solve_at": None,
    "is_auto_solved": False,
    "is_question": False,
    "is_too_late": False,
    "token_address": "",
    "form_url": "",
    "login_url": "",
    "minutes": 15,
    "cc": [],
    "claims": None,
    "claims_own": False,
    "is_note": False,
    "has_links": True,
    "hold": None,
    "echo": None,
    "by": "",
    "how": "",
    "days": 30,
    "fields": [],
    "problems": [],
    "catalogue": [],
    "languages": [],
    "tickets": [],
    "scope": "mine",
    "mailbox": "",
}


def _complete(letter: Letter, context: Mapping[str, object]) -> dict[str, object]:
    """The context with nothing where nothing was given, and what follows from the letter unless the caller knows."""
    follows = {
        "for_team": letter in FOR_TEAM,
        "reply_is_note": letter in _NOTES,
        "is_open_trust": context.get("verdict") == "open",
    }
    return {**_NOTHING, **follows, **context}
