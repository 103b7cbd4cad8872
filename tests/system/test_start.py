"""Starting, reloading and stopping the real program; what it says of all that is wrong, and what it never logs."""

import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from maild.mime.render import templates_dir
from tests.conftest import StartMaild
from tests.servers import MaildProcess, until
from tests.smtpsink import SmtpSink
from tests.system.browser import ask, press
from tests.system.people import (
    ANNA,
    BILLING,
    IVAN,
    TEAM,
    all_sent,
    links_in,
    submit,
    ticket,
    token_addresses_in,
    trusting,
    write,
)

pytestmark = pytest.mark.system

CONFIG_WRONG = 78  # EX_CONFIG of sysexits(3)


def templates_in(folder: Path) -> Path:
    copied = folder / "templates"
    shutil.copytree(templates_dir(), copied)
    return copied


def refused(desk: MaildProcess) -> str:
    """What `serve` says before it ends with 78."""
    ran = desk.cli("serve")
    assert ran.returncode == CONFIG_WRONG, ran.stderr
    assert "maild ready" not in ran.stdout
    assert "Traceback" not in ran.stderr
    return ran.stderr


def test_a_broken_template_stops_the_start_with_its_name(folder: Path, sink: SmtpSink) -> None:
    broken = templates_in(folder) / "ru/answer.txt"
    broken.write_text(broken.read_text() + "{{ customers_shoe_size }}{% if %}")
    desk = MaildProcess(folder, sink.url, desk='templates = "templates"')
    assert "ru/answer.txt" in refused(desk)
    broken.write_text("{{ customers_shoe_size }}")
    said = refused(desk)
    assert "ru/answer.txt" in said
    assert "customers_shoe_size" in said


def test_a_missing_language_stops_the_start(folder: Path, sink: SmtpSink) -> None:
    shutil.rmtree(templates_in(folder) / "en")
    said = refused(MaildProcess(folder, sink.url, desk='templates = "templates"'))
    assert "templates/en" in said


def test_everything_that_is_wrong_is_told_at_once(folder: Path, sink: SmtpSink) -> None:
    (templates_in(folder) / "en/solved.html").unlink()
    (folder / "maild.db").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        desk = MaildProcess(folder, sink.url, desk='templates = "templates"')
        desk.config.write_text(desk.config.read_text().replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"', 1))
        said = refused(desk)
    assert "en/solved.html" in said
    assert f"smtp.listen: 127.0.0.1:{port}" in said
    assert "maild.db" in said


def test_a_secret_that_cannot_be_read_stops_the_start(folder: Path, sink: SmtpSink) -> None:
    desk = MaildProcess(folder, sink.url)
    (folder / "secret").unlink()
    said = refused(desk)
    assert "desk.secret_file" in said
    assert str(folder / "secret") in said
    (folder / "secret").mkdir()
    assert "desk.secret_file" in refused(desk)
    (folder / "secret").rmdir()
    (folder / "secret").write_text("short")
    said = refused(desk)
    assert "desk.secret_file" in said
    assert "short\n" not in said


def test_it_stops_in_good_order_with_clients_connected(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    write(desk, "Вопрос")
    sink.wait(IVAN)
    clients = [socket.create_connection(("127.0.0.1", desk.port(door)), 10) for door in ("smtp", "lmtp", "http", "ops")]
    clients[2].sendall(b"GET /a/x HTTP/1.1\r\nHost:")  # and no more
    busy = socket.create_connection(("127.0.0.1", desk.port("smtp")), 10)
    commands = f"EHLO x\r\nMAIL FROM:<{IVAN}>\r\nRCPT TO:<{BILLING}>\r\nDATA\r\nSubject: half\r\n"
    busy.recv(200)
    for line in commands.splitlines(keepends=True):
        busy.sendall(line.encode())
        time.sleep(0.05)  # a client that talks like a person
    began = time.monotonic()
    assert desk.stop(20) == 0
    took = time.monotonic() - began
    for client in (*clients, busy):
        client.close()
    assert took < 10, took
    desk.start()
    assert ticket(desk)["status"] == "new"
    assert len(desk.json("mail", "list")) == 1  # the half mail was never answered
    write(desk, "Ещё вопрос")
    sink.wait(IVAN, 2)
    assert "Traceback" not in desk.log()


def test_a_reload_brings_new_categories_and_refuses_broken_ones(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    good = desk.config.read_text()
    desk.config.write_text(good + '[[category]]\nkey = "law"\ntitle = "Law"\naddress = "law@desk.example"\nteam = 17\n')
    desk.signal(signal.SIGHUP)
    until(lambda: "not reloaded" in desk.log(), "the broken configuration is refused")
    write(desk, "Вопрос")
    category = '[[category]]\nkey = "law"\ntitle = "Law"\naddress = "law@desk.example"\nteam = ["law@office.example"]\n'
    desk.config.write_text(good + category)
    desk.signal(signal.SIGHUP)
    until(lambda: "reloaded agents" in desk.log(), "the configuration is reloaded")
    write(desk, "Вопрос юристу", to="law@desk.example")
    sink.wait("law@office.example")
    assert [row["category"] for row in desk.json("ticket", "list")] == ["billing", "law"]


def test_systemd_hears_that_it_is_ready_alive_and_stopping(
    start_maild: StartMaild, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(folder / "notify"))
        channel.settimeout(120)
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        desk = start_maild()
        heard = [channel.recv(200).decode()]
        while heard.count("WATCHDOG=1") < 3:
            heard.append(channel.recv(200).decode())
        assert heard.count("READY=1") == 1
        assert desk.stop() == 0
        while heard[-1] != "STOPPING=1":
            heard.append(channel.recv(200).decode())
    assert set(heard) == {"READY=1", "WATCHDOG=1", "STOPPING=1"}


def test_logs_hold_ids_and_reasons_and_nothing_people_wrote(start_maild: StartMaild, sink: SmtpSink) -> None:
    desk = start_maild(**trusting())
    write(desk, "канарейка-тело", subject="канарейка-тема", fields={"X-Field": "canary-field"})
    notification = sink.wait(TEAM)[0]
    write(desk, "#решено\nканарейка-ответ", sender=ANNA, answers=notification)
    solved = sink.wait(IVAN, 2)[-1]
    yes, no = links_in(solved)
    assert ask("GET", yes).status == 200
    assert press(no).status == 200
    sink.wait(TEAM, 3)
    assert ask("GET", f"{desk.url}/a/canarytoken").status == 404
    submit(desk, b"\xff\xfe canary-mess\r\n\r\ncanary", "canary-sender@firma.example")
    all_sent(desk, 5)
    assert desk.cli("ticket", "reply", "1", "--text", "канарейка-команда").returncode == 0
    assert desk.stop() == 0
    log = desk.log()
    assert "mail 1: done" in log
    tokens = {url.rpartition("/")[2] for url in (yes, no)}
    tokens |= {address.partition(".")[2].partition("@")[0] for letter in sink.letters
               for address in token_addresses_in(letter)}  # fmt: skip
    assert len(tokens) >= 4
    for secret in {"канарейка", "canary", IVAN, ANNA, *tokens}:
        assert secret not in log
