"""`maild smtp password`: from a person's word to a line of the configuration."""

import tomllib

from maild.core.passwords import is_password, read_hash
from tests.cli.conftest import run_here


def test_the_line_is_toml_and_keeps_no_password() -> None:
    ran = run_here("smtp", "password", "Anna@Office.example", stdin="слово\n")
    assert (ran.returncode, ran.stderr) == (0, "")
    ((address, kept),) = tomllib.loads(ran.stdout).items()
    assert address == "anna@office.example"
    assert is_password("слово", read_hash(kept))
    assert ran.stdout != run_here("smtp", "password", "Anna@Office.example", stdin="слово\n").stdout


def test_no_password_and_no_address_are_refused() -> None:
    assert run_here("smtp", "password", "anna@office.example", stdin="\n").returncode == 64
    assert run_here("smtp", "password", "anna", stdin="слово\n").returncode == 64
