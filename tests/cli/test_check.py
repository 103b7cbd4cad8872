"""`maild check`: each line ok, a warning or what to do; the exit status says whether anything is wrong."""

import shutil
from pathlib import Path

import pytest

from maild.cli.findings import _clock
from maild.mime.render import templates_dir
from tests.cli.conftest import QUESTION, REST, MakeTrial, Trial
from tests.mailin.tls import certificate
from tests.servers import free_port
from tests.smtpsink import SmtpSink

OPEN_TRUST = REST.partition("[trust]")[0]


def checked(trial: Trial) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit status, and for each thing looked at its level and words (of the last line, if there are several)."""
    ran = trial.cli("check")
    assert ran.stderr == ""
    lines = [line.split(maxsplit=2) for line in ran.stdout.splitlines()]
    return ran.returncode, {what.rstrip(":"): (level, words) for level, what, words in lines}


def test_a_desk_in_good_order_has_nothing_but_ok(trial: Trial) -> None:
    trial.put(QUESTION)
    status, found = checked(trial)
    assert (status, {level for level, _ in found.values()}) == (0, {"ok"})
    assert found.keys() == {"config", "database", "trust", "agent", "relay", "templates", "disk", "clock"}
    assert found["trust"][1] == "senders are verified by mx.desk.example; among the last 1 mail: mx.desk.example (1)"
    assert found["agent"][1] == "anna@office.example, billing-team@office.example: no mail lately, so not known"


def test_a_database_that_is_not_there_is_not_made(trial: Trial) -> None:
    status, found = checked(trial)
    assert (status, found["database"][0]) == (0, "ok")
    assert "not there yet" in found["database"][1]
    assert not (trial.folder / "maild.db").exists()


def test_agents_are_counted_in_words(make_trial: MakeTrial) -> None:
    one = checked(make_trial())[1]["config"][1]
    two = checked(make_trial(rest=REST + '[[agent]]\naddress = "boris@office.example"\n'))[1]["config"][1]
    assert (one.rpartition(", ")[2], two.rpartition(", ")[2]) == ("1 agent", "2 agents")


def test_a_directory_that_is_not_there_is_announced_and_not_made(make_trial: MakeTrial, tmp_path: Path) -> None:
    path = tmp_path / "later/state/maild.db"
    status, found = checked(make_trial(rest=f'{REST}[store]\nurl = "sqlite://{path}"\n'))
    words = f"{path}: not there yet, made by the first `maild serve`, together with its directory"
    assert (status, found["database"]) == (0, ("ok", words))
    assert not (tmp_path / "later").exists()


def test_open_trust_is_a_loud_warning_that_names_what_mail_carries(make_trial: MakeTrial) -> None:
    trial = make_trial(rest=OPEN_TRUST)
    trial.put(QUESTION)
    status, found = checked(trial)
    assert (status, found["trust"][0]) == (0, "warning")
    assert "SENDERS ARE NOT VERIFIED" in found["trust"][1]
    assert "trust.verify = true" in found["trust"][1]
    assert found["trust"][1].endswith("among the last 1 mail: mx.desk.example (1)")


def test_an_id_that_no_mail_carries_is_doubted(make_trial: MakeTrial) -> None:
    trial = make_trial(rest=REST.replace("mx.desk.example", "mx.dsek.example"))
    trial.put(QUESTION)
    level, words = checked(trial)[1]["trust"]
    assert level == "warning"
    assert words == (
        "senders would be verified by mx.dsek.example; among the last 1 mail: mx.desk.example (1):"
        " is trust.authserv_id right?"
    )


def test_an_agent_who_would_be_believed_is_named(make_trial: MakeTrial) -> None:
    trial = make_trial(rest=REST)
    trial.put(QUESTION.replace(b"firma.example", b"office.example").replace(b"Ivan@", b"anna@"))
    assert checked(trial)[1]["agent"] == ("ok", "anna@office.example: verified, as mail 1 shows")


def test_an_agent_whose_mail_is_held_is_named(trial: Trial) -> None:
    trial.put(QUESTION.replace(b"Ivan@firma.example", b"anna@office.example"))
    status, found = checked(trial)
    assert (status, found["agent"][0]) == (0, "warning")
    assert found["agent"][1].startswith("anna@office.example: mail 1 is unverified, and such mail is held")
    assert found["mail"] == ("warning", "1 held: see `maild hold list`")


def test_a_relay_is_asked_for_its_greeting(make_trial: MakeTrial, sink: SmtpSink) -> None:
    status, found = checked(make_trial(relay=sink.url))
    assert (status, found["relay"]) == (0, ("ok", f"{sink.url}: answers, without TLS"))
    assert found["sender"][0] == found["plus"][0] == "ok"
    assert sink.letters == []
    assert sink.connections == 1


def test_a_relay_that_does_not_answer_is_an_error(make_trial: MakeTrial) -> None:
    url = f"smtp://127.0.0.1:{free_port()}"
    status, found = checked(make_trial(relay=url))
    assert (status, found["relay"][0]) == (1, "error")
    assert found["relay"][1].startswith(f"{url}: Connection refused; letters wait")


def relay_words(trial: Trial) -> dict[str, tuple[str, str]]:
    """What is said of envelope senders and plus-addresses."""
    found = checked(trial)[1]
    return {what: found[what] for what in ("sender", "plus")}


def test_a_relay_that_forces_the_sender_is_found_out_and_the_setting_named(
    make_trial: MakeTrial, sink: SmtpSink
) -> None:
    sink.answer("mail", "553 5.7.1 sender is not yours", to="billing+b", prefix=True)
    level, words = relay_words(make_trial(relay=sink.url))["sender"]
    assert level == "warning"
    assert words == (
        "billing+b…@desk.example is refused (553 5.7.1 sender is not yours) and billing@desk.example is taken:"
        " set outbound.verp = false"
    )
    right = make_trial(relay=sink.url, outbound="verp = false")
    assert relay_words(right)["sender"][1].endswith("outbound.verp is right")
    assert sink.letters == []


def test_a_relay_that_takes_every_sender_may_have_verp_on(make_trial: MakeTrial, sink: SmtpSink) -> None:
    level, words = relay_words(make_trial(relay=sink.url, outbound="verp = false"))["sender"]
    assert (level, "outbound.verp = true would be" in words) == ("ok", True)


@pytest.mark.parametrize(("reply", "level"), [("550 5.7.1 not you", "error"), ("450 4.7.1 not now", "warning")])
def test_a_relay_that_does_not_take_the_desk_itself_is_told(
    make_trial: MakeTrial, sink: SmtpSink, reply: str, level: str
) -> None:
    sink.answer("mail", reply)
    found = relay_words(make_trial(relay=sink.url))["sender"]
    assert found[0] == level
    assert reply in found[1]


def test_a_server_without_plus_addresses_is_found_out_and_the_setting_named(
    make_trial: MakeTrial, sink: SmtpSink
) -> None:
    sink.answer("rcpt", "550 5.1.1 no such user", to="billing+t", prefix=True)
    level, words = relay_words(make_trial(relay=sink.url))["plus"]
    assert level == "warning"
    assert words.endswith("(550 5.1.1 no such user): set desk.subaddress = false")
    right = make_trial(relay=sink.url, desk="subaddress = false")
    assert relay_words(right)["plus"] == ("ok", words.replace("set desk", "desk") + " is right")


def test_what_only_a_mail_from_outside_can_show_is_said(make_trial: MakeTrial, sink: SmtpSink) -> None:
    level, words = relay_words(make_trial(relay=sink.url))["plus"]
    assert level == "ok"
    assert "write to billing+trial@desk.example from outside" in words


def test_a_mail_that_came_to_a_plus_address_is_proof(make_trial: MakeTrial, sink: SmtpSink) -> None:
    trial = make_trial(relay=sink.url)
    trial.put(QUESTION, to="billing+refund@desk.example")
    assert relay_words(trial)["plus"] == ("ok", "mail to plus-addresses arrives, mail 1 for one")


def test_a_relay_that_takes_less_than_we_would_send_is_told(make_trial: MakeTrial, sink: SmtpSink) -> None:
    sink.answer("ehlo", "250-sink.example\r\n250 SIZE 1048576")
    assert checked(make_trial(relay=sink.url))[1]["relay"] == (
        "warning",
        "takes no letter above 1048576 octets: set outbound.max_size = 1048576",
    )


def test_a_wrong_configuration_ends_with_78_and_all_its_problems(trial: Trial) -> None:
    trial.config.write_text('[desk]\nname = ""\ncolour = "red"\n')
    ran = trial.cli("check")
    assert ran.returncode == 78
    lines = ran.stdout.splitlines()
    assert len(lines) > 2
    assert all(line.startswith(f"error    config:    {trial.config}: ") for line in lines)


def test_a_template_that_is_missing_is_named(make_trial: MakeTrial, tmp_path: Path) -> None:
    own = tmp_path / "templates"
    shutil.copytree(templates_dir(), own)
    (own / "ru/answer.html").unlink()
    status, found = checked(make_trial(desk=f'templates = "{own}"'))
    assert (status, found["templates"]) == (1, ("error", f"{own}/ru/answer.html: missing"))


def test_another_secret_than_the_databases_is_an_error(trial: Trial) -> None:
    trial.put(QUESTION)
    (trial.folder / "secret").write_text("another secret that is long enough for this")
    status, found = checked(trial)
    assert (status, found["database"][0]) == (1, "error")
    assert "desk.secret_file" in found["database"][1]


@pytest.mark.parametrize(("monotonic", "wall", "level"), [(1, 1.1, "ok"), (1, 3601, "warning"), (1, -3600, "warning")])
def test_a_clock_that_jumps_is_noticed(monotonic: float, wall: float, level: str) -> None:
    assert _clock(monotonic, wall).level == level


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [("90", "ok", "good until"), ("3", "warning", "renew it")],
)
def test_the_end_of_the_certificate_is_named(trial: Trial, days: str, level: str, words: str) -> None:
    made, key = certificate(trial.folder, days)
    tls = f'[smtp]\ntls_cert = "{made.name}"\ntls_key = "{key.name}"\n'
    trial.config.write_text(trial.config.read_text().replace("[smtp]\n", tls))
    found = checked(trial)[1]["tls"]
    assert found[0] == level
    assert words in found[1]


def test_a_certificate_with_another_key_is_an_error(trial: Trial) -> None:
    made, _ = certificate(trial.folder)
    other = trial.folder / "other"
    other.mkdir()
    tls = f'[smtp]\ntls_cert = "{made.name}"\ntls_key = "{certificate(other)[1]}"\n'
    trial.config.write_text(trial.config.read_text().replace("[smtp]\n", tls))
    assert checked(trial)[1]["tls"][0] == "error"


@pytest.mark.parametrize(("raw", "is_told"), [(0, True), (366, True), (365, False)])
def test_words_that_outlive_their_ticket_in_raw_mail_are_told(
    make_trial: MakeTrial, raw: int, *, is_told: bool
) -> None:
    rest = f"{REST}[retention]\nclosed = 365\nraw = {raw}\n"
    assert ("retention" in checked(make_trial(rest=rest))[1]) == is_told
