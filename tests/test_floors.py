"""The floors hold: nothing imports upwards or sideways, the rules stay pure, each package is at home in one place."""

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "maild"
FLOORS = {"core": 0, "mime": 1, "store": 1, "desk": 2, "mailin": 3, "mailbox": 3, "mailout": 3, "web": 3}
TOP = 4  # cli/, daemon.py, jobs.py, config.py: the wiring, whose files may import each other

HOMES = {
    "aioimaplib": "mailbox/connection.py",
    "aiosmtpd": "mailin/",
    "aiosmtplib": "mailout/",
    "authres": "core/authresults.py",
    "chardet": "mime/charset.py",
    "click": "cli/",
    "dkim": "mime/sign",  # .py and atures.py: those that leave and those that come in
    "dns": "mailin/lookup.py",
    "flufl": "mime/report.py",
    "httpx": "oauth.py",
    "idna": "core/address.py",
    "isal": "store/packing.py",
    "itsdangerous": "core/tokens.py",
    "jinja2": "mime/render.py",
    "lxml": "mime/",
    "mailparser": "mime/",
    "markupsafe": "mime/render.py",
    "nh3": "mime/clean.py",
    "peewee": "store/",
    "playhouse": "store/",
    "prometheus_client": "web/",
    "psycopg": "store/",
    "publicsuffixlist": "core/domains.py",
    "pydantic": "config",
    "pygments": "mime/code.py",
    "pydantic_core": "config",
    "rich": "cli/",
    "schedule": "jobs.py",
    "spf": "mailin/spf_check.py",
    "starlette": "web/",
    "uvicorn": "web/",
    "uvloop": "cli/serve.py",
}
USED_BY_OTHERS = {"python-multipart", "tzdata"}  # by starlette for forms, by zoneinfo for time zones
IMPURE = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "subprocess", "time"}
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


@functools.cache
def files() -> list[tuple[str, ast.Module]]:
    """Every source file of the package, by its path inside it."""
    return [(path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text())) for path in PACKAGE.rglob("*.py")]


def imports(file: str, tree: ast.Module) -> Iterator[str]:
    """The dotted names of everything a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_nothing_imports_upwards_or_sideways() -> None:
    for file, tree in files():
        folder = file.partition("/")[0]
        for name in imports(file, tree):
            root, _, rest = name.partition(".")
            target = rest.partition(".")[0]
            if root == "maild" and target not in ("__version__", folder):
                floor, below = FLOORS.get(folder, TOP), FLOORS.get(target, TOP)
                assert below < floor or floor == TOP, f"{file} imports {name}"


def test_each_package_is_imported_in_one_place() -> None:
    for file, tree in files():
        for name in imports(file, tree):
            root = name.partition(".")[0]
            if root != "maild" and root not in sys.stdlib_module_names:
                assert root in HOMES, f"{file} imports {root}, which has no home yet"
                assert file.startswith(HOMES[root]), f"{file} imports {root}, whose home is {HOMES[root]}"


def test_no_home_is_empty_and_no_dependency_idle() -> None:
    imported = {name.partition(".")[0] for file, tree in files() for name in imports(file, tree)}
    assert set(HOMES) - imported == set()
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    wanted = {distribution(re.split(r"[<>=!~ ;]", each)[0]) for each in project["dependencies"]}
    providers = packages_distributions()
    provided = {distribution(name) for module in imported for name in providers.get(module, ())}
    assert wanted - provided == USED_BY_OTHERS


def distribution(name: str) -> str:
    """The name of a package as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_rules_touch_nothing_outside() -> None:
    for file, tree in files():
        if not file.startswith("core/"):
            continue
        assert {name.partition(".")[0] for name in imports(file, tree)} & IMPURE == set(), file
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert called & CLOCKS == set(), f"{file} asks for the time"
