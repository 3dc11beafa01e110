"""A job's log: the message of a user's mistake stands there alone, a fault of ours with its traceback."""

from __future__ import annotations

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
