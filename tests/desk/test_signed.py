"""A desk with a DKIM key: letters are signed before their bytes are fixed, so that every attempt sends the same."""

import asyncio
import subprocess
from pathlib import Path

import dkim
import pytest

from maild.config import load
from maild.core.errors import ConfigError
from maild.desk.letters import freeze
from maild.store import outbox
from maild.wiring import build_desk, signer_for
from tests.desk.conversation import conversation
from tests.factory import make_desk
from tests.servers import require
from tests.values import IVAN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory of a desk whose configuration names a key."""
    require("openssl")
    subprocess.run(["openssl", "genrsa", "-out", tmp_path / "dkim.key", "2048"], check=True, capture_output=True)
    with make_desk(tmp_path):
        pass
    config = tmp_path / "config.toml"
    lines = '[outbound]\ndkim_key = "dkim.key"\ndkim_selector = "desk1"'
    config.write_text(config.read_text().replace("[outbound]", lines))
    return tmp_path


def test_every_letter_is_signed_for_its_from_domain_and_only_once(folder: Path) -> None:
    public = subprocess.run(
        ["openssl", "rsa", "-in", folder / "dkim.key", "-pubout"], check=True, capture_output=True
    ).stdout.decode()
    record = f"v=DKIM1; k=rsa; p={''.join(public.splitlines()[1:-1])}".encode()

    async def main() -> None:
        sign = signer_for(load(folder / "config.toml"))
        async with conversation(folder / "talk") as talk:
            talk.desk.sign = sign
            await talk.mail(IVAN.address, "Где мой счёт?")
            rows = await talk.desk.store.run(outbox.claim, talk.clock(), 9)
            first = [await freeze(talk.desk, row) for row in rows]
            talk.clock.moment += outbox.LEASE * 2
            again = await talk.desk.store.run(outbox.claim, talk.clock(), 9)
            assert [row.frozen for row in again] == [row.frozen for row in first]
            for row in first:
                assert row.frozen is not None
                assert b" d=desk.example;" in row.frozen
                assert dkim.verify(row.frozen, dnsfunc=lambda name, timeout=5: record)

    (folder / "talk").mkdir()
    asyncio.run(main())


def test_a_file_that_is_no_key_stops_the_start(folder: Path) -> None:
    (folder / "dkim.key").write_text("a secret")
    with pytest.raises(ConfigError, match=r"outbound\.dkim_key: .*dkim\.key: not an RSA private key in PEM"):
        build_desk(load(folder / "config.toml"))


def test_without_the_extra_the_start_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maild.config_checks.is_available", lambda: False)
    with pytest.raises(ConfigError) as caught:
        load(folder / "config.toml")
    assert [line.partition(": ")[2] for line in caught.value.problems] == [
        'outbound.dkim_key: needs the extra dkim: pip install "maild[dkim]"'
    ]
