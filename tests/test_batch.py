"""Several results of one job: all are tried, and each fault has its name."""

from __future__ import annotations

import pytest
from ronghe.batch import make_each
from ronghe.errors import RongheError
from ronghe.journal import journal


def test_one_fault_does_not_keep_back_the_others(tmp_path, capsys):
    def make(name: str) -> None:
        if name in ("b", "d"):
            raise RongheError(f"tables.{name}: no such column; name another")
        (tmp_path / name).write_text(name)
        print(f"{name} is made")

    with pytest.raises(SystemExit), journal(str(tmp_path / "log")):
        make_each("abcd", make)
    assert [(tmp_path / name).exists() for name in "abcd"] == [True, False, True, False]
    told = "tables.b: no such column; name another\n\ntables.d: no such column; name another"
    assert told in capsys.readouterr().err
    assert (tmp_path / "log").read_text() == f"a\na is made\nb\nc\nc is made\nd\n{told}\n"


def test_one_fault_alone_is_told_as_in_a_job_of_its_own():
    fault = RongheError("tables.b: no such column; name another")

    def make(name: str) -> None:
        if name == "b":
            raise fault

    with pytest.raises(RongheError) as told:
        make_each("ab", make)
    assert told.value is fault


def test_faults_of_several_are_said_in_the_language_of_the_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("RONGHE_LANGUAGE", "zh")

    def make(name: str) -> None:
        raise RongheError(f"{name}.csv: cannot be read (gone); put a readable file there")

    with pytest.raises(SystemExit), journal(str(tmp_path / "log")):
        make_each("ab", make)
    told = capsys.readouterr().err
    assert "a.csv" in told and "b.csv" in told and "cannot be read" not in told and "尚无中文" not in told


def test_a_fault_of_ours_names_the_result_and_comes_after_the_others(tmp_path):
    made = []

    def make(name: str) -> None:
        if name == "a":
            raise ZeroDivisionError
        made.append(name)

    with pytest.raises(ZeroDivisionError) as told:
        make_each("abc", make)
    assert made == ["b", "c"] and told.value.__notes__ == ["while making 'a'"]


def test_a_fault_of_ours_buries_none_of_the_others(caplog):
    def make(name: str) -> None:
        raise {"a": RongheError("a: mend it"), "b": KeyError("x"), "c": OSError(28, "full")}[name]

    with pytest.raises(KeyError) as told:
        make_each("abc", make)
    assert told.value.__notes__ == ["while making 'b'", "and OSError(28, 'full')", "a: mend it"]
    assert "while making 'b'" in caplog.text and "while making 'c'" in caplog.text
