"""`maild migrate`: the schema on PostgreSQL, what nodes must agree on, and the way there from SQLite."""

import pytest

from maild.config import load
from maild.core.errors import ConfigError
from maild.store.move import TABLES
from maild.wiring import build_desk, check_routing, reload
from tests.cli.conftest import QUESTION, REST, MakeTrial, Trial
from tests.servers import Postgres

SHOWN = (("mail", "list"), ("ticket", "list"), ("ticket", "show", "2"), ("outbox", "list"))


def on(url: str, rest: str = REST) -> dict[str, str]:
    """Options of a trial on that database."""
    return {"rest": f'{rest}[store]\nurl = "{url}"\n'}


def test_postgresql_is_migrated_by_this_command_only(make_trial: MakeTrial, postgres_server: Postgres) -> None:
    url = postgres_server.create()
    trial = make_trial(**on(url))
    status, words = trial.refused("ticket", "list")
    assert status == 78
    assert "store.url: the schema lacks 0001_begin, 0002_unreachable, " in words
    assert ": run `maild migrate` first" in words
    for _ in range(2):
        assert trial.said("migrate") == "PostgreSQL: up to date\n"
    assert trial.said("ticket", "list", "--json") == ""
    postgres_server.drop(url)


def test_another_secret_is_refused(make_trial: MakeTrial, postgres_url: str) -> None:
    trial = make_trial(**on(postgres_url))
    trial.said("ticket", "list", "--json")
    (trial.folder / "secret").write_text("another secret, which is long enough too")
    status, words = trial.refused("ticket", "list")
    assert status == 78
    assert "is not the secret this database was made with" in words


def test_nodes_with_another_routing_are_refused_until_it_is_accepted(make_trial: MakeTrial, postgres_url: str) -> None:
    trial = make_trial(**on(postgres_url))
    config = load(trial.config)
    with trial.desk() as first:
        check_routing(first, first.policy)
        check_routing(first, first.policy)
        renamed = make_trial(**on(postgres_url, REST.replace("billing@desk", "invoices@desk")))
        with renamed.desk() as second, pytest.raises(ConfigError) as refused:
            check_routing(second, second.policy)
        assert str(refused.value) == (
            "category: this database is served with billing@desk.example → billing; here it is"
            " invoices@desk.example → billing (`maild migrate --accept-routing`)"
        )
        with pytest.raises(ConfigError, match="this database is served with"):
            reload(first, load(renamed.config))
        assert first.policy.categories[0].address == "billing@desk.example"
        assert "nodes now start with the categories of this configuration" in renamed.said(
            "migrate", "--accept-routing"
        )
        reload(first, load(renamed.config))
        assert first.policy.categories[0].address == "invoices@desk.example"
        with pytest.raises(ConfigError, match="this database is served with invoices@"):
            reload(first, config)


def test_one_node_on_sqlite_may_change_its_routing(make_trial: MakeTrial) -> None:
    for rest in (REST, REST.replace("billing@desk", "invoices@desk")):
        desk = build_desk(load(make_trial(rest=rest).config))
        check_routing(desk, desk.policy)
        desk.store.close()


def test_a_desk_moves_to_postgresql_with_everything_it_has(
    make_trial: MakeTrial, trial: Trial, postgres_url: str
) -> None:
    for number in (1, 2, 3):
        trial.put(QUESTION.replace(b"q1@", b"q%d@" % number))
    trial.put(QUESTION.replace(b"q1@", b"q4@"), is_understood=False)
    with trial.desk() as desk:  # a number that has been used, by a row that is gone
        desk.store.run_now(lambda tx: tx.run("DELETE FROM tickets WHERE number = 3"))
        desk.store.run_now(lambda tx: tx.run("UPDATE tickets SET topic = ? WHERE number = 1", "with \0 in it"))
    shown = [trial.json(*command) for command in SHOWN]

    lines = [line.split() for line in trial.said("migrate", "--to", postgres_url).splitlines()]
    copied = {words[0]: (int(words[1]), words[-1]) for words in lines[:-1]}
    assert tuple(copied) == TABLES
    assert (copied["mails"][0], copied["tickets"][0], copied["outbox"][0], copied["nonces"][0]) == (4, 2, 6, 0)
    assert all(len(checksum) == 64 for _, checksum in copied.values())
    assert " ".join(lines[-1]) == "everything is there, compared row by row; now set store.url"

    status, words = trial.refused("migrate", "--to", postgres_url)
    assert status == 78
    assert "--to: the database is not empty: there are rows in settings, mails" in words

    moved = make_trial(**on(postgres_url))
    shown[1][0]["topic"] = "with \ufffd in it"
    assert [moved.json(*command) for command in SHOWN] == shown
    moved.put(QUESTION.replace(b"q1@", b"q5@"), is_understood=False)
    assert [mail["state"] for mail in moved.json("mail", "list")] == ["done", "done", "done", "spooled", "spooled"]
    opened = moved.said(
        "ticket", "open", "--customer", "ivan@firma.example", "--category", "billing", "--subject", "x", "--text", "y"
    )
    assert "4" in opened, "numbers go on, and none comes twice"
    assert [row["number"] for row in moved.json("ticket", "list")] == [1, 2, 4]


def test_what_cannot_be_moved_is_told(make_trial: MakeTrial, trial: Trial, postgres_url: str) -> None:
    for url, words in (
        ("mysql://host/db", "postgresql://"),
        ("postgresql://anna:hunter2@host/db", "PGPASSFILE"),
        ("postgresql://host/db?password=hunter2", "PGPASSFILE"),
    ):
        status, said = trial.refused("migrate", "--to", url)
        assert status == 64
        assert words in said
        assert "hunter2" not in said
    status, said = make_trial(**on(postgres_url)).refused("migrate", "--to", postgres_url)
    assert (status, "store.url is PostgreSQL already" in said) == (64, True)


def test_check_looks_at_postgresql(make_trial: MakeTrial, postgres_url: str) -> None:
    trial = make_trial(**on(postgres_url))
    assert "PostgreSQL, this release's schema, every commit synchronised to disk" in trial.cli("check").stdout
    with trial.desk() as desk:
        check_routing(desk, desk.policy)
    renamed = make_trial(**on(postgres_url, REST.replace("billing@desk", "invoices@desk")))
    assert "this database is served with billing@desk.example" in renamed.cli("check").stdout
