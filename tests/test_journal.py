"""A job's log: the message of a user's mistake stands there alone, a fault of ours with its traceback."""

from __future__ import annotations

import errno
import gc
import sys
import warnings

import pytest
from ronghe.errors import RongheError
from ronghe.journal import journal


def test_prints_and_warnings_go_to_the_log(tmp_path, capsys):
    with journal(str(tmp_path / "log")):
        print("half way")
        warnings.warn("thin ice", stacklevel=1)
    text = (tmp_path / "log").read_text()
    assert "half way" in text and "thin ice" in text
    assert capsys.readouterr().out == ""


def test_a_users_mistake_ends_the_job_with_its_message_alone(tmp_path, capsys):
    with pytest.raises(SystemExit) as end, journal(str(tmp_path / "log")):
        raise RongheError("table.csv: row 3: text in a number")
    assert end.value.code == 1
    assert (tmp_path / "log").read_text() == "table.csv: row 3: text in a number\n"
    assert "Traceback" not in capsys.readouterr().err


def test_a_fault_of_ours_keeps_its_traceback(tmp_path):
    with pytest.raises(ZeroDivisionError), journal(str(tmp_path / "log")):
        1 / 0  # noqa: B018
    assert "ZeroDivisionError" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("at", ["opening", "writing"])
def test_a_full_disk_ends_the_job_with_one_message(tmp_path, capsys, monkeypatch, at):
    """Where the log itself finds no room, and where something written beside it does not."""
    full = OSError(errno.ENOSPC, "No space left on device", "data/panel.csv")

    def refuse(*_: object, **__: object) -> None:
        raise full

    if at == "opening":
        monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(SystemExit) as end, journal(str(tmp_path / "log")):
        refuse()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert "data/panel.csv: cannot be written (No space left on device); make room" in said
    assert "Traceback" not in said


def test_a_log_that_takes_nothing_more_does_not_hide_the_message(capsys):
    with pytest.raises(SystemExit), journal("/dev/full"):
        print("half way")
        raise RongheError("table.csv: row 3: text in a number")
    said = capsys.readouterr().err
    assert "No space left on device" in said or "row 3" in said
    assert "Traceback" not in said


def test_an_interrupted_job_says_what_becomes_of_its_work(tmp_path, capsys):
    with pytest.raises(SystemExit), journal(str(tmp_path / "log")):
        raise KeyboardInterrupt
    said = capsys.readouterr().err
    assert "interrupted: what this job had begun is not kept" in said and "Traceback" not in said


def test_a_job_leaves_the_collector_of_garbage_and_imports_as_they_were(tmp_path):
    """Within a job both are put off; after it nothing is left of that."""
    before, finders = gc.get_threshold(), list(sys.meta_path)
    with journal(str(tmp_path / "log")):
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before
    assert sys.meta_path == finders


def test_an_interrupted_import_is_an_interruption(tmp_path, capsys):
    """Python 3.11 turns Ctrl-C amid a class's making into a RuntimeError; a C extension into an ImportError."""
    with pytest.raises(SystemExit), journal(str(tmp_path / "log")):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as stop:
            raise RuntimeError("Error calling __set_name__") from stop
    said = capsys.readouterr().err
    assert said.count("\n") == 3 and "interrupted: what this job had begun is not kept" in said
    assert (tmp_path / "log").read_text() == ""
