"""Lines of the log: an error is told with its place, and without words that may be a mail's."""

import logging
import sys

import pytest

from maild.core.errors import StoreBusy
from maild.logs import set_up_logging

CANARY = "канарейка"


def logged(error: BaseException, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What stands in the log after that error was raised and caught."""
    with monkeypatch.context() as patch:
        for name in ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile"):
            patch.setattr(logging, name, getattr(logging, name), raising=False)
        root = logging.getLogger()
        patch.setattr(root, "handlers", [])
        patch.setattr(root, "level", root.level)
        set_up_logging()
        root.handlers[0].setStream(sys.stderr)  # type: ignore[attr-defined]
        try:
            try:
                raise KeyError(CANARY)
            except KeyError as first:
                raise error from first
        except BaseException:
            logging.getLogger("maild.test").exception("mail 17: internal error")
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"invalid literal: {CANARY}"),
        UnicodeEncodeError("ascii", CANARY, 0, 1, CANARY),
        LookupError(CANARY),
        AssertionError(CANARY),
        ExceptionGroup("two", [ValueError(CANARY), KeyError(CANARY)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_may_quote_a_mail_is_told_without_its_words(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = logged(error, capsys, monkeypatch)
    assert CANARY not in text
    assert "mail 17: internal error" in text
    assert all(kind in text for kind in ("KeyError", type(error).__name__, "test_logs.py", "in logged"))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), StoreBusy("database is locked")])
def test_an_error_of_the_machine_is_told_in_full(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(error) in logged(error, capsys, monkeypatch)
