"""A new secret: old links go on working as long as the old secret is named among the retired ones."""

from maild.core.tokens import Action, Claim, action_token, read_action
from tests.cli.conftest import MakeTrial

CLAIM = Claim(1, "ivan@firma.example", Action.SOLVED)
NEW = "a new secret, which is long enough as well"


def test_a_retired_secret_goes_on_verifying_until_it_is_left_out(make_trial: MakeTrial) -> None:
    trial = make_trial()
    with trial.desk() as desk:
        old_token = action_token(desk.keys, CLAIM)
    (trial.folder / "secret").rename(trial.folder / "secret.old")
    (trial.folder / "secret").write_text(NEW)
    status, words = trial.refused("ticket", "list")
    assert (status, "is not the secret" in words) == (78, True)

    whole = trial.config.read_text()
    trial.config.write_text(whole.replace("[desk]", '[desk]\nretired_secret_files = ["secret.old"]', 1))
    with trial.desk() as desk:
        assert read_action(desk.keys, old_token) == CLAIM
        new_token = action_token(desk.keys, CLAIM)
        assert new_token != old_token

    trial.config.write_text(whole)
    with trial.desk() as desk:
        assert read_action(desk.keys, old_token) is None
        assert read_action(desk.keys, new_token) == CLAIM
