"""The configuration: what is good loads, what is bad is told all at once, and the example says the truth."""

import copy
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from maild.config import Config, load
from maild.config_checks import check
from maild.config_values import Listener
from maild.core.errors import ConfigError
from maild.core.policy import Text
from maild.wiring import build_desk, reload

ROOT = Path(__file__).parents[1]
BAD = Path(__file__).parent / "bad_configs"
SECRET = "0123456789abcdef0123456789abcdef"  # 32 bytes, the least that will do
MINIMAL = """
[desk]
name = "Desk"
state_dir = "."
[[category]]
key = "billing"
title = "Billing"
address = "Billing@Desk.example"
team = ["team@office.example"]
[outbound]
relay = "smtp://relay.example"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with a secret, where configurations are written."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    return tmp_path


def loaded(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text)
    return load(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    return [line.replace(f"{folder}/", "") for line in caught.value.problems]


def test_three_things_are_enough(folder: Path) -> None:
    config = loaded(folder, MINIMAL)
    policy = config.policy()
    assert config.secrets() == (SECRET.encode(),)
    assert config.database == folder / "maild.db"
    assert config.smtp.listen == (Listener("127.0.0.1", 2525),)
    assert config.smtp.hostname
    assert config.outbound.relay == "smtp://relay.example:25"
    assert config.outbound.password() == ""
    assert policy.category("billing").address == "billing@desk.example"
    assert policy.default_category == "billing"
    assert policy.from_name == "Desk"
    assert policy.reopen_window == timedelta(hours=48)
    assert policy.trust.is_open


def test_everything_that_is_served_reaches_the_rules(folder: Path) -> None:
    (folder / "password").write_text("s3cret\n")
    config = loaded(
        folder,
        """
        [desk]
        name = "Кактус"
        language = "en"
        timezone = "Europe/Moscow"
        public_url = "http://127.0.0.1:8080/"
        general_address = "help@desk.example"
        default_category = "tech"
        subject_tag = "Кактус #"
        reopen_window = "90 min"
        auto_solve_after = 0
        hold_days = 7
        state_dir = "."
        [store]
        url = "sqlite:////srv/desk.db"
        [smtp]
        listen = "[::1]:25"
        max_size = "1 MiB"
        trusted_peers = ["127.0.0.1", "10.0.0.0/8"]
        [lmtp]
        listen = ["unix:/run/maild/lmtp.sock", "127.0.0.1:2424"]
        [trust]
        authserv_id = ""
        domains = "Пример.example"
        spam_field = "X-Spam-Flag:  YES"
        [outbound]
        relay = "maildir:out"
        username = "desk"
        password_file = "password"
        from_name = "Support"
        [budgets]
        per_hour = 5
        [[category]]
        key = "billing"
        title = { ru = "Счета", en = "Billing" }
        address = "billing@desk.example"
        team = ["team@office.example"]
        [[category.topic]]
        key = "refund"
        title = { ru = "Возврат" }
        [[category.topic.field]]
        key = "order"
        label = "Order"
        type = "choice"
        choices = ["a", "b"]
        required = true
        [[category]]
        key = "tech"
        title = "Tech"
        address = "tech@desk.example"
        team = ["team@office.example"]
        [[agent]]
        address = "Anna@office.example"
        categories = ["tech"]
        [agents]
        collision_window = "10s"
        [[form_sender]]
        address = "form@www.example"
        """,
    )
    policy = config.policy()
    topic = policy.category("billing").topics[0]
    assert (policy.public_url, policy.default_category) == ("http://127.0.0.1:8080", "tech")
    assert (policy.reopen_window, policy.auto_solve_after) == (timedelta(minutes=90), timedelta(0))
    assert policy.hold_days == timedelta(days=7)
    assert policy.collision_window == timedelta(seconds=10)
    assert policy.category("billing").title == Text(ru="Счета", en="Billing")
    assert topic.title == Text(ru="Возврат", en="Возврат")
    assert (topic.fields[0].choices, topic.fields[0].is_required) == (("a", "b"), True)
    assert policy.agents[0].address == "anna@office.example"
    assert policy.agents[0].language == "en"
    assert policy.form_senders == ("form@www.example",)
    assert policy.trust.authserv_ids == policy.trust.received_by == ("",)
    assert policy.trust.domains == ("xn--e1afmkfd.example",)
    assert policy.trust.spam_field == "X-Spam-Flag: YES"
    assert policy.budgets.per_hour == 5
    assert config.database == Path("/srv/desk.db")
    assert [str(listener) for listener in config.smtp.listen] == ["[::1]:25"]
    assert [str(listener) for listener in config.lmtp.listen] == ["unix:/run/maild/lmtp.sock", "127.0.0.1:2424"]
    assert config.smtp.max_size == 2**20
    assert config.outbound.relay == f"maildir:{folder}/out"
    assert config.outbound.password() == "s3cret"


IMAP = """
[[imap]]
name = "{name}"
role = "intake"
host = "imap.example"
username = "{name}"
password_file = "secret"
folder = "{folder}"
"""


def test_the_inbox_has_one_name_in_any_case(folder: Path) -> None:
    more = IMAP.format(name="support", folder="Inbox").replace("intake", "team") + 'folders = {sent = "inbox"}'
    config = loaded(folder, MINIMAL.replace("team =", 'folder = "InBox"\nteam =') + more)
    [mailbox] = config.imap
    assert [mailbox.folder, mailbox.folders.sent, config.category[0].folder] == ["INBOX"] * 3
    assert config.policy().queues[0].sent == "INBOX"
    twice = IMAP.format(name="support", folder="inbox")
    assert any(
        "the same mailbox" in line for line in problems(folder, MINIMAL + twice + twice.replace("inbox", "INBOX"))
    )


def test_a_mailbox_that_nobody_looks_after_yet_holds_up_no_ticket(folder: Path) -> None:
    desk = build_desk(loaded(folder, MINIMAL + IMAP.format(name="old", folder="INBOX")))
    more = "".join(IMAP.format(name=name, folder="INBOX") for name in ("old", "new"))
    try:
        reload(desk, loaded(folder, MINIMAL + '[trust]\nauthserv_id = "mx.desk.example"\n' + more))
    finally:
        desk.store.close()
    assert [mailbox.name for mailbox in desk.policy.mailboxes] == ["old"]
    assert desk.policy.mailboxes[0].trust.authserv_ids == desk.policy.trust.authserv_ids == ("mx.desk.example",)


def test_a_secret_may_come_from_a_systemd_credential(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = folder / "credentials"
    credentials.mkdir()
    (credentials / "secret").write_text(SECRET.upper())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    text = MINIMAL.replace('state_dir = "."', 'secret_file = "$CREDENTIALS_DIRECTORY/secret"')
    assert loaded(folder, text).secrets() == (SECRET.upper().encode(),)


@pytest.mark.parametrize("path", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_a_broken_configuration_is_told_line_by_line(path: Path, folder: Path) -> None:
    expected = path.with_suffix(".txt").read_text().splitlines()
    assert problems(folder, path.read_text()) == expected


def test_there_are_broken_configurations_to_play() -> None:
    assert len(list(BAD.glob("*.toml"))) >= 20
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in BAD.glob("*.toml")}


def test_a_file_that_is_not_there_or_not_utf8_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(folder / "nowhere.toml")
    assert caught.value.problems == [f"{folder}/nowhere.toml: No such file or directory"]
    (folder / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ConfigError) as caught:
        load(folder / "latin.toml")
    assert caught.value.problems == [f"{folder}/latin.toml: not UTF-8 at byte 8"]


def test_a_short_secret_is_refused(folder: Path) -> None:
    (folder / "secret").write_text(f"  {SECRET[:31]}  \n")
    assert problems(folder, MINIMAL) == [
        "config.toml: desk.secret_file: secret holds 31 bytes; a secret has at least 32"
    ]


def test_the_configuration_loads_quickly() -> None:
    measure = "import time; t = time.process_time(); import maild.config; print(time.process_time() - t)"

    def cost() -> float:
        return float(subprocess.run([sys.executable, "-c", measure], check=True, capture_output=True, cwd=ROOT).stdout)

    assert any(cost() < 0.5 for _ in range(5))  # a busy machine makes one of them dear, not all


# config.example.toml

EXAMPLE = (ROOT / "config.example.toml").read_text()
COMPLETE = tomllib.loads(re.sub(r'^#(?=[a-z_]+ = |\[|")', "", EXAMPLE, flags=re.MULTILINE))


def test_the_example_loads(folder: Path) -> None:
    here = re.sub(r'^#state_dir = ".*"$', 'state_dir = "."', EXAMPLE, flags=re.MULTILINE)
    config = loaded(folder, here)
    assert config.policy().name == "Example desk"


def inner_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a table or array of tables, None for a plain value."""
    found = [field.annotation, *get_args(field.annotation)]
    return next((each for each in found if isinstance(each, type) and issubclass(each, BaseModel)), None)


def fields_of(model: type[BaseModel], table: Any, where: str = "") -> Iterator[tuple[str, FieldInfo, Any]]:
    """Every plain key of the model with its path and what the example says; `...` if it says nothing."""
    table = table[0] if isinstance(table, list) else table
    for name, field in model.model_fields.items():
        value = table.get(name, ...)
        inner = inner_model(field)
        if inner is None:
            yield f"{where}{name}", field, value
        else:
            yield from fields_of(inner, {} if value is ... else value, f"{where}{name}.")


FIELDS = list(fields_of(Config, COMPLETE))
COMPUTED = {
    "desk.secret_file": "/var/lib/maild/secret",  # state_dir / "secret"
    "smtp.hostname": "mail.example.com",  # differs from machine to machine
}


def test_the_example_has_every_key() -> None:
    assert [where for where, _, value in FIELDS if value is ...] == []
    assert len(FIELDS) >= 100


def test_the_example_shows_the_defaults() -> None:
    for where, field, value in FIELDS:
        if where in COMPUTED:
            assert value == COMPUTED[where]
        elif not field.is_required() and field.default not in (None, {}):
            written: TypeAdapter[Any] = TypeAdapter(Annotated[(field.annotation, *field.metadata, None)])  # type: ignore[arg-type]
            assert written.validate_python(value) == field.default, where


def test_every_key_of_the_example_has_its_comment() -> None:
    lines = EXAMPLE.splitlines()
    keys = [index for index, line in enumerate(lines) if re.match(r'#?("[^"]+"|[a-z_]+) = ', line)]
    bare = [lines[index] for index in keys if not lines[index - 1].startswith("# ")]
    assert [line.partition(" = ")[0] for line in bare] == ['#"anna@example.com"']


# Shapes nobody thought of

ODD: list[object] = [None, True, -1, 2.5, "", "\x00", "é" * 300, [], [[]], [{}], {}, {"": {"": 1}}, {"ru": None}]


def places(value: Any, where: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    """The path of every table, list and value."""
    yield where
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*where, key))


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_odd_value_anywhere_is_told_and_never_a_traceback(odd: object) -> None:
    for where in list(places(COMPLETE))[1:]:
        raw = copy.deepcopy(COMPLETE)
        table: Any = raw
        for key in where[:-1]:
            table = table[key]
        table[where[-1]] = odd
        assert all(where and why for where, why in check(raw))
        with pytest.raises(ValidationError):  # if not for the odd value, for the files of the example
            Config.model_validate(raw)
