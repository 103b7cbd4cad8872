"""The systemd unit is one that systemd understands and finds well locked up."""

import subprocess
from pathlib import Path

import pytest

from tests.servers import ROOT, require

UNIT = ROOT / "systemd/maild.service"


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    require("systemd-analyze")
    return subprocess.run(["systemd-analyze", *arguments], check=False, capture_output=True, text=True)


@pytest.mark.system
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/maild/bin/maild", "/usr/bin/env"))  # verify wants a program there
    verified = analyze("verify", "--recursive-errors=no", unit)
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.system
def test_the_unit_is_exposed_little() -> None:
    threshold = "20"  # tenths: 2.0 of 10
    checked = analyze("security", "--offline=true", "--no-pager", f"--threshold={threshold}", UNIT)
    assert checked.returncode == 0, checked.stdout[-200:]
