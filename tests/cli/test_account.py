"""`maild account`: guests of accounts, from the command line, with a line in the audit list for each act."""

from tests.cli.conftest import MOMENT, Trial

OWNER, GUEST = "ivan@firma.example", "olga@firma.example"


def test_a_guest_is_let_in_listed_and_let_out(trial: Trial) -> None:
    assert trial.said("account", "grant", OWNER.upper(), GUEST).startswith(f"{GUEST}: has access")
    assert "had access already" in trial.said("account", "grant", OWNER, GUEST)
    [found] = trial.json("account", "list")
    assert MOMENT.fullmatch(found.pop("at"))
    assert found == {"owner": OWNER, "guest": GUEST}
    assert GUEST in trial.said("account", "list")
    trial.said("account", "revoke", OWNER, GUEST)
    assert trial.json("account", "list") == []
    acts = [(act["act"], act["via"], act["what"]) for act in trial.json("audit", "list")]
    assert acts == [
        ("access granted", "cli", f"account {OWNER}"),
        ("access revoked", "cli", f"account {OWNER}"),
    ]
